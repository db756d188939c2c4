#include "db/migrations_core.h"

#include <dowel/plugin.h>

extern const dw_asset core_migrations[]; /* made by DowelAssets.cmake; ends with { 0 } */

int migrations_of_core(struct migrations *out, struct arena *arena, struct buf *why)
{
    struct migration_file *files;
    size_t n = 0;

    while (core_migrations[n].path)
        n++;
    files = arena_calloc(arena, (n + 1) * sizeof(*files));
    if (!files) {
        buf_add_text(why, "the server's own migrations cannot be read: out of memory");
        return -1;
    }
    for (size_t i = 0; i < n; i++)
        files[i] = (struct migration_file){ core_migrations[i].path,
                                            str_make(core_migrations[i].data, core_migrations[i].size) };
    return migrations_read(out, arena, MIGRATIONS_CORE, files, n, why);
}
