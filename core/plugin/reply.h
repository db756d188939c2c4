/* reply.h - the replies that a handler or a token makes; see dowel/http.h. */
#ifndef PLUGIN_REPLY_H
#define PLUGIN_REPLY_H

#include "plugin/request.h"

int reply_list(dw_request *req, dw_list status_and_pairs);
int reply_json(dw_request *req, int status, const json_t *json);
int reply_bytes(dw_request *req, int status, const char *content_type, dw_bytes body);
dw_out *reply_open(dw_request *req, int status);
int reply_close(dw_request *req);
int reply_header(dw_request *req, const char *name, const char *value);

/* ---- for those that answer in another way ---- */

/* May this request still be answered? 0, or DW_EMISUSE, told to the log. */
int reply_claim(struct request *r, const char *step);

/* What is wrong with a status, or with a status that has content; NULL when nothing is. */
const char *reply_status_wrong(int status, bool has_content);

/* NULL is one. */
bool reply_is_content_type(const char *type);

/* A small reply as dw_reply makes it: its status and its content, in `body` if it has any. NULL, or what is wrong; memory
 * shows in the buffer. */
const char *reply_compose(dw_list list, int *status, struct buf *body);

/* Stages what was composed. 0 or -1. [who has the exchange] */
int reply_stage_json(struct http_exchange *x, int status, struct buf *body);

#endif
