/* db.c - `dowel db`: the database, and what the server and its plugins have made of it. */
#include "cli/db.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/migrations_core.h"
#include "log/log.h"
#include "plugin/migrations.h"
#include "supervise/lock.h"

static int out_of_memory(void)
{
    fputs("out of memory\n", stderr);
    return CLI_FAILED;
}

/* ---- the database ---- */

/* A file that root makes is one that the server could not write to. */
static bool may_make(const struct cli *c, const struct database_place *place)
{
    struct stat st;

    if (!place->path || database_exists(place))
        return true;
    if (stat(c->data_dir, &st) != 0) {
        fprintf(stderr, "%s: the data directory is not there; make it: dowel init --data %s\n", c->data_dir,
                c->data_dir);
        return false;
    }
    if (st.st_uid == geteuid())
        return true;
    fprintf(stderr,
            "%s is not there, and the data directory belongs to another user (%u), who could not use it if "
            "you made it: "
            "run this as that user, or start the server\n",
            place->path, (unsigned)st.st_uid);
    return false;
}

static int open_database(struct db_view *v, const struct cli *c, enum db_view_mode mode)
{
    struct buf why = BUF_INIT;
    int result = CLI_OK;

    database_find(&v->place, core_config(v->plugins.settings.core), c->data_dir);
    if (mode == DB_VIEW_LOOK && !database_exists(&v->place))
        return CLI_OK;
    if (!may_make(c, &v->place))
        return CLI_FAILED;
    if (db_open(&v->db, &v->place.options, &why) != 0) {
        fprintf(stderr, "%s\n", buf_text(&why));
        result = CLI_FAILED;
    }
    buf_finish(&why);
    return result;
}

/* ---- who has to do with it ---- */

static struct db_owner *find(const struct db_view *v, const char *name)
{
    for (size_t i = 0; i < v->owners_n; i++) {
        if (strcmp(v->owners[i].name, name) == 0)
            return &v->owners[i];
    }
    return NULL;
}

static int add_core(struct db_view *v, struct buf *why)
{
    struct db_owner *o = &v->owners[v->owners_n++];

    *o = (struct db_owner){ .name = MIGRATIONS_CORE, .is_here = true };
    return migrations_of_core(&o->migrations, &v->arena, why);
}

/* Those that bring nothing, and of which nothing is in the database, are nobody's concern here. */
static int add_plugin(struct db_view *v, struct plan_plugin *p, struct buf *why)
{
    const json_t *found = p->file ? p->file->found : NULL;
    struct db_owner o = { .name = p->name, .plugin = p, .is_here = p->state == PLUGIN_LOADED };

    o.migrations.owner = p->name;
    if (found && plugin_migrations_found(&o.migrations, &v->arena, found, why) != 0)
        return -1;
    bool is_known = o.migrations.n > 0;
    for (size_t i = 0; i < v->history.n && !is_known; i++)
        is_known = strcmp(v->history.v[i].owner, p->name) == 0;
    if (is_known && !find(v, p->name))
        v->owners[v->owners_n++] = o;
    return 0;
}

static int add_gone(struct db_view *v)
{
    for (size_t i = 0; i < v->history.n; i++) {
        const char *name = v->history.v[i].owner;
        if (!find(v, name))
            v->owners[v->owners_n++] = (struct db_owner){ .name = name, .migrations = { .owner = name } };
    }
    return 0;
}

/* In the order in which the server would go about it; who is not to be loaded comes last. */
static int add_owners(struct db_view *v, struct buf *why)
{
    const struct plan *plan = &v->plugins.plan;
    int result = add_core(v, why);

    for (size_t i = 0; i < plan->sequence_n && result == 0; i++)
        result = add_plugin(v, plan->sequence[i], why);
    for (size_t i = 0; i < plan->n && result == 0; i++)
        result = add_plugin(v, &plan->plugins[i], why);
    return result == 0 ? add_gone(v) : result;
}

static int plan_owner(struct db_view *v, struct db_owner *o)
{
    if (migrate_plan_make(&o->plan, &v->arena, &o->migrations, &v->history) != 0)
        return -1;
    o->wrong = o->plan.wrong;
    if (o->migrations.n == 0 && strcmp(o->name, MIGRATIONS_CORE) != 0 && (!o->plugin || !o->plugin->file))
        o->wrong = "is not installed; its tables stay as they are";
    return 0;
}

static int read_owners(struct db_view *v)
{
    struct buf why = BUF_INIT;
    int result = 0;

    v->owners_n = 0;
    v->history = (struct migrate_history){ NULL, 0 };
    if (v->db)
        result = migrate_history_read(&v->history, &v->arena, v->db, &why);
    if (result == 0) {
        v->owners = arena_calloc(&v->arena, (v->plugins.plan.n + v->history.n + 1) * sizeof(*v->owners));
        result = v->owners ? add_owners(v, &why) : -1;
    }
    for (size_t i = 0; i < v->owners_n && result == 0; i++)
        result = plan_owner(v, &v->owners[i]);
    if (result != 0)
        fprintf(stderr, "%s\n", why.n > 0 ? buf_text(&why) : "out of memory");
    buf_finish(&why);
    return result;
}

int db_view_refresh(struct db_view *v)
{
    return read_owners(v);
}

int db_view_open(struct db_view *v, const struct cli *c, enum db_view_mode mode)
{
    memset(v, 0, sizeof(*v));
    arena_init(&v->arena, NULL, 0, 0);
    log_set_level(LOG_WARN); /* what was done is this verb's to say */
    int result = plugin_view_open(&v->plugins, c);
    if (result != CLI_OK)
        return result;
    if (!v->plugins.settings.core)
        return out_of_memory();
    v->is_serving = data_lock_holder(c->data_dir) != 0;
    result = open_database(v, c, mode);
    if (result == CLI_OK && read_owners(v) != 0)
        result = CLI_FAILED;
    return result;
}

void db_view_close(struct db_view *v)
{
    db_close(v->db);
    plugin_view_close(&v->plugins);
    arena_finish(&v->arena);
}

struct db_owner *db_view_find(const struct db_view *v, const char *name)
{
    struct db_owner *o = find(v, name);

    if (!o)
        fprintf(
            stderr,
            "%s: has nothing to do with the database: no such plugin brings migrations, and none of it was "
            "applied; see dowel db status\n",
            name);
    return o;
}

/* ---- the verb ---- */

static const struct action {
    const char *name, *needs; /* what its first argument is; NULL: it needs none */
    int most;                 /* arguments behind the name */
    int (*run)(const struct cli *c);
} actions[] = {
    { "status", NULL, 0, db_status },   { "plan", NULL, 1, db_plan },
    { "up", NULL, 1, db_up },           { "down", "the name of a plugin", 2, db_down },
    { "history", NULL, 1, db_history }, { "check", NULL, 0, db_check },
};

static int run(const struct cli *c)
{
    if (c->argc == 0)
        return cli_usage(c, "say what to do: status, plan, up, down, history or check");
    for (size_t i = 0; i < DW_COUNT_OF(actions); i++) {
        const struct action *a = &actions[i];
        if (strcmp(c->argv[0], a->name) != 0)
            continue;
        if (c->argc - 1 > a->most)
            return cli_usage(c, "%s: one argument too many", c->argv[a->most + 1]);
        if (c->argc == 1 && a->needs)
            return cli_usage(c, "db %s: %s is missing", a->name, a->needs);
        if (cli_option_value(c, "sql", 0) && a->run != db_plan)
            return cli_usage(c, "--sql: only `db plan` takes it");
        return a->run(c);
    }
    return cli_usage(c, "%s: db cannot do that", c->argv[0]);
}

static const struct cli_option options[] = {
    { "sql", NULL, "plan: also what would be run, as this database gets it", false },
    { NULL, NULL, NULL, false },
};

const struct cli_verb cli_verb_db = {
    .name = "db",
    .arguments = "status | plan [OWNER] [--sql] | up [OWNER] | down OWNER [N] | history [OWNER] | check",
    .summary = "Shows and changes what the server and its plugins have made of the database",
    .help =
        "An owner is a plugin, or core: the server itself.\n"
        "\n"
        "status           which database it is, and how many migrations of each owner are applied and "
        "pending\n"
        "plan [OWNER]     what `up` would do, in its order\n"
        "up [OWNER]       applies what is pending, as the server does when it starts\n"
        "down OWNER [N]   takes the last N (1) migrations of an owner back, with the data that they "
        "brought; the\n"
        "                 next start of the server applies them again, unless the plugin is disabled or "
        "older by then\n"
        "history [OWNER]  what was applied, when, in which time and by which version\n"
        "check            is the database sound, and does it fit the server and its plugins? Ends with 1 if "
        "not.\n"
        "                 Reads all of it: that may take a while\n"
        "\n"
        "All work beside a running server, but what would take its ground away: it has to be stopped for "
        "offline\n"
        "migrations, and before those of a plugin that it uses are taken back.\n",
    .options = options,
    .run = run,
};
