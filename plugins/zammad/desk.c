#include "desk.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "amount.h"
#include "explain.h"
#include "http_date.h"

enum {
    ANSWER_MAX = 8 << 20, /* a page of 1000 rows with all their names has about 1 MiB */
};

/* ---- opening ---- */

static void wipe(void *ud)
{
    explicit_bzero(ud, strlen(ud));
}

/* A copy of the token, which has to go with the call as the settings do. */
static int make_field(struct desk *d, dw_secret token)
{
    const char *field = dw_format(d->c, "Token token=%s", dw_secret_reveal(token));

    d->authorization.hidden = field;
    return dw_defer(d->c, wipe, (char *)(uintptr_t)field);
}

static int choose_credentials(struct desk *d)
{
    const struct zammad_settings *set = d->set;

    if (zammad_secret_is_set(set->token))
        return make_field(d, set->token);
    if (zammad_secret_is_set(set->bearer)) {
        d->bearer = set->bearer;
    } else if (*set->user) {
        d->user = set->user;
        d->password = set->password;
    }
    return 0;
}

int desk_open(struct desk *d, dw_call *c, dw_connection *conn)
{
    *d = (struct desk){ .c = c, .conn = conn, .set = dw_connection_settings(conn), .date = -1 };
    if (!d->set)
        return dw_fail(c, DW_EMISUSE, "this connection has no settings of a Zammad");
    d->on_behalf = *d->set->on_behalf ? d->set->on_behalf : NULL;
    return choose_credentials(d);
}

/* ---- asking ---- */

/* Accept: without it errors come as pages. On behalf of: the second name is the one of old versions. A search is a POST only
 * for its length, so it may be repeated. */
int desk_start(struct desk *d, dw_fetching **out, const struct ask *ask)
{
    int rc = dw_fetch_start(d->c, out, .url = ask->path, .query = ask->query, .json = ask->json,
                            .headers = DW_LIST("Accept", "application/json", "From", d->on_behalf,
                                               "X-On-Behalf-Of", d->on_behalf),
                            .secret_header = d->authorization.hidden ? "Authorization" : NULL,
                            .secret = d->authorization, .bearer = d->bearer, .user = d->user,
                            .password = d->password, .timeout = DW_SECONDS(60), .max_bytes = ANSWER_MAX,
                            .idempotent = true, .connection = d->conn);

    return rc == DW_ERATE ? explain_rate(d) : rc;
}

static int parse(struct desk *d, dw_answer *a, json_t **out)
{
    dw_str text = { a->body.p, a->body.n };
    char *quoted = NULL;
    int made = amount_quote(text.p, text.n, &quoted, &text.n), rc;

    if (made < 0)
        return dw_fail(d->c, DW_ENOMEM, "out of memory");
    text.n = made ? text.n : a->body.n;
    text.p = made ? quoted : a->body.p;
    rc = dw_json_parse(d->c, text, out);
    free(quoted);
    return rc;
}

/* Every answer says what time it is there. */
static void look_at_clock(struct desk *d, dw_answer *a)
{
    int64_t behind;

    d->date = http_date_seconds(dw_answer_header(a, "Date"));
    if (d->date < 0)
        return;
    behind = dw_now(d->c).us - d->date * 1000000;
    d->behind.us = behind > DW_MINUTES(1).us ? behind : 0;
}

int desk_take(struct desk *d, dw_fetching *f, const struct ask *ask, json_t **out)
{
    dw_answer *a = NULL;
    int rc = dw_fetch_wait(f, &a);

    *out = NULL;
    d->status = a ? a->status : 0;
    d->is_own = false;
    d->said[0] = 0;
    if (a)
        look_at_clock(d, a);
    if (rc < 0 || !a || a->status >= 300)
        return explain_refusal(d, rc, a, ask);
    rc = parse(d, a, out);
    if (rc == DW_EINVALID)
        return explain_no_json(d, a, ask);
    return rc;
}

int desk_ask_(struct desk *d, json_t **out, const struct ask *ask)
{
    dw_fetching *f;

    DW_TRY(desk_start(d, &f, ask));
    return desk_take(d, f, ask, out);
}

const char *desk_path(struct desk *d, const char *before, int64_t id, const char *after)
{
    return dw_format(d->c, "%s/%" PRId64 "%s", before, id, after);
}
