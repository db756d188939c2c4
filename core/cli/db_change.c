/* db_change.c - `dowel db up` and `down`. */
#include <stdio.h>
#include <string.h>

#include "cli/db.h"
#include "db/identity.h"
#include "db/migrations_core.h"

/* What was done, to be told: [{"owner": "notes", "name": "0002_words"}]. */
static void add_done(json_t *done, const char *owner, const char *name)
{
    json_array_append_new(done, json_pack("{s:s, s:s}", "owner", owner, "name", name));
}

/* `key` is the list's in JSON, `how` a word or two for people. */
static int tell(const struct cli *c, json_t *done, bool is_good, const char *key, const char *how)
{
    struct buf text = BUF_INIT;
    const json_t *one;
    size_t i;

    if (c->json)
        return plugin_print_json(json_pack("{s:b, s:O}", "ok", is_good, key, done));
    json_array_foreach(done, i, one)
    {
        buf_add_format(&text, "%s %s %s\n", how, json_string_value(json_object_get(one, "owner")),
                       json_string_value(json_object_get(one, "name")));
    }
    if (json_array_size(done) == 0 && is_good)
        buf_add_text(&text, "everything is up to date\n");
    return text.n > 0 ? cli_print(&text) : CLI_OK;
}

/* ---- up ---- */

/* Which database this is belongs to what core's migrations make. */
static int after_core(const struct db_view *v, const struct db_owner *o, struct buf *why)
{
    char id[UUID_TEXT_SIZE];

    return strcmp(o->name, MIGRATIONS_CORE) == 0 ? db_identify(v->db, id, why) : 0;
}

/* 0, or -1 after saying why. */
static int bring_up(struct db_view *v, const struct db_owner *o, json_t *done)
{
    const struct migrate_options options = { .db = v->db, .is_serving = v->is_serving };
    size_t first = o->plan.applied;
    struct buf why = BUF_INIT;
    int n = -1;

    const char *missing = o->plugin ? plan_missing(&v->plugins.plan, o->plugin, &v->arena) : NULL;
    if (missing)
        buf_add_format(&why, "%s: %s", o->name, missing);
    else
        n = migrate_up(&options, &o->migrations, &why);
    for (size_t i = first; n > 0 && i < o->plan.n; i++)
        add_done(done, o->name, o->plan.steps[i].name);
    if (n >= 0 && after_core(v, o, &why) != 0)
        n = -1;
    if (n < 0) {
        fprintf(stderr, "%s\n", buf_text(&why));
        if (o->plugin)
            plan_decline(o->plugin, &v->plugins.arena, buf_str(&why));
    }
    buf_finish(&why);
    return n < 0 ? -1 : 0;
}

/* Without core's nobody's can be; a plugin's failure is that of those who need it. */
static int bring_all_up(struct db_view *v, const char *name, json_t *done)
{
    int result = 0;

    for (size_t i = 0; i < v->owners_n; i++) {
        const struct db_owner *o = &v->owners[i];
        if (!o->is_here || (name && strcmp(o->name, name) != 0))
            continue;
        if (bring_up(v, o, done) != 0)
            result = -1;
        if (result != 0 && !o->plugin)
            return result;
    }
    return result;
}

static bool may_bring_up(const struct db_view *v, const char *name)
{
    const struct db_owner *o = db_view_find(v, name);

    if (o && !o->is_here)
        fprintf(stderr, "%s: %s\n", name,
                o->plugin && *o->plugin->why ? o->plugin->why
                                             : "is not enabled; its migrations are applied when it is");
    return o && o->is_here;
}

int db_up(const struct cli *c)
{
    const char *name = c->argc > 1 ? c->argv[1] : NULL;
    struct db_view view;
    json_t *done = json_array();
    int result = db_view_open(&view, c, DB_VIEW_MAKE);

    if (result == CLI_OK && name && !may_bring_up(&view, name))
        result = CLI_FAILED;
    if (result == CLI_OK) {
        bool is_good = bring_all_up(&view, name, done) == 0;
        result = tell(c, done, is_good, "applied", "applied");
        result = is_good ? result : CLI_FAILED;
    }
    json_decref(done);
    db_view_close(&view);
    return result;
}

/* ---- down ---- */

/* Nobody may stand on what is taken away. */
static bool may_take_back(const struct cli *c, const struct db_view *v, const struct db_owner *o)
{
    if (o->migrations.n == 0) {
        fprintf(stderr, "%s: there are no files of its migrations here, which say how they are taken back\n",
                o->name);
        return false;
    }
    if (!v->is_serving || (o->plugin && !plugin_is_loaded_now(c, o->name)))
        return true;
    if (o->plugin)
        fprintf(stderr,
                "%s: a server runs and works with its tables; first: dowel plugin disable %s && dowel "
                "reload, or stop "
                "the server\n",
                o->name, o->name);
    else
        fprintf(stderr, "core: a server runs and works with its tables; stop it first\n");
    return false;
}

static int take_down(struct db_view *v, const struct db_owner *o, size_t n, json_t *done)
{
    const struct migrate_options options = { .db = v->db, .is_serving = v->is_serving };
    struct buf why = BUF_INIT;
    int taken = migrate_down(&options, &o->migrations, n, &why);

    for (int i = 0; i < taken; i++)
        add_done(done, o->name, o->plan.steps[o->plan.applied - 1 - (size_t)i].name);
    if (taken < 0)
        fprintf(stderr, "%s\n", buf_text(&why));
    buf_finish(&why);
    return taken < 0 ? -1 : 0;
}

int db_down(const struct cli *c)
{
    json_t *done = NULL;
    struct db_view view;
    uint64_t n = 1;

    if (c->argc > 2 && (!str_to_uint(str_from(c->argv[2]), MIGRATION_NUMBER_MAX, &n) || n == 0))
        return cli_usage(c, "%s: say how many migrations, 1 or more", c->argv[2]);
    int result = db_view_open(&view, c, DB_VIEW_LOOK);
    const struct db_owner *o = result == CLI_OK ? db_view_find(&view, c->argv[1]) : NULL;
    if (result == CLI_OK && o && !view.db) {
        fputs("there is no database yet\n", stderr);
        result = CLI_FAILED;
    }
    if (result == CLI_OK && (!o || !may_take_back(c, &view, o)))
        result = CLI_FAILED;
    if (result == CLI_OK) {
        done = json_array();
        bool is_good = take_down(&view, o, (size_t)n, done) == 0;
        result = tell(c, done, is_good, "taken_back", "took back");
        result = is_good ? result : CLI_FAILED;
    }
    json_decref(done);
    db_view_close(&view);
    return result;
}
