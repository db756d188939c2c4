#include "cli/settings.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/core_config.h"

const struct config_table *const *cli_tables(size_t *n)
{
    static const struct config_table *const tables[] = { &core_config_table };

    *n = DW_COUNT_OF(tables);
    return tables;
}

static void print_problems(const struct config_problems *problems)
{
    struct buf text = BUF_INIT;

    config_problems_format(&text, problems);
    fputs(buf_failed(&text) ? "out of memory\n" : buf_text(&text), stderr);
    buf_finish(&text);
}

int cli_config_load(const struct cli *c, const struct config_override *overrides, size_t n,
                    struct config **out, struct config_problems *problems)
{
    struct config_problems own;
    struct config_source source = {
        .dir = c->config_dir,
        .dir_required = c->config_given,
        .env_file = ".env",
        .environment = environ,
        .overrides = overrides,
        .overrides_n = n,
    };

    source.tables = cli_tables(&source.tables_n);
    config_problems_init(&own);
    int result = config_load(out, &source, problems ? problems : &own);
    print_problems(&own);
    config_problems_finish(&own);
    return result == 0 ? CLI_OK : CLI_CONFIG;
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
