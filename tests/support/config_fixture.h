/* config_fixture.h - a folder with configuration in it, and what loading it says. */
#ifndef CONFIG_FIXTURE_H
#define CONFIG_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/core_config.h"

struct fixture {
    char root[64]; /* with conf.d in it */
    char dir[80];
    char env_file[80];
    struct config_source source;
    struct config_problems problems;
    struct buf said; /* the problems as text, the root's name replaced by nothing */
    struct config *config;
};

static inline int fixture_remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static inline const struct config_table *const *fixture_core_only(size_t *n)
{
    static const struct config_table *const tables[] = { &core_config_table };
    *n = 1;
    return tables;
}

static inline int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    snprintf(f->root, sizeof(f->root), "/tmp/dowel-config-XXXXXX");
    assert_non_null(mkdtemp(f->root));
    snprintf(f->dir, sizeof(f->dir), "%s/conf.d", f->root);
    snprintf(f->env_file, sizeof(f->env_file), "%s/.env", f->root);
    assert_int_equal(mkdir(f->dir, 0755), 0);
    f->source.dir = f->dir;
    f->source.env_file = f->env_file;
    f->source.tables = fixture_core_only(&f->source.tables_n);
    config_problems_init(&f->problems);
    *state = f;
    return 0;
}

static inline void fixture_forget(struct fixture *f)
{
    config_drop(f->config);
    f->config = NULL;
    config_problems_finish(&f->problems);
    buf_finish(&f->said);
}

static inline int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    fixture_forget(f);
    nftw(f->root, fixture_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

/* The path of a file below the root; the result is good until the next call. */
static inline const char *fixture_path(struct fixture *f, const char *name)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/%s", f->root, name);
    return path;
}

static inline void fixture_write_bytes(struct fixture *f, const char *name, const void *p, size_t n,
                                       mode_t mode)
{
    const char *path = fixture_path(f, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(p, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static inline void fixture_write(struct fixture *f, const char *name, const char *text)
{
    fixture_write_bytes(f, name, text, strlen(text), 0644);
}

/* 0 or -1; what was said before is forgotten. */
static inline int fixture_load(struct fixture *f)
{
    struct buf text = BUF_INIT;
    size_t n = strlen(f->root) + 1;

    fixture_forget(f);
    int result = config_load(&f->config, &f->source, &f->problems);
    assert_int_equal(result == 0, f->config != NULL);
    assert_int_equal(result == 0, !config_problems_any(&f->problems));
    config_problems_format(&text, &f->problems);
    for (const char *p = buf_text(&text); *p;) {
        if (strncmp(p, f->root, n - 1) == 0 && p[n - 1] == '/')
            p += n;
        else
            buf_add_char(&f->said, *p++);
    }
    buf_finish(&text);
    return result;
}

static inline const char *fixture_said(struct fixture *f)
{
    return buf_text(&f->said);
}

/* core.yaml with this text loads, and nothing is said. */
static inline const struct core_config *fixture_good(struct fixture *f, const char *yaml)
{
    fixture_write(f, "conf.d/core.yaml", yaml);
    int result = fixture_load(f);
    assert_string_equal(fixture_said(f), "");
    assert_int_equal(result, 0);
    return core_config(f->config);
}

/* core.yaml with this text does not, and exactly this is said. */
static inline void fixture_bad(struct fixture *f, const char *yaml, const char *said)
{
    fixture_write(f, "conf.d/core.yaml", yaml);
    int result = fixture_load(f);
    assert_string_equal(fixture_said(f), said);
    assert_int_equal(result, -1);
}

static inline void fixture_assert_said(struct fixture *f, const char *part)
{
    if (!strstr(fixture_said(f), part))
        fail_msg("expected \"%s\" in:\n%s", part, fixture_said(f));
}

#endif
