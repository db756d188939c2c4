#include "cli/settings.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/core_config.h"

static void print_problems(const struct config_problems *problems)
{
    struct buf text = BUF_INIT;

    config_problems_format(&text, problems);
    fputs(buf_failed(&text) ? "out of memory\n" : buf_text(&text), stderr);
    buf_finish(&text);
}

struct config_source cli_config_source(const struct cli *c, const struct config_override *overrides, size_t n)
{
    return (struct config_source){
        .dir = c->config_dir,
        .dir_required = c->config_given,
        .env_file = ".env",
        .environment = environ,
        .overrides = overrides,
        .overrides_n = n,
    };
}

static int load(struct config_source *source, const struct config_table *const *tables, size_t n,
                struct config **out, struct config_problems *problems)
{
    struct config_problems own;

    source->tables = tables;
    source->tables_n = n;
    config_problems_init(&own);
    int result = config_load(out, source, problems ? problems : &own);
    print_problems(&own);
    config_problems_finish(&own);
    return result == 0 ? CLI_OK : CLI_CONFIG;
}

/* ---- the server's own ---- */

static const struct config_table *const core_only[] = { &core_config_table };

static const char *say_nothing(struct str name, void *ud)
{
    (void)name;
    (void)ud;
    return NULL;
}

int cli_config_load(const struct cli *c, const struct config_override *overrides, size_t n,
                    struct config **out, struct config_problems *problems)
{
    struct config_source source = cli_config_source(c, overrides, n);

    source.unknown_plugin = say_nothing; /* who loads plugins knows more about them */
    return load(&source, core_only, DW_COUNT_OF(core_only), out, problems);
}

/* ---- all of it ---- */

/* What a look for plugins goes by. When the configuration is wrong it will be told in its time; until then the defaults
 * hold for where plugins are, and a plugin is asked for where there is a file of its name: so that all errors are told at
 * once. */
struct wish {
    struct config *core;
    const char *dir; /* of a configuration that is wrong; else NULL */
};

static struct wish load_core(const struct cli *c)
{
    struct config_source source = cli_config_source(c, NULL, 0);
    const struct config_source defaults = { .dir = "",
                                            .tables = core_only,
                                            .tables_n = DW_COUNT_OF(core_only) };
    struct config_problems ignored, none;
    struct wish wish = { .dir = NULL };

    config_problems_init(&ignored);
    config_problems_init(&none);
    if (load(&source, core_only, DW_COUNT_OF(core_only), &wish.core, &ignored) != CLI_OK) {
        config_load(&wish.core, &defaults, &none);
        wish.dir = source.dir;
    }
    config_problems_finish(&ignored);
    config_problems_finish(&none);
    return wish;
}

static bool has_file(const char *dir, const char *name)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/%s.yaml", dir, name);

    return n > 0 && (size_t)n < sizeof(path) && access(path, F_OK) == 0;
}

static bool is_configured(const char *name, void *ud)
{
    const struct wish *wish = ud;
    size_t n;
    const struct config_file *files = config_unknown_files(wish->core, &n);

    for (size_t i = 0; i < n; i++) {
        if (strcmp(files[i].name, name) == 0)
            return true;
    }
    return wish->dir && has_file(wish->dir, name);
}

static int find_plugins(struct cli_settings *s, const struct cli *c, enum cli_plugins which,
                        struct config_problems *problems)
{
    struct wish wish = load_core(c);
    struct config *core = wish.core;
    const struct catalog_options options = {
        .core = core ? core_config(core) : NULL,
        .data_dir = c->data_dir,
        .wanted = which == CLI_PLUGINS_ALL ? NULL : is_configured,
        .wanted_ud = &wish,
    };
    struct buf why = BUF_INIT;
    int result = core ? catalog_create(&s->catalog, &options, &why) : -1;

    if (result == 0 && why.n > 0 && problems) {
        struct config_problem problem =
            config_problem_at((struct config_place){ NULL, 0 }, "core", "plugin_dirs");
        problem.warning = true;
        config_problem_add(problems, problem, "%s", buf_text(&why));
    } else if (result == 0 && why.n > 0) {
        fprintf(stderr, "%s\n", buf_text(&why));
    }
    s->core = core;
    buf_finish(&why);
    return result;
}

static int collect_tables(struct cli_settings *s)
{
    s->tables = calloc(s->catalog->n + 1, sizeof(*s->tables));
    if (!s->tables)
        return -1;
    s->tables[s->tables_n++] = &core_config_table;
    for (size_t i = 0; i < s->catalog->n; i++) {
        if (s->catalog->plugins[i].table)
            s->tables[s->tables_n++] = s->catalog->plugins[i].table;
    }
    return 0;
}

static const char *about_plugin(struct str name, void *ud)
{
    const struct catalog *catalog = ud;

    for (size_t i = 0; i < catalog->n; i++) {
        if (str_equal(str_from(catalog->plugins[i].file.name), name))
            return "its plugin is there, but cannot be used; `dowel plugin list` says why";
    }
    return "no plugin of that name is installed";
}

int cli_settings_load(struct cli_settings *out, const struct cli *c, enum cli_plugins which,
                      struct config_problems *problems)
{
    struct config_source source = cli_config_source(c, NULL, 0);

    *out = (struct cli_settings){ .tables_n = 0 };
    if (find_plugins(out, c, which, problems) != 0 || collect_tables(out) != 0) {
        fputs("out of memory\n", stderr);
        return CLI_FAILED;
    }
    source.unknown_plugin = about_plugin;
    source.unknown_plugin_ud = out->catalog;
    return load(&source, out->tables, out->tables_n, &out->config, problems);
}

void cli_settings_finish(struct cli_settings *s)
{
    config_drop(s->config);
    free(s->tables);
    catalog_destroy(s->catalog);
    config_drop(s->core);
}

int cli_make_parents(const char *path)
{
    char copy[PATH_MAX];
    size_t n = strlen(path);

    if (n >= sizeof(copy)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(copy, path, n + 1);
    for (size_t i = 1; i < n; i++) {
        if (copy[i] != '/')
            continue;
        copy[i] = 0;
        if (mkdir(copy, 0755) != 0 && errno != EEXIST)
            return -1;
        copy[i] = '/';
    }
    return 0;
}

int cli_print(struct buf *text)
{
    bool written = !buf_failed(text) && fwrite(text->p, 1, text->n, stdout) == text->n && fflush(stdout) == 0;

    if (!written)
        fprintf(stderr, "standard output: cannot be written: %s\n",
                strerror(buf_failed(text) ? ENOMEM : errno));
    buf_finish(text);
    return written ? CLI_OK : CLI_FAILED;
}
