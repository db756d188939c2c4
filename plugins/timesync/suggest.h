/* suggest.h - what is not mapped yet, with what looks like it at the target. [call] */
#ifndef TIMESYNC_SUGGEST_H
#define TIMESYNC_SUGGEST_H

#include "sync.h"

/* Answers with {"items": [{"source", "source_name", "cases", "target", "target_name"}]}, those with most cases first. Asks the
 * target. kind: "activity", "user", "customer", "project". */
int suggest_reply(dw_call *c, dw_request *req, const struct sync *s, const char *kind);

/* A statement for what entries of the sync $1 call the source $2 of a kind of mapping: one row, which may be null. */
const char *suggest_name_sql(const char *kind);

#endif
