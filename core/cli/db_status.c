/* db_status.c - `dowel db status`, `plan` and `history`: how things stand. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/db.h"
#include "db/dialect.h"
#include "db/identity.h"
#include "util/clock.h"

static json_t *time_json(const struct migrate_record *record)
{
    char text[CLOCK_RFC3339_SIZE];

    if (!record)
        return json_null();
    clock_format_rfc3339(record->applied_at_us, text);
    return json_string(text);
}

/* ---- status ---- */

static json_t *step_json(const struct migrate_step *step)
{
    return json_pack("{s:i, s:s, s:s, s:b, s:o}", "number", (int)step->number, "name", step->name, "state",
                     migrate_state_name(step->state), "offline", step->file && step->file->is_offline,
                     "applied_at", time_json(step->record));
}

static json_t *owner_json(const struct db_owner *o)
{
    json_t *steps = json_array();

    for (size_t i = 0; i < o->plan.n; i++)
        json_array_append_new(steps, step_json(&o->plan.steps[i]));
    return json_pack("{s:s, s:b, s:I, s:I, s:s?, s:o}", "owner", o->name, "loaded", o->is_here, "applied",
                     (json_int_t)o->plan.applied, "pending", (json_int_t)o->plan.pending, "wrong", o->wrong,
                     "migrations", steps);
}

static json_t *status_json(const struct db_view *v, const char *where, const char *id)
{
    json_t *owners = json_array();

    for (size_t i = 0; i < v->owners_n; i++)
        json_array_append_new(owners, owner_json(&v->owners[i]));
    return json_pack("{s:s, s:s, s:b, s:s?, s:b, s:o}", "engine", v->place.path ? "sqlite" : "postgres",
                     "where", where, "exists", v->db != NULL, "id", *id ? id : NULL, "running", v->is_serving,
                     "owners", owners);
}

static const struct migrate_step *first_pending(const struct migrate_plan *p)
{
    const struct migrate_step *step = p->steps;

    while (step->state != MIGRATE_PENDING)
        step++;
    return step;
}

static void add_state(struct buf *out, const struct db_owner *o)
{
    if (o->wrong)
        buf_add_text(out, o->wrong);
    else if (!o->is_here)
        buf_add_text(out, "is not loaded; its tables stay as they are");
    else if (o->plan.pending == 0)
        buf_add_text(out, "up to date");
    else
        buf_add_format(out, "%s%s pending", first_pending(&o->plan)->name,
                       o->plan.pending > 1 ? " and more are" : " is");
}

static int longest_owner(const struct db_view *v)
{
    size_t most = strlen("OWNER");

    for (size_t i = 0; i < v->owners_n; i++)
        most = strlen(v->owners[i].name) > most ? strlen(v->owners[i].name) : most;
    return (int)most;
}

static int print_status(const struct db_view *v, const char *where, const char *id)
{
    int width = longest_owner(v);
    struct buf text = BUF_INIT;

    buf_add_format(&text, "%s%s%s%s\n\n", where, *id ? ", id " : "", id, v->db ? "" : ": is not there yet");
    buf_add_format(&text, "%-*s  APPLIED  PENDING  STATE\n", width, "OWNER");
    for (size_t i = 0; i < v->owners_n; i++) {
        const struct db_owner *o = &v->owners[i];
        buf_add_format(&text, "%-*s  %7zu  %7zu  ", width, o->name, o->plan.applied, o->plan.pending);
        add_state(&text, o);
        buf_add_char(&text, '\n');
    }
    return cli_print(&text);
}

/* Before core's migrations there is none. */
static int find_id(const struct db_view *v, char id[UUID_TEXT_SIZE])
{
    struct buf why = BUF_INIT;
    int result = CLI_OK;

    *id = 0;
    if (v->db && v->owners[0].plan.applied > 0 && db_identify(v->db, id, &why) != 0) {
        fprintf(stderr, "%s\n", buf_text(&why));
        result = CLI_FAILED;
    }
    buf_finish(&why);
    return result;
}

int db_status(const struct cli *c)
{
    char id[UUID_TEXT_SIZE];
    struct db_view view;
    struct buf where = BUF_INIT;
    int result = db_view_open(&view, c, DB_VIEW_LOOK);

    if (result == CLI_OK)
        result = find_id(&view, id);
    if (result == CLI_OK) {
        database_describe(&where, &view.place);
        result = c->json ? plugin_print_json(status_json(&view, buf_text(&where), id))
                         : print_status(&view, buf_text(&where), id);
    }
    buf_finish(&where);
    db_view_close(&view);
    return result;
}

/* ---- plan ---- */

/* Of whom `up` would see to, when it is called with these arguments. */
static bool is_asked_for(const struct cli *c, const struct db_owner *o)
{
    return o->is_here && (c->argc == 1 || strcmp(o->name, c->argv[1]) == 0);
}

/* As this engine gets it, without the empty lines that stand for what another one gets. */
static int write_sql(struct buf *out, const struct db_view *v, const struct migration *m)
{
    enum db_engine engine = v->place.path ? DB_SQLITE : DB_POSTGRES;
    struct buf sql = BUF_INIT, why = BUF_INIT;
    struct arena arena;

    arena_init(&arena, NULL, 0, 0);
    int result = dialect_write(&sql, &arena, migration_script(m, engine, MIGRATION_UP), engine, &why);
    struct str rest = buf_str(&sql), line;
    bool was_empty = true;
    while (result == 0 && rest.n > 0 && str_split(&rest, '\n', &line)) {
        if (line.n > 0 || !was_empty)
            buf_add_format(out, "%.*s\n", STR_ARG(line));
        was_empty = line.n == 0;
    }
    if (result != 0)
        fprintf(stderr, "%s: %s\n", m->source, result == DW_ENOMEM ? "out of memory" : buf_text(&why));
    arena_finish(&arena);
    buf_finish(&sql);
    buf_finish(&why);
    return result;
}

static int add_planned(json_t *list, const struct db_view *v, const struct migrate_step *step, bool with_sql)
{
    struct buf sql = BUF_INIT;
    int result = with_sql ? write_sql(&sql, v, step->file) : 0;

    json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:b, s:s?}", "owner", step->file->owner, "name",
                                          step->name, "file", step->file->source, "offline",
                                          step->file->is_offline, "sql", with_sql ? buf_text(&sql) : NULL));
    buf_finish(&sql);
    return result;
}

static json_t *plan_json(const struct cli *c, const struct db_view *v, bool *is_good)
{
    json_t *list = json_array();

    for (size_t i = 0; i < v->owners_n; i++) {
        const struct db_owner *o = &v->owners[i];
        if (!is_asked_for(c, o))
            continue;
        if (o->wrong)
            fprintf(stderr, "%s\n", o->wrong);
        *is_good &= !o->wrong;
        for (size_t k = 0; k < o->plan.n && !o->wrong; k++) {
            if (o->plan.steps[k].state == MIGRATE_PENDING &&
                add_planned(list, v, &o->plan.steps[k], cli_option_value(c, "sql", 0) != NULL) != 0)
                *is_good = false;
        }
    }
    return list;
}

static int print_plan(const struct db_view *v, const json_t *list)
{
    int width = longest_owner(v);
    struct buf text = BUF_INIT;
    const json_t *one;
    size_t i;

    json_array_foreach(list, i, one)
    {
        const char *sql = json_string_value(json_object_get(one, "sql"));
        bool offline = json_is_true(json_object_get(one, "offline"));
        buf_add_format(&text, "%s%-*s  %s%s\n", sql ? "-- " : "", width,
                       json_string_value(json_object_get(one, "owner")),
                       json_string_value(json_object_get(one, "name")),
                       offline ? "  (offline: no server may run meanwhile)" : "");
        if (sql)
            buf_add_format(&text, "%s\n", sql);
    }
    if (json_array_size(list) == 0)
        buf_add_text(&text, "nothing is pending\n");
    return cli_print(&text);
}

int db_plan(const struct cli *c)
{
    struct db_view view;
    json_t *list = NULL;
    bool is_good = true;
    int result = db_view_open(&view, c, DB_VIEW_LOOK);

    if (result == CLI_OK && c->argc > 1 && !db_view_find(&view, c->argv[1]))
        result = CLI_FAILED;
    if (result == CLI_OK) {
        list = plan_json(c, &view, &is_good);
        result = c->json ? plugin_print_json(json_pack("{s:b, s:O}", "ok", is_good, "pending", list))
                         : print_plan(&view, list);
    }
    json_decref(list);
    db_view_close(&view);
    return is_good ? result : CLI_FAILED;
}

/* ---- history ---- */

static int by_time(const void *a, const void *b)
{
    const struct migrate_record *x = a, *y = b;

    if (x->applied_at_us != y->applied_at_us)
        return x->applied_at_us < y->applied_at_us ? -1 : 1;
    return x->number < y->number ? -1 : 1;
}

static json_t *record_json(const struct migrate_record *r)
{
    return json_pack("{s:o, s:s, s:i, s:s, s:s, s:f, s:s}", "applied_at", time_json(r), "owner", r->owner,
                     "number", (int)r->number, "name", r->name, "checksum", r->checksum, "took",
                     (double)r->took_us / CLOCK_SECOND, "server", r->server);
}

static int print_history(const struct db_view *v, const json_t *list)
{
    int width = longest_owner(v);
    struct buf text = BUF_INIT;
    const json_t *r;
    size_t i;

    if (json_array_size(list) == 0)
        buf_add_text(&text, "nothing was applied yet\n");
    else
        buf_add_format(&text, "%-20s  %-*s  %9s  %-8s  MIGRATION\n", "APPLIED AT", width, "OWNER", "TOOK",
                       "BY");
    json_array_foreach(list, i, r)
    {
        buf_add_format(
            &text, "%.19sZ  %-*s  %7.3f s  %-8s  %s\n", json_string_value(json_object_get(r, "applied_at")),
            width, json_string_value(json_object_get(r, "owner")),
            json_real_value(json_object_get(r, "took")), json_string_value(json_object_get(r, "server")),
            json_string_value(json_object_get(r, "name")));
    }
    return cli_print(&text);
}

int db_history(const struct cli *c)
{
    struct db_view view;
    json_t *list = json_array();
    int result = db_view_open(&view, c, DB_VIEW_LOOK);

    if (result == CLI_OK && c->argc > 1 && !db_view_find(&view, c->argv[1]))
        result = CLI_FAILED;
    if (result == CLI_OK) {
        if (view.history.n > 0)
            qsort(view.history.v, view.history.n, sizeof(*view.history.v), by_time);
        for (size_t i = 0; i < view.history.n; i++) {
            if (c->argc == 1 || strcmp(view.history.v[i].owner, c->argv[1]) == 0)
                json_array_append_new(list, record_json(&view.history.v[i]));
        }
        result =
            c->json ? plugin_print_json(json_pack("{s:O}", "history", list)) : print_history(&view, list);
    }
    json_decref(list);
    db_view_close(&view);
    return result;
}
