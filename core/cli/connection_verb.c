#include "cli/connection_verb.h"

#include <string.h>

#include "operations/connection_view.h"
#include "plugin/access.h"
#include "plugin/call_db.h"
#include "plugin/host.h"
#include "plugin/only_tenant.h"
#include "util/json.h"

static const char step[] = "connection";

static int note(void *ud, const char *action, const char *target, dw_list values)
{
    return host_audit(ud, action, target, values);
}

/* ---- in whose tenant ---- */

/* In the call's memory. */
static int implied_tenant(dw_call *c, const char **out)
{
    struct buf why = BUF_INIT;
    char id[UUID_TEXT_SIZE];
    int rc = only_tenant(c->instance->process->access, id, &why);

    *out = rc == 0 ? call_copy(c, str_from(id)) : NULL;
    if (rc != 0)
        rc = call_fail(c, DW_EINVALID, "%s", buf_text(&why));
    buf_finish(&why);
    return rc;
}

static int begin(struct connection_verb *v, dw_call *c, const char *tenant)
{
    struct db_session *s;

    DW_TRY(call_derive(c, &v->c, tenant, false));
    DW_TRY(call_session(v->c, step, &s));
    v->tenant = tenant;
    v->w = (struct connection_work){
        .process = c->instance->process,
        .s = s,
        .who = { .parent = v->c, .tenant = tenant, .deadline_us = c->root->deadline_us },
        .now_us = call_wall_us(c),
        .why = &v->why,
        .note = note,
        .note_ud = v->c,
    };
    return 0;
}

int connection_verb_begin(struct connection_verb *v, dw_call *c, dw_command_run *run, const char *tenant)
{
    *v = (struct connection_verb){ .asked = c, .c = c, .run = run, .why = BUF_INIT };
    if (!tenant)
        tenant = c->tenant;
    if (!tenant)
        DW_TRY(implied_tenant(c, &tenant));
    return begin(v, c, tenant);
}

/* ---- which one ---- */

/* Of whatever tenant unless one is named: who runs the server sees all of them. */
static int look_for(struct connection_verb *v, const char *named, const char **tenant)
{
    const char *id = NULL, *found_tenant = NULL, *found = NULL;
    char formatted[UUID_TEXT_SIZE];
    struct db_session *s;
    struct uuid parsed;
    int64_t n = 0;

    if (uuid_parse(str_from(named), &parsed) == 0) {
        uuid_format(&parsed, formatted);
        id = formatted;
    }
    DW_TRY(call_session(v->asked, step, &s));
    int rc = db_find(s, DW_TO(&found, &found_tenant, &n), DB_BY_CORE,
                     DW_LIST("SELECT id, tenant_id, (SELECT count(*) FROM dowel_connections"
                             "  WHERE (id = $1 OR name = $2) AND (tenant_id = $3 OR $3 IS NULL))"
                             " FROM dowel_connections"
                             " WHERE (id = $1 OR name = $2) AND (tenant_id = $3 OR $3 IS NULL) LIMIT 1",
                             id, named, v->asked->tenant));
    if (rc < 0)
        return call_session_result(v->asked, step, rc);
    if (rc == 0)
        return call_fail(v->asked, DW_ENOTFOUND,
                         "%s: there is no such connection; dowel connection list has all", named);
    if (n > 1)
        return call_fail(v->asked, DW_EINVALID,
                         "%s: %lld connections are called so; say --tenant ID, or the connection's id", named,
                         (long long)n);
    v->id = call_copy(v->asked, str_from(found));
    *tenant = call_copy(v->asked, str_from(found_tenant));
    return 0;
}

int connection_verb_find(struct connection_verb *v, dw_call *c, dw_command_run *run)
{
    const char *named = NULL, *tenant = NULL;

    *v = (struct connection_verb){ .asked = c, .c = c, .run = run, .why = BUF_INIT };
    DW_TRY(host_command_api.read(run, DW_LIST("connection", &named)));
    DW_TRY(look_for(v, named, &tenant));
    return begin(v, c, tenant);
}

/* ---- the end ---- */

/* What was said about it: by the work, by a step of the derived call, or by the database. */
static int explain(struct connection_verb *v, int rc)
{
    const struct db_error *e = v->w.s ? db_error_of(v->w.s) : NULL;

    if (v->asked->error.code == rc && v->asked->error.text && *v->asked->error.text)
        return rc;
    if (v->why.n > 0)
        return call_fail(v->asked, rc, "%s", buf_text(&v->why));
    if (v->c != v->asked && v->c->error.code == rc && v->c->error.text && *v->c->error.text)
        return call_fail(v->asked, rc, "%s", v->c->error.text);
    if (e && e->code == rc && *e->text)
        return call_fail(v->asked, rc, "%s", e->text);
    if (rc == DW_ENOTFOUND)
        return call_fail(v->asked, rc, "there is no such thing");
    return rc;
}

int connection_verb_end(struct connection_verb *v, int64_t result)
{
    int rc = result < 0 ? (int)result : 0;

    if (rc < 0 && v->w.s && db_error_of(v->w.s)->code == rc)
        call_session_result(v->c, step, rc); /* it may want to be repeated */
    if (rc < 0 && v->asked->errors_n == 0)
        rc = explain(v, rc);
    buf_finish(&v->why);
    return rc;
}

int connection_verb_open(struct connection_verb *v)
{
    return host_db_api.begin(v->c);
}

int connection_verb_commit(struct connection_verb *v)
{
    return host_db_api.commit(v->c);
}

/* ---- shown ---- */

int connection_verb_view(struct connection_verb *v, json_t **out)
{
    const struct connection_filter filter = { .tenant = v->tenant, .id = v->id };
    struct buf text = BUF_INIT;
    struct json_fault fault;
    struct db_rows *rows;

    *out = NULL;
    DW_TRY(connections_query(v->w.s, &rows, &filter));
    int rc = db_rows_next(rows);
    if (rc == 0)
        rc = DW_ENOTFOUND;
    if (rc > 0)
        rc = connection_view_row(&text, rows, v->w.process->connectors);
    if (rc >= 0 && json_strict_parse(buf_str(&text), 0, out, &fault) != 0)
        rc = DW_ENOMEM;
    db_rows_close(rows);
    buf_finish(&text);
    return rc;
}

/* Each is a line: "settings/token: must be set". */
static int mark_all(dw_call *c, const struct problem_error *errors, size_t n)
{
    int rc = DW_EINVALID;

    for (size_t i = 0; i < n; i++) {
        const char *pointer = call_copy(c, errors[i].pointer), *text = call_copy(c, errors[i].detail);
        rc = call_fail_at(c, pointer, text);
    }
    return rc;
}

/* "settings/token: the token is not known", one after the other: nothing that was typed wrong, so no usage is shown. */
static int tell_failure(struct connection_verb *v, const struct connection_answer *a, const char *failed)
{
    struct buf text = BUF_INIT;

    buf_add_format(&text, "%s: ", failed);
    for (size_t i = 0; i < a->errors_n; i++) {
        struct str at = a->errors[i].pointer;
        size_t skip = str_starts_with(at, STR_OF("#/")) ? 2 : 0;
        buf_add_format(&text, "%s%.*s: %.*s", i ? "; " : "", (int)(at.n - skip), at.p + skip,
                       STR_ARG(a->errors[i].detail));
    }
    if (a->errors_n == 0)
        buf_add_text(&text, a->text);
    int rc = call_fail(v->asked, DW_EUPSTREAM, "%s", buf_text(&text));
    buf_finish(&text);
    return rc;
}

int connection_verb_refuse(struct connection_verb *v, int rc, const struct connection_change *change,
                           const char *failed)
{
    const struct connection_draft *d = change->draft;
    const struct connection_answer *a = &change->answer;

    if (d && d->faults_n > 0)
        return mark_all(v->asked, d->faults, d->faults_n);
    if (!change->was_tested || a->code == 0)
        return rc;
    return tell_failure(v, a, failed);
}
