/* server_contract.h - what the server answers besides its operations under /api/vN, for the document alone: health, the document
 * itself, the inbox. Their modules mount them; core/contract/server.yaml says what they are. */
#ifndef API_SERVER_CONTRACT_H
#define API_SERVER_CONTRACT_H

#include "api/document.h"

/* 0, or -1 with a sentence in why. [any thread] */
int server_contract_read(struct api_document **out, struct buf *why);

#endif
