#include "plugin/migrations.h"

#define FOLDER "migrations/"

bool plugin_migrations_has(const char *path)
{
    struct str s = str_from(path), folder = STR_OF(FOLDER);

    return str_starts_with(s, folder) && str_ends_with(s, STR_OF(".sql")) &&
           str_find(str_make(s.p + folder.n, s.n - folder.n), '/') == s.n - folder.n;
}

static struct migration_file *make_room(struct arena *arena, size_t n, const char *name, struct buf *why)
{
    struct migration_file *files = arena_calloc(arena, (n + 1) * sizeof(*files));

    if (!files)
        buf_add_format(why, "%s: migrations cannot be read: out of memory", name);
    return files;
}

int plugin_migrations_read(struct migrations *out, struct arena *arena, const struct plugin_descriptor *d,
                           struct buf *why)
{
    struct migration_file *files = make_room(arena, d->assets_n, d->name, why);
    size_t n = 0;

    for (size_t i = 0; files && i < d->assets_n; i++) {
        const dw_asset *asset = &d->assets[i];
        if (plugin_migrations_has(asset->path))
            files[n++] = (struct migration_file){ asset->path, str_make(asset->data, asset->size) };
    }
    return files ? migrations_read(out, arena, d->name, files, n, why) : -1;
}

int plugin_migrations_found(struct migrations *out, struct arena *arena, const json_t *found, struct buf *why)
{
    const char *name = json_string_value(json_object_get(found, "name"));
    const json_t *list = json_object_get(found, "migrations");
    size_t n = json_array_size(list);
    struct migration_file *files = make_room(arena, n, name, why);

    for (size_t i = 0; files && i < n; i++) {
        const json_t *path = json_object_get(json_array_get(list, i), "path");
        const json_t *text = json_object_get(json_array_get(list, i), "text");
        files[i] = (struct migration_file){ json_is_string(path) ? json_string_value(path) : "",
                                            str_make(json_string_value(text), json_string_length(text)) };
    }
    return files ? migrations_read(out, arena, name, files, n, why) : -1;
}

int plugin_migrate(const struct migrate_options *o, const struct migrate_history *history,
                   const struct plugin_descriptor *d, struct buf *why)
{
    struct migrations migrations;
    struct arena arena;

    arena_init(&arena, NULL, 0, 0);
    int result = plugin_migrations_read(&migrations, &arena, d, why);
    if (result == 0)
        result = migrate_up_if_needed(o, &migrations, history, why);
    arena_finish(&arena);
    return result < 0 ? -1 : 0;
}
