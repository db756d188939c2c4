#include "plugin/connection_make.h"

#include <string.h>

#include "operations/connection_work.h"
#include "plugin/call_db.h"
#include "plugin/found.h"
#include "plugin/host.h"

/* One that is wanted, on its way: ends with finish(). */
struct making {
    const char *step;
    dw_call *c;
    union found_room room;
    const dw_connection_wanted *wanted; /* in the room, host-sized */
    json_t *settings;                   /* with what is secret */
    struct connection_work w;
    struct connection_given given;
    struct connection_change change;
    struct buf why;
};

/* ---- what is wanted ---- */

static int note(void *ud, const char *action, const char *target, dw_list values)
{
    return host_audit_of(ud, "core", action, target, values);
}

static int out_of_memory(const struct making *m)
{
    return call_fail(m->c, DW_ENOMEM, "%s: out of memory", m->step);
}

static int add_secrets(struct making *m)
{
    const dw_connection_secret *s = m->wanted->secrets;

    for (; s && s->item; s++) {
        if (s->value.hidden && json_object_set_new(m->settings, s->item, json_string(s->value.hidden)) != 0)
            return call_fail(m->c, DW_EINVALID, "%s: the secret %s is not UTF-8", m->step, s->item);
    }
    return 0;
}

static int take_settings(struct making *m)
{
    const json_t *given = m->wanted->settings;

    if (given && !json_is_object(given))
        return call_misuse(m->c, "%s: the settings are no object", m->step);
    m->settings = json_object();
    if (!m->settings || (given && json_object_update(m->settings, (json_t *)(uintptr_t)given) != 0))
        return out_of_memory(m);
    return add_secrets(m);
}

/* What a plugin was asked for by somebody is not its own to give. */
static int check_machine(const struct making *m)
{
    if (!m->c->tenant)
        return call_misuse(
            m->c, "%s: connections belong to tenants, and this call has none: dw_call_as_tenant() first",
            m->step);
    if (host_auth_api.principal(m->c)->kind == DW_MACHINE)
        return 0;
    return call_fail_inner(m->c, DW_EDENIED,
                           "%s: only what the machine does by itself may make connections; people do it "
                           "by POST /api/v1/connections",
                           m->step);
}

static int begin(struct making *m)
{
    struct db_session *s;

    DW_TRY(check_machine(m));
    if (!m->wanted->kind || !m->wanted->name)
        return call_misuse(m->c, "%s: without a kind or a name", m->step);
    DW_TRY(take_settings(m));
    DW_TRY(call_session(m->c, m->step, &s));
    m->w = (struct connection_work){
        .process = m->c->instance->process,
        .s = s,
        .who = { .parent = m->c, .tenant = m->c->tenant, .deadline_us = m->c->root->deadline_us },
        .now_us = call_wall_us(m->c),
        .why = &m->why,
        .note = note,
        .note_ud = m->c,
    };
    m->given = (struct connection_given)CONNECTION_GIVEN(
            .tenant = m->c->tenant, .kind = m->wanted->kind, .name = m->wanted->name, .settings = m->settings,
            .may_allow_private = true); /* as of `dowel connection`: who may call commands is the operator */
    m->given.allow_private = m->wanted->allow_private;
    m->given.enabled = !m->wanted->disabled;
    return 0;
}

static void finish(struct making *m)
{
    const dw_connection_secret *s = m->wanted->secrets;

    connection_change_finish(&m->change);
    for (; m->settings && s && s->item; s++) {
        const char *text = json_string_value(json_object_get(m->settings, s->item));
        if (text)
            explicit_bzero((char *)(uintptr_t)text, strlen(text));
    }
    json_decref(m->settings);
    buf_finish(&m->why);
}

/* ---- why not ---- */

/* "settings/base_url: must be an address; settings/token: must be set" */
static void add_errors(struct buf *out, const struct problem_error *errors, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct str at = errors[i].pointer;
        size_t skip = str_starts_with(at, STR_OF("#/")) ? 2 : 0;
        buf_add_format(out, "%s%.*s: %.*s", i ? "; " : "", (int)(at.n - skip), at.p + skip,
                       STR_ARG(errors[i].detail));
    }
}

static int fail_named(const struct making *m, int code, struct buf *text)
{
    if (buf_failed(text))
        return out_of_memory(m);
    return call_fail(m->c, code, "the connection %s: %s", m->wanted->name, buf_text(text));
}

/* What the settings lack, what the work said, or the database. */
static int explain(const struct making *m, int rc)
{
    const struct connection_draft *d = m->change.draft;
    struct buf text = BUF_INIT;

    if (m->why.n == 0 && m->w.s && db_error_of(m->w.s)->code == rc)
        return call_session_result(m->c, m->step, rc);
    if (rc == DW_ENOMEM)
        return out_of_memory(m);
    if (d && d->faults_n > 0)
        add_errors(&text, d->faults, d->faults_n);
    else if (m->why.n > 0)
        buf_add_str(&text, buf_str(&m->why));
    else
        buf_add_text(&text, "cannot be made");
    rc = fail_named(m, rc, &text);
    buf_finish(&text);
    return rc;
}

/* As the connector said it, its reason included. */
static int fail_tested(const struct making *m)
{
    const struct connection_answer *a = &m->change.answer;
    struct buf text = BUF_INIT;

    if (a->errors_n > 0)
        add_errors(&text, a->errors, a->errors_n);
    else
        buf_add_text(&text, a->text);
    int rc = fail_named(m, a->code, &text);
    buf_finish(&text);
    if (rc == a->code)
        call_reason(m->c, a->reason);
    return rc;
}

/* ---- the slots ---- */

/* 1 and its id: there is one of that kind and name. */
static int find(struct making *m, const char **id)
{
    const struct connection_filter filter = { .tenant = m->c->tenant, .name = m->wanted->name, .limit = 1 };
    struct db_cell found, kind;
    struct db_rows *rows;
    bool is_same = false;

    DW_TRY(connections_query(m->w.s, &rows, &filter));
    int rc = db_rows_next(rows);
    if (rc > 0) {
        int bad = db_rows_cell(rows, 0, &found) | db_rows_cell(rows, 1, &kind);
        is_same = bad == 0 && str_equal(kind.text, str_from(m->wanted->kind));
        rc = bad ? DW_EINTERNAL : 1;
        if (is_same)
            *id = call_copy(m->c, found.text);
    }
    db_rows_close(rows);
    if (rc <= 0 || is_same)
        return rc;
    buf_add_text(&m->why, "there is another connection with this name");
    return DW_ECONFLICT;
}

static int make(struct making *m, const char **id)
{
    int found = find(m, id);

    if (found != 0)
        return found < 0 ? found : 0;
    DW_TRY(connection_change_prepare(&m->w, &m->given, true, &m->change));
    DW_TRY(connection_change_store(&m->w, &m->change));
    *id = call_copy(m->c, str_from(m->change.draft->is->id));
    return 1;
}

/* Named in the error before anything is looked at. */
static void take(struct making *m, dw_call *c, const char *step, const dw_connection_wanted *wanted)
{
    *m = (struct making){ .step = step, .c = c, .why = BUF_INIT };
    found_take(&m->room, wanted, sizeof(*wanted));
    m->wanted = (const void *)m->room.bytes;
}

int connection_make(dw_call *c, const char **id, const dw_connection_wanted *wanted)
{
    static const char step[] = "dw_connection_make";
    struct making m;

    DW_TRY(call_check(c, step));
    if (!id || !wanted)
        return call_misuse(c, "%s: without a connection, or where its id goes", step);
    *id = NULL;
    if (!call_in_transaction(c))
        return call_fail_inner(c, DW_ETX, "%s is part of a transaction: dw_tx_begin() first", step);
    take(&m, c, step, wanted);
    int rc = begin(&m);
    if (rc == 0) {
        rc = make(&m, id);
        rc = rc < 0 ? explain(&m, rc) : rc;
    }
    finish(&m);
    return rc;
}

int connection_make_try(dw_call *c, const dw_connection_wanted *wanted)
{
    static const char step[] = "dw_connection_try";
    struct making m;

    DW_TRY(call_check(c, step));
    if (!wanted)
        return call_misuse(c, "%s: without a connection", step);
    DW_TRY(call_refuse_in_transaction(c, step));
    take(&m, c, step, wanted);
    int rc = begin(&m);
    if (rc == 0) {
        rc = connection_change_try(&m.w, &m.given, &m.change);
        if (rc < 0)
            rc = explain(&m, rc);
        else if (m.change.answer.code < 0)
            rc = fail_tested(&m);
    }
    finish(&m);
    return rc;
}
