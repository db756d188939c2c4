/* plugin_folder.h - a temporary folder with copies of the plugins of tests/loading in it. */
#ifndef TESTS_PLUGIN_FOLDER_H
#define TESTS_PLUGIN_FOLDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "folder.h"
#include "util/arena.h"
#include "util/buf.h"

struct plugin_folder {
    char path[64];
    struct arena arena;
    struct buf why;
};

static inline int plugin_folder_setup(void **state)
{
    struct plugin_folder *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    snprintf(f->path, sizeof(f->path), "/tmp/dowel-plugins-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    arena_init(&f->arena, NULL, 0, 0);
    *state = f;
    return 0;
}

static inline int plugin_folder_teardown(void **state)
{
    struct plugin_folder *f = *state;

    folder_remove(f->path);
    arena_finish(&f->arena);
    buf_finish(&f->why);
    free(f);
    return 0;
}

static inline char *plugin_folder_path(struct plugin_folder *f, const char *name)
{
    char *path = arena_format(&f->arena, "%s/%s", f->path, name);
    assert_non_null(path);
    return path;
}

static inline struct str plugin_folder_read(struct plugin_folder *f, const char *path)
{
    struct stat st;
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &st), 0);
    char *bytes = arena_alloc(&f->arena, (size_t)st.st_size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, (size_t)st.st_size, file), st.st_size);
    fclose(file);
    return str_make(bytes, (size_t)st.st_size);
}

static inline char *plugin_folder_write(struct plugin_folder *f, const char *name, struct str bytes)
{
    char *path = plugin_folder_path(f, name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes.p, 1, bytes.n, file), bytes.n);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0755), 0);
    return path;
}

/* The bytes of one of them. */
static inline struct str plugin_folder_bytes(struct plugin_folder *f, const char *name)
{
    return plugin_folder_read(f, arena_format(&f->arena, DOWEL_LOADING_DIR "/%s.so", name));
}

/* Copies one of them into the folder; its path. */
static inline char *plugin_folder_take(struct plugin_folder *f, const char *name)
{
    return plugin_folder_write(f, arena_format(&f->arena, "%s.so", name), plugin_folder_bytes(f, name));
}

static inline void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("expected \"%s\" in:\n%s", part, text);
}

#endif
