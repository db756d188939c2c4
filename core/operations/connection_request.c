#include "operations/connection_request.h"

#include "plugin/access.h"
#include "util/clock.h"

#define ALLOW_PRIVATE "connections.allow_private"

static int note(void *ud, const char *action, const char *target, dw_list values)
{
    return core_note(ud, action, target, values);
}

/* The answer to whoever asked must be there in time. */
static int64_t deadline_of(const struct core_request *r)
{
    return http_request_deadline(r->x) - CLOCK_SECOND;
}

struct connection_work connection_request_work(struct core_request *r)
{
    return (struct connection_work){
        .process = r->process,
        .s = r->s,
        .who = {
            .tenant = r->tenant,
            .principal = r->who ? r->who->principal.id : NULL,
            .identity = r->who,
            .asker = r->x,
            .is_asked = true,
            .request_id = http_request_id(r->x),
            .deadline_us = deadline_of(r),
        },
        .now_us = r->now_us,
        .why = &r->why,
        .note = note,
        .note_ud = r,
    };
}

/* 0, 1, or -1: it was not given. */
static int flag_of(struct core_request *r, const char *name)
{
    bool flag;

    return core_flag(r, name, &flag) ? flag : -1;
}

static int64_t number_of(struct core_request *r, const char *name)
{
    int64_t number;

    return core_number(r, name, &number) ? number : -1;
}

struct connection_given connection_request_given(struct core_request *r, const char *id)
{
    return (struct connection_given){
        .tenant = r->tenant,
        .id = id,
        .kind = core_text(r, "kind"),
        .name = core_text(r, "name"),
        .settings = core_json(r, "settings"),
        .ca = core_text(r, "ca"),
        .client_cert = core_text(r, "client_cert"),
        .client_key = core_text(r, "client_key"),
        .proxy = core_text(r, "proxy"),
        .allow_private = flag_of(r, "allow_private"),
        .enabled = flag_of(r, "enabled"),
        .parallel = number_of(r, "parallel"),
        .may_allow_private = identity_may(r->who, ALLOW_PRIVATE),
        .language = http_request_language(r->x),
    };
}

/* ---- what went wrong ---- */

static const char *words_of(const struct connection_answer *a)
{
    return a->said && *a->said ? a->said : a->text;
}

int connection_request_refuse(struct core_request *r, int rc, const struct connection_change *change)
{
    const struct connection_draft *d = change->draft;
    const struct connection_answer *a = &change->answer;

    if (d && d->faults_n > 0)
        return core_fail_all(r, rc, d->faults, d->faults_n);
    if (!change->was_tested || a->code == 0)
        return rc;
    DW_TRY(a->errors_n > 0 ? core_fail_all(r, 0, a->errors, a->errors_n) : 0);
    return core_fail(r, rc, "the test failed, and nothing was kept: %s", words_of(a));
}

int connection_request_failed(struct core_request *r, int rc, const struct connection_answer *answer)
{
    if (rc == DW_EINVALID || rc == DW_EAUTH || rc == DW_EDENIED || rc == DW_ETOOLARGE)
        rc = DW_EUPSTREAM; /* nothing that who asks here did wrong */
    if (!answer->text || !*answer->text)
        return rc;
    return core_fail(r, rc, "the connection does not work: %s", words_of(answer));
}

/* ---- answering ---- */

int connection_request_reply(struct core_request *r, int status, json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    struct buf body = BUF_INIT;

    json_decref(json);
    if (!text)
        return DW_ENOMEM;
    buf_add_text(&body, text);
    free(text);
    return core_reply(r, status, &body);
}
