/* question.h - what is the same whenever one plugin asks another: hooks, services, connectors. [owner of the asker's call] */
#ifndef PLUGIN_QUESTION_H
#define PLUGIN_QUESTION_H

#include "plugin/call.h"
#include "plugin/hooks.h"

/* 0; or DW_EMISUSE when `what` ("service mail.send/1") would be asked too deep in a ring, which is then told. */
int question_check_depth(dw_call *c, const char *what);

/* What the answerer may return, at most `most`; for anything else logs whose fault it is, and is DW_EINTERNAL. */
int question_judge(dw_call *child, const struct answerer *a, int rc, int most);

/* The asker is told why the answerer failed with rc: text, reason, detail, retry_after. */
void question_carry(dw_call *c, const dw_call *child, const struct answerer *a, int rc);

#endif
