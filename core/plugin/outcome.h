/* outcome.h - what an error of a plugin means to an HTTP client. One table: see enum dw_error in dowel/value.h. */
#ifndef PLUGIN_OUTCOME_H
#define PLUGIN_OUTCOME_H

#include "http/exchange.h"
#include "http/problem.h"
#include "plugin/instance.h"

struct outcome {
    int code;         /* what the callback returned */
    const char *text; /* why, for people; "" when nothing was recorded for this code */
    const char *said; /* the same in the client's language; NULL: nobody has said it in that */
    bool is_mixed;    /* not all errors are in it */
    bool
        is_from_peer; /* somebody whom the plugin asked caused it: that peer's words are not for our client */
    bool is_inner;    /* the text is for the log, not for our client */
    int64_t retry_after_us; /* 0: not said */
    const struct problem_error *errors;
    size_t errors_n;
};

/* Stages the problem in place of what was staged since `mark`, and logs what an admin should see (5xx) with plugin and
 * `what`. `instance` NULL: an operation of the server's own. Uses none of the exchange's arena. [who has the exchange] */
void outcome_answer(struct http_exchange *x, size_t mark, const struct outcome *o, dw_instance *instance,
                    const char *what);

/* "DW_ECONFLICT"; "?" for what is none of them. */
const char *outcome_name(int code);

#endif
