/* plugin_verify.c - `dowel plugin verify`: would the server load this file? */
#include <stdio.h>
#include <string.h>

#include "api/document.h"
#include "cli/plugin.h"
#include "db/migration_lint.h"
#include "plugin/migrations.h"
#include "plugin/probe.h"
#include "util/clock.h"

enum { LIMIT_US = 10 * CLOCK_SECOND };

struct verification {
    const struct cli *cli;
    struct arena arena;
    struct plugin_file file;
    json_t *found;
    struct buf wrong, doubtful; /* sentences, a line each */
};

static void add(struct buf *to, const char *text)
{
    buf_add_format(to, "%s%s", to->n ? "\n" : "", text);
}

/* True when there is something that may be opened. */
static bool check_file(struct verification *v)
{
    struct buf why = BUF_INIT;
    enum plugin_file_fault fault = PLUGIN_FILE_BROKEN;

    if (plugin_file_at(&v->file, &v->arena, v->cli->argv[1], &why) == 0)
        fault = plugin_file_check(&v->file, &why);
    if (fault != PLUGIN_FILE_GOOD)
        add(fault == PLUGIN_FILE_UNSAFE ? &v->doubtful : &v->wrong, buf_text(&why));
    buf_finish(&why);
    if (fault != PLUGIN_FILE_BROKEN)
        plugin_file_doubt(&v->file, &why);
    if (why.n > 0)
        add(&v->doubtful, buf_text(&why));
    buf_finish(&why);
    return fault != PLUGIN_FILE_BROKEN;
}

static void probe_in_child(struct verification *v)
{
    struct probe_file file = { .name = v->file.name, .path = v->file.path };

    if (probe_files(&file, 1, LIMIT_US, &v->arena) != 0)
        add(&v->wrong, "cannot be probed: out of memory");
    else if (!file.found)
        add(&v->wrong, file.why);
    v->found = file.found;
}

static void probe(struct verification *v)
{
    struct buf why = BUF_INIT;

    if (!cli_option_value(v->cli, "probe", 0)) {
        probe_in_child(v);
        return;
    }
    v->found = probe_here(v->file.name, v->file.path, &why);
    if (!v->found)
        add(&v->wrong, buf_text(&why));
    buf_finish(&why);
}

/* ---- its contract ---- */

static bool has_handler(const json_t *operations, const char *id)
{
    for (size_t i = 0; i < json_array_size(operations); i++) {
        if (strcmp(json_string_value(json_array_get(operations, i)), id) == 0)
            return true;
    }
    return false;
}

/* Both ways, as the server does it once the handlers are there. */
static void check_handlers(struct verification *v, const struct api_document *d, const json_t *operations)
{
    char text[300];

    for (size_t i = 0; d && i < d->operations_n; i++) {
        snprintf(text, sizeof(text), "%s:%u: the operation %s has no handler", d->source,
                 d->operations[i].line, d->operations[i].id);
        if (!has_handler(operations, d->operations[i].id))
            add(&v->wrong, text);
    }
    for (size_t i = 0; i < json_array_size(operations); i++) {
        const char *id = json_string_value(json_array_get(operations, i));
        snprintf(text, sizeof(text), "the handler of %s has no operation in api.yaml", id);
        if (!d || !api_document_find(d, id))
            add(&v->wrong, text);
    }
}

static void check_contract(struct verification *v)
{
    const json_t *api = json_object_get(v->found, "api");
    struct api_document *document = NULL;
    struct config_problems problems;
    struct buf source = BUF_INIT;

    config_problems_init(&problems);
    buf_add_format(&source, "%s/api.yaml", v->file.name);
    bool good =
        !json_is_string(api) || api_document_create(str_make(json_string_value(api), json_string_length(api)),
                                                    buf_text(&source), &problems, &document) == 0;
    for (const struct config_problem *p = problems.first; p; p = p->next) {
        struct buf text = BUF_INIT;
        config_problem_format(&text, p);
        add(p->warning ? &v->doubtful : &v->wrong, buf_text(&text));
        buf_finish(&text);
    }
    if (good)
        check_handlers(v, document, json_object_get(v->found, "operations"));
    api_document_destroy(document);
    config_problems_finish(&problems);
    buf_finish(&source);
}

/* ---- what it does to the database ---- */

/* That they can be read the probe has seen to. */
static void check_migrations(struct verification *v)
{
    struct migrations migrations;
    struct buf why = BUF_INIT;
    struct str rest, line;

    if (plugin_migrations_found(&migrations, &v->arena, v->found, &why) == 0)
        migrations_lint(&migrations, &why);
    rest = buf_str(&why);
    while (rest.n > 0 && str_split(&rest, '\n', &line)) {
        const char *text = arena_copy(&v->arena, line);
        add(&v->wrong, text ? text : "out of memory");
    }
    buf_finish(&why);
}

/* ---- telling ---- */

static json_t *lines_json(struct buf *lines)
{
    struct str rest = buf_str(lines), line;
    json_t *list = json_array();

    while (rest.n > 0 && str_split(&rest, '\n', &line))
        json_array_append_new(list, json_stringn(line.p, line.n));
    return list;
}

static void print_lines(const struct verification *v, struct buf *lines, const char *kind)
{
    struct str rest = buf_str(lines), line;

    while (rest.n > 0 && str_split(&rest, '\n', &line))
        fprintf(stderr, "%s: %s%.*s\n", v->cli->argv[1], kind, STR_ARG(line));
}

static int tell(struct verification *v)
{
    const char *version = json_string_value(json_object_get(v->found, "version"));
    bool good = v->wrong.n == 0;
    struct buf text = BUF_INIT;
    int result = CLI_OK;

    if (v->cli->json) {
        json_object_del(v->found, "api");
        json_object_del(v->found, "migrations");
        result = plugin_print_json(json_pack("{s:b, s:s, s:o, s:o, s:O?}", "ok", good, "file",
                                             v->cli->argv[1], "errors", lines_json(&v->wrong), "warnings",
                                             lines_json(&v->doubtful), "found", v->found));
    } else {
        print_lines(v, &v->doubtful, "warning: ");
        print_lines(v, &v->wrong, "");
        if (good)
            buf_add_format(&text,
                           "%s: %s %s can be loaded: %zu operations, %zu routes, %zu items, %zu migrations\n",
                           v->cli->argv[1], v->file.name, version,
                           json_array_size(json_object_get(v->found, "operations")),
                           json_array_size(json_object_get(v->found, "routes")),
                           json_array_size(json_object_get(v->found, "items")),
                           json_array_size(json_object_get(v->found, "migrations")));
        if (text.n > 0)
            result = cli_print(&text);
    }
    return good ? result : CLI_FAILED;
}

int plugin_verify(const struct cli *c)
{
    struct verification v = { .cli = c };

    arena_init(&v.arena, NULL, 0, 0);
    if (check_file(&v))
        probe(&v);
    if (v.found) {
        check_contract(&v);
        check_migrations(&v);
    }
    int result = tell(&v);
    json_decref(v.found);
    buf_finish(&v.wrong);
    buf_finish(&v.doubtful);
    arena_finish(&v.arena);
    return result;
}
