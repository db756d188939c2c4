/* suggest.h - what is not mapped yet, with what looks like it at the target. [call] */
#ifndef TIMESYNC_SUGGEST_H
#define TIMESYNC_SUGGEST_H

#include "sync.h"

/* Answers with {"items": [{"source", "source_name", "cases", "target", "target_name"}]}, those with most cases first. Asks the
 * target. kind: "activity", "user", "customer", "project". */
int suggest_reply(dw_call *c, dw_request *req, const struct sync *s, const char *kind);

#endif
