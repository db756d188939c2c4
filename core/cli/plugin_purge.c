/* plugin_purge.c - `dowel plugin purge`: what the database has of a plugin, taken away for good. */
#include "plugin/purge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/db.h"
#include "config/directory.h"

struct purging {
    const struct cli *c;
    const char *name;
    struct db_view view;
    struct purge found; /* at first what there is, then what was taken away */
    struct buf why;
};

/* ---- may it be? ---- */

static bool is_in_use(struct purging *p)
{
    if (plan_is_enabled(p->view.plugins.settings.core, p->name))
        buf_add_format(&p->why, "%s: is enabled; first: dowel plugin disable %s, and dowel reload", p->name,
                       p->name);
    else if (p->view.is_serving && plugin_is_loaded_now(p->c, p->name))
        buf_add_format(&p->why, "%s: the server that runs works with it; first: dowel reload", p->name);
    return p->why.n > 0;
}

static int look(struct purging *p)
{
    if (!p->view.db)
        buf_add_text(&p->why, "there is no database yet");
    if (p->why.n > 0 || is_in_use(p) ||
        purge_look(&p->found, &p->view.arena, p->view.db, p->name, &p->why) != 0)
        return CLI_FAILED;
    if (purge_is_empty(&p->found))
        buf_add_format(&p->why, "%s: the database has nothing of it", p->name);
    return p->why.n > 0 || purge_is_refused(&p->found, &p->why) ? CLI_FAILED : CLI_OK;
}

/* ---- asking ---- */

/* "job_kinds" for people. */
static void add_name(struct buf *out, const char *name)
{
    for (; *name; name++)
        buf_add_char(out, *name == '_' ? ' ' : *name);
}

static void describe(struct buf *out, const struct purge *found)
{
    for (size_t i = 0; i < found->tables.n; i++)
        buf_add_format(out, "  the table %s with %" PRId64 " rows\n", found->tables.v[i].name,
                       found->tables.v[i].rows);
    for (int i = 0; i < PURGE_KEPT; i++) {
        if (found->kept[i] == 0)
            continue;
        buf_add_text(out, "  ");
        add_name(out, purge_kept_name((enum purge_kept)i));
        buf_add_format(out, ": %" PRId64 "\n", found->kept[i]);
    }
}

static int confirm(const struct purging *p)
{
    struct buf text = BUF_INIT;
    char answer[16] = "";

    if (cli_option_value(p->c, "yes", 0))
        return CLI_OK;
    if (!isatty(STDIN_FILENO))
        return cli_usage(p->c, "plugin purge: takes rows away for good, so say --yes");
    describe(&text, &p->found);
    fprintf(stderr,
            "Of %s, this goes for good, for all tenants; only a backup would bring it back:\n%sType yes to "
            "go on: ",
            p->name, buf_text(&text));
    buf_finish(&text);
    if (fgets(answer, sizeof(answer), stdin) && strcmp(answer, "yes\n") == 0)
        return CLI_OK;
    fputs("nothing was changed\n", stderr);
    return CLI_FAILED;
}

/* ---- telling ---- */

static json_t *tables_json(const struct purge_tables *tables)
{
    json_t *list = json_array();

    for (size_t i = 0; i < tables->n; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:I}", "name", tables->v[i].name, "rows", (json_int_t)tables->v[i].rows));
    return list;
}

static int tell_json(const struct purging *p)
{
    json_t *all = json_pack("{s:s, s:o}", "name", p->name, "tables", tables_json(&p->found.tables));

    for (int i = 0; i < PURGE_KEPT; i++)
        json_object_set_new(all, purge_kept_name((enum purge_kept)i), json_integer(p->found.kept[i]));
    return plugin_print_json(all);
}

static int tell(const struct purging *p)
{
    struct buf text = BUF_INIT;

    if (p->c->json)
        return tell_json(p);
    buf_add_format(&text, "purged %s:\n", p->name);
    describe(&text, &p->found);
    return cli_print(&text);
}

int plugin_purge(const struct cli *c)
{
    struct purging p = { .c = c, .name = c->argv[1], .why = BUF_INIT };

    if (!directory_is_name(str_from(p.name)) || strcmp(p.name, "core") == 0)
        return cli_usage(c, "%s: is not the name of a plugin", p.name);
    int result = db_view_open(&p.view, c, DB_VIEW_LOOK);
    if (result == CLI_OK)
        result = look(&p);
    if (result == CLI_OK)
        result = confirm(&p);
    if (result == CLI_OK && purge_run(&p.found, &p.view.arena, p.view.db, p.name, &p.why) != 0)
        result = CLI_FAILED;
    if (p.why.n > 0)
        fprintf(stderr, "%s\n", buf_text(&p.why));
    if (result == CLI_OK)
        result = tell(&p);
    buf_finish(&p.why);
    db_view_close(&p.view);
    return result;
}
