/* desk.h - asking one Zammad. [call] */
#ifndef ZAMMAD_DESK_H
#define ZAMMAD_DESK_H

#include "row.h"
#include "settings.h"

enum { DESK_SAID_MAX = 240 };

/* Lives as long as the call. */
struct desk {
    dw_call *c;
    dw_connection *conn;
    const struct zammad_settings *set;

    /* One of these, the others NULL: the whole field for access tokens, OAuth's token, a user. */
    dw_secret authorization, bearer, password;
    const char *user;
    const char *on_behalf; /* NULL: nobody else */

    /* Of the last answer, and why it is no good. */
    int status;
    bool is_own;              /* Zammad itself says so, not a proxy or another program */
    char said[DESK_SAID_MAX]; /* what it says */
    int64_t date;             /* its clock, in seconds since 1970; -1: not said */
    dw_span behind;           /* so much is its clock behind ours; 0: less than a minute, or ahead */
};

/* One request. Borrowed until its answer was taken. */
struct ask {
    const char *path; /* "/api/v1/users/me" */
    dw_list query;
    const json_t *json; /* not NULL: a POST of it, for questions that are too long for a URL */
};

int desk_open(struct desk *d, dw_call *c, dw_connection *conn);

/* Sends it. */
DW_MUST_CHECK int desk_start(struct desk *d, dw_fetching **out, const struct ask *ask);

/* Waits for what comes of it: JSON, of the call's memory; or why not, in sentences of explain.h. */
DW_MUST_CHECK int desk_take(struct desk *d, dw_fetching *f, const struct ask *ask, json_t **out);

/* Both: desk_ask(d, &json, .path = "/api/v1/users/me"). */
#define desk_ask(d, out, ...) (desk_ask_((d), (out), &(const struct ask){ __VA_ARGS__ }))
DW_MUST_CHECK int desk_ask_(struct desk *d, json_t **out, const struct ask *ask);

/* "/api/v1/tickets/12/time_accountings". */
const char *desk_path(struct desk *d, const char *before, int64_t id, const char *after);

#endif
