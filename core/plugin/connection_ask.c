#include "plugin/connection_ask.h"

#include <limits.h>
#include <string.h>

#include "connections/settings.h"
#include "http/exchange.h"
#include "plugin/call_db.h"
#include "plugin/checkup.h"
#include "plugin/connection_open.h"
#include "plugin/found.h"
#include "plugin/hooks.h"
#include "plugin/host.h"
#include "plugin/question.h"
#include "util/clock.h"

static const char hook_name[] = "core.connection_uses";

/* ---- answers ---- */

static void answer_init(struct connection_answer *a)
{
    *a = (struct connection_answer){ .text = "", .said = "", .reason = "", .detail = "" };
    arena_init(&a->arena, NULL, 0, 0);
}

void connection_answer_finish(struct connection_answer *a)
{
    arena_finish(&a->arena);
    answer_init(a);
}

static const char *keep(struct connection_answer *a, const char *text)
{
    const char *copy = text ? arena_copy(&a->arena, str_from(text)) : "";

    return copy ? copy : "";
}

static struct str keep_str(struct connection_answer *a, struct str s)
{
    const char *copy = arena_copy(&a->arena, s);

    return copy ? str_make(copy, s.n) : str_make("", 0);
}

static void keep_errors(struct connection_answer *a, const dw_call *c)
{
    a->errors = arena_calloc(&a->arena, (c->errors_n + 1) * sizeof(*a->errors));
    for (size_t i = 0; a->errors && i < c->errors_n; i++)
        a->errors[a->errors_n++] =
            (struct problem_error){ keep_str(a, c->errors[i].pointer), keep_str(a, c->errors[i].detail) };
}

/* What the call that ends now says about rc. */
static void keep_failure(struct connection_answer *a, const dw_call *c, int rc)
{
    bool has_text = c->error.code == rc && c->error.text && *c->error.text;

    a->code = rc < 0 ? rc : 0;
    if (a->code == 0)
        return;
    if (has_text) {
        a->text = keep(a, c->error.text);
        a->said = keep(a, c->error.said);
        a->reason = keep(a, c->error.reason);
        a->detail = keep(a, c->error.detail);
    } else {
        a->text = "it failed, and does not say why";
        a->said = http_say(c->asker ? http_request_language(c->asker) : HTTP_ENGLISH, a->text);
    }
}

/* ---- can it work? ---- */

/* "/token" is about the setting of that name; what it marks beside those ("/name") stays. */
static void point_into_settings(struct connection_answer *a, const struct connector_kind *kind)
{
    for (size_t i = 0; i < a->errors_n; i++) {
        struct str at = a->errors[i].pointer, name = str_make(at.p + 2, at.n > 2 ? at.n - 2 : 0);
        const char *pointer;

        name.n = str_find(name, '/');
        if (at.n < 3 || !connection_settings_item(kind->table, name))
            continue;
        pointer = arena_format(&a->arena, "#/settings%.*s", (int)at.n - 1, at.p + 1);
        if (pointer)
            a->errors[i].pointer = str_from(pointer);
    }
}

static int ask_check(dw_call *c, const struct connector_kind *kind, dw_connection *conn,
                     struct connection_answer *out)
{
    const struct answerer who = { .by = kind->by, .label = kind->label, .what = kind->what };
    dw_checkup *checkup;
    int rc;

    if (!kind->connector->check)
        return 0;
    checkup = checkup_open(c, out);
    if (!checkup)
        return call_fail(c, DW_ENOMEM, "check: out of memory");
    rc = question_judge(c, &who, call_check_committed(c, kind->connector->check(c, conn, checkup)), INT_MAX);
    checkup_close(checkup);
    return rc;
}

static int run_check(dw_call *c, const struct connection_draft *draft, struct connection_answer *out)
{
    dw_connection *conn;
    int rc = connection_open_draft(c, draft, &conn);

    if (rc == 0)
        rc = ask_check(c, draft->kind, conn, out);
    /* Who marked a setting and forgot to return the code has refused as well. */
    return rc >= 0 && c->errors_n > 0 ? DW_EINVALID : rc;
}

/* A call of that plugin for whom the core asks. */
static int begin(dw_call **out, dw_instance *by, const struct answerer *as, const struct call_options *who)
{
    struct call_options options = *who;

    options.instance = by;
    options.label = as->label;
    options.what = as->what;
    options.parent = NULL;
    options.arena = NULL;
    return call_begin(out, &options);
}

static int begin_kind(dw_call **out, const struct connector_kind *kind, const struct call_options *who)
{
    return begin(out, kind->by, &(struct answerer){ .label = kind->label, .what = kind->what }, who);
}

int connection_check(const struct plugin_process *process, const struct connection_draft *draft,
                     const struct call_options *who, struct connection_answer *out)
{
    int64_t began_us = clock_monotonic_us();
    dw_call *c;

    (void)process;
    answer_init(out);
    if (draft->faults_n > 0)
        return DW_EINVALID;
    if (atomic_load(&draft->kind->by->missing))
        return DW_EUNAVAILABLE;
    if (begin_kind(&c, draft->kind, who) != 0)
        return DW_ENOMEM;
    int rc = run_check(c, draft, out);
    keep_errors(out, c);
    keep_failure(out, c, rc);
    point_into_settings(out, draft->kind);
    call_end(c);
    out->took_us = clock_monotonic_us() - began_us;
    return 0;
}

/* ---- what can be listed there ---- */

struct listing_visit {
    int (*take)(void *ud, const dw_thing *thing);
    void *ud;
    int64_t limit, n;
    bool is_full;
};

static int visit_thing(dw_call *c, const dw_thing *thing, void *ud)
{
    struct listing_visit *v = ud;
    int rc = v->take(v->ud, thing);

    if (rc < 0)
        return call_fail(c, rc, "a list could not be kept: out of memory");
    v->is_full = rc > 0 || ++v->n == v->limit;
    return v->is_full ? call_fail(c, DW_EGONE, "enough") : 0;
}

/* The kind of a connection that is kept, without opening it. */
static int find_kind(const struct plugin_process *p, const struct connection_list *list,
                     const struct call_options *who, const struct connector_kind **out)
{
    const struct db_who reader = { .owner = "core", .tenant = who->tenant, .now_us = clock_wall_us() };
    struct connection *kept;
    struct db_session *s;
    int rc;

    *out = NULL;
    if (!p->db)
        return DW_EUNAVAILABLE;
    if (db_session_create(&s, p->db, &reader) != 0)
        return DW_ENOMEM;
    rc = connection_load(&kept, s, p->keyring, who->tenant, list->id);
    if (rc == 0)
        *out = connectors_find(p->connectors, kept->kind);
    db_session_destroy(s);
    if (rc == 0)
        connection_destroy(kept);
    return rc == 0 && (!*out || atomic_load(&(*out)->by->missing)) ? DW_EUNAVAILABLE : rc;
}

static int list_things(dw_call *c, const struct connection_list *list, struct listing_visit *v)
{
    dw_connection *conn;
    int rc = host_connector_api.open(c, list->id, &conn);

    if (rc == 0)
        rc = host_connector_api.things(c, conn, list->listing, list->query, visit_thing, v);
    return v->is_full || rc >= 0 ? (int)(v->n < INT_MAX ? v->n : INT_MAX) : rc;
}

int connection_things(const struct plugin_process *process, const struct connection_list *list,
                      const struct call_options *who, int (*take)(void *ud, const dw_thing *thing), void *ud,
                      struct connection_answer *out)
{
    struct listing_visit visit = { .take = take, .ud = ud, .limit = list->limit };
    const struct connector_kind *kind;
    dw_call *c;

    answer_init(out);
    int rc = find_kind(process, list, who, &kind);
    if (rc == 0)
        rc = begin_kind(&c, kind, who);
    if (rc != 0) {
        out->code = rc;
        return rc;
    }
    rc = list_things(c, list, &visit);
    keep_failure(out, c, rc);
    call_end(c);
    return rc;
}

/* ---- what hangs on it ---- */

struct use_visit {
    int (*take)(void *ud, const dw_connection_use *use, const char *plugin);
    void *ud;
    const char *plugin;
};

static int visit_use(dw_call *c, const dw_connection_use *use, void *ud)
{
    struct use_visit *v = ud;
    int rc = v->take(v->ud, use, v->plugin);

    return rc < 0 ? call_fail(c, rc, "%s: stopped", hook_name) : 0;
}

/* The core's own call, in which is visited: an answerer's, for the core has no instance. Inside of it lies the one that answers. */
static int ask_inside(dw_call *c, const struct answerer *a, dw_connection_uses *question)
{
    dw_found *found = question->out;
    dw_call *child;
    int rc = call_begin(
        &child, &(struct call_options){ .instance = a->by, .label = a->label, .what = a->what, .parent = c });

    if (rc != 0)
        return call_fail(c, DW_ENOMEM, "%s: out of memory", hook_name);
    found->asked = child;
    rc = question_judge(child, a, call_check_committed(child, a->answer(child, question)), 1);
    if (rc >= 0 && found->refused != 0)
        rc = found->refused;
    found->asked = NULL;
    if (found->stopped != 0)
        rc = found->stopped;
    else if (rc < 0)
        question_carry(c, child, a, rc);
    call_end(child);
    return rc < 0 ? rc : (int)found->n;
}

static int ask_with_list(dw_call *c, const struct answerer *a, const char *id, struct use_visit *visit)
{
    dw_connection_uses question = { .struct_size = sizeof(question), .connection = id };
    int rc;

    question.out = found_open(FOUND_USES, c);
    if (!question.out)
        return call_fail(c, DW_ENOMEM, "%s: out of memory", hook_name);
    question.out->visit.use = visit_use;
    question.out->ud = visit;
    rc = ask_inside(c, a, &question);
    found_close(question.out);
    return rc;
}

static int ask_one(const struct answerer *a, const char *id, const struct call_options *who,
                   struct use_visit *visit, struct connection_answer *out)
{
    dw_call *c;

    visit->plugin = a->by->name;
    if (begin(&c, a->by, a, who) != 0)
        return out->code = DW_ENOMEM;
    int rc = ask_with_list(c, a, id, visit);
    keep_failure(out, c, rc);
    call_end(c);
    return rc;
}

/* That nobody knows what hangs on it is no reason to say that nothing does. */
static int refuse_missing(const struct call_options *who, struct connection_answer *out, const char *plugin)
{
    static const char text[] = "the plugin %s cannot say what hangs on the connection: it is not running";

    out->code = DW_EUNAVAILABLE;
    out->text = arena_format(&out->arena, text, plugin);
    out->said = arena_format(
        &out->arena, http_say(who->asker ? http_request_language(who->asker) : HTTP_ENGLISH, text), plugin);
    if (!out->text || !out->said)
        out->text = out->said = "";
    return out->code;
}

int connection_uses(const struct plugin_process *process, const char *id, const struct call_options *who,
                    int (*take)(void *ud, const dw_connection_use *use, const char *plugin), void *ud,
                    struct connection_answer *out)
{
    struct use_visit visit = { .take = take, .ud = ud };
    const struct plugin_hook *hook = process->hooks ? plugin_hooks_find(process->hooks, hook_name) : NULL;
    int n = 0;

    answer_init(out);
    if (!hook)
        return 0;
    const char *missing = plugin_hook_missing(hook);
    if (missing)
        return refuse_missing(who, out, missing);
    for (size_t i = 0; i < hook->answerers_n; i++) {
        int rc = ask_one(&hook->answerers[i], id, who, &visit, out);
        if (rc < 0)
            return rc;
        n += rc;
    }
    return n;
}
