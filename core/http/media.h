/* media.h - the content type that a file's name stands for. */
#ifndef HTTP_MEDIA_H
#define HTTP_MEDIA_H

#include "util/str.h"

/* By the part after the last '.', without case; "application/octet-stream" when it says nothing. Text has its charset:
 * what we serve is UTF-8. Never guessed from the content. [any thread] */
const char *media_type_of(struct str name);

#endif
