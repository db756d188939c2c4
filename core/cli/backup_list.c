/* backup_list.c - `dowel backup list` and `prune`. */
#include <stdio.h>
#include <string.h>

#include "backup/files.h"
#include "backup/shelf.h"
#include "cli/backup.h"
#include "cli/plugin.h"

struct listing {
    const char *shelf;
    json_t *list;
};

/* ---- list ---- */

static json_t *describe(const char *name, const char *path, const json_t *manifest, const char *why)
{
    return json_pack("{s:s, s:s, s:s?, s:s?, s:s?, s:s?, s:I, s:O?, s:s?}", "name", name, "path", path,
                     "created_at", json_string_value(json_object_get(manifest, "created_at")), "dowel",
                     json_string_value(json_object_get(manifest, "dowel")), "engine",
                     json_string_value(json_object_get(manifest, "engine")), "database_id",
                     json_string_value(json_object_get(manifest, "database_id")), "size",
                     (json_int_t)manifest_size(manifest), "keys", json_object_get(manifest, "keys"), "wrong",
                     why);
}

/* One that cannot be read is shown, too: it may be the last. */
static int add(const char *name, void *ud)
{
    struct listing *l = ud;
    char path[PATH_MAX];
    struct buf why = BUF_INIT;
    json_t *manifest = NULL;

    bool is_good =
        files_path(path, sizeof(path), l->shelf, name, &why) && manifest_read(&manifest, path, &why) == 0;
    int result =
        json_array_append_new(l->list, describe(name, path, manifest, is_good ? NULL : buf_text(&why)));
    json_decref(manifest);
    buf_finish(&why);
    return result;
}

static int print(const struct listing *l)
{
    struct buf text = BUF_INIT;
    const json_t *one;
    size_t i;

    if (json_array_size(l->list) == 0)
        buf_add_format(&text, "%s: there is no backup yet\n", l->shelf);
    else
        buf_add_text(&text, "BACKUP            SIZE        ENGINE    BY\n");
    json_array_foreach(l->list, i, one)
    {
        struct buf size = BUF_INIT;
        backup_add_size(&size, (uint64_t)json_integer_value(json_object_get(one, "size")));
        if (*manifest_text(one, "wrong"))
            buf_add_format(&text, "%s  %s\n", manifest_text(one, "name"), manifest_text(one, "wrong"));
        else
            buf_add_format(&text, "%s  %-10s  %-8s  %s\n", manifest_text(one, "name"), buf_text(&size),
                           manifest_text(one, "engine"), manifest_text(one, "dowel"));
        buf_finish(&size);
    }
    return cli_print(&text);
}

int backup_list(const struct cli *c)
{
    char shelf[PATH_MAX];
    struct listing l = { .shelf = shelf, .list = json_array() };
    struct buf why = BUF_INIT;
    int result = CLI_FAILED;

    if (backup_shelf(c, shelf) == 0) {
        if (shelf_each(shelf, add, &l, &why) != 0)
            fprintf(stderr, "%s\n", why.n > 0 ? buf_text(&why) : "out of memory");
        else
            result = c->json ? plugin_print_json(json_pack("{s:O}", "backups", l.list)) : print(&l);
    }
    json_decref(l.list);
    buf_finish(&why);
    return result;
}

/* ---- prune ---- */

struct pruning {
    const char *shelf;
    uint64_t keep; /* that many more */
    json_t *removed;
    struct buf *why;
};

static int remove_old(const char *name, void *ud)
{
    struct pruning *p = ud;
    char path[PATH_MAX];

    if (p->keep > 0) {
        p->keep--;
        return 0;
    }
    if (!files_path(path, sizeof(path), p->shelf, name, p->why) || files_remove(path, p->why) != 0)
        return -1;
    return json_array_append_new(p->removed, json_string(name));
}

static int print_removed(const json_t *removed)
{
    struct buf text = BUF_INIT;
    const json_t *name;
    size_t i;

    json_array_foreach(removed, i, name)
    {
        buf_add_format(&text, "removed %s\n", json_string_value(name));
    }
    if (json_array_size(removed) == 0)
        buf_add_text(&text, "nothing to remove\n");
    return cli_print(&text);
}

int backup_prune(const struct cli *c)
{
    const char *keep = cli_option_value(c, "keep", 0);
    char shelf[PATH_MAX];
    struct buf why = BUF_INIT;
    struct pruning p = { .shelf = shelf, .why = &why };

    if (!keep || !str_to_uint(str_from(keep), UINT32_MAX, &p.keep) || p.keep == 0)
        return cli_usage(c, "backup prune: say how many stay, 1 or more: --keep N");
    if (backup_shelf(c, shelf) != 0)
        return CLI_FAILED;
    p.removed = json_array();
    int result = shelf_each(shelf, remove_old, &p, &why) == 0 ? CLI_OK : CLI_FAILED;
    if (result != CLI_OK)
        fprintf(stderr, "%s\n", why.n > 0 ? buf_text(&why) : "out of memory");
    shelf_tidy(shelf);
    int printed =
        c->json ? plugin_print_json(json_pack("{s:O}", "removed", p.removed)) : print_removed(p.removed);
    json_decref(p.removed);
    buf_finish(&why);
    return result == CLI_OK ? printed : result;
}
