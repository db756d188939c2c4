/* plugin_new.c - writes the folder of a new plugin, whole or not at all. */
#include "cli/plugin_new.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/descriptor.h"

static const struct str placeholder = STR("myplugin");

/* Names that look right and would be in the way of CMake's targets. */
static const struct {
    const char *name, *why;
} taken[] = {
    { "all", "CMake has a target of that name" },     { "clean", "CMake has a target of that name" },
    { "help", "CMake has a target of that name" },    { "install", "CMake has a target of that name" },
    { "package", "CMake has a target of that name" }, { "test", "CMake has a target of that name" },
};

/* What was made, in that order: undone from its end. */
struct made {
    char **paths;
    size_t n, cap;
};

static bool remember(struct made *made, const char *path)
{
    if (made->n == made->cap) {
        size_t cap = made->cap ? made->cap * 2 : 16;
        char **paths = realloc(made->paths, cap * sizeof(*paths));
        if (!paths)
            return false;
        made->paths = paths;
        made->cap = cap;
    }
    made->paths[made->n] = strdup(path);
    return made->paths[made->n] && ++made->n;
}

static void forget(struct made *made, bool undo)
{
    while (made->n) {
        char *path = made->paths[--made->n];
        if (undo)
            remove(path);
        free(path);
    }
    free(made->paths);
}

static int failed(struct buf *why, const char *path, const char *what)
{
    buf_add_format(why, "%s: %s: %s", path, what, strerror(errno));
    return -1;
}

static int check_name(const char *name, struct buf *why)
{
    size_t n = strlen(name);

    if (n > PLUGIN_NAME_MAX || name[0] < 'a' || name[0] > 'z' ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != n) {
        buf_add_json(why, str_from(name));
        buf_add_format(why, " is no name for a plugin: at most %d of a-z, 0-9 and _, beginning with a letter",
                       PLUGIN_NAME_MAX);
        return -1;
    }
    if (strstr(name, "__")) { /* the border between plugin and item in variables */
        buf_add_format(why, "a plugin cannot be called %s: no two _ together", name);
        return -1;
    }
    if (plugin_name_is_reserved(name)) {
        buf_add_format(why, "a plugin cannot be called %s, which is a name of the server's own", name);
        return -1;
    }
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        if (strcmp(name, taken[i].name) != 0)
            continue;
        buf_add_format(why, "a plugin cannot be called %s: %s", name, taken[i].why);
        return -1;
    }
    return 0;
}

static int check_empty(const char *directory, struct buf *why)
{
    const struct dirent *entry;
    bool empty;

    if (!directory[0]) {
        buf_add_text(why, "the new plugin's folder has no name");
        return -1;
    }
    DIR *dir = opendir(directory);

    if (!dir && errno == ENOENT)
        return 0;
    if (!dir)
        return failed(why, directory, "cannot be used as the plugin's folder");
    while ((entry = readdir(dir)) && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0))
        ;
    empty = !entry;
    if (!empty)
        buf_add_format(why, "%s: is not empty (there is %s); choose another folder", directory,
                       entry->d_name);
    closedir(dir);
    return empty ? 0 : -1;
}

/* The text with the plugin's name wherever the placeholder stands. */
static void add_named(struct buf *out, struct str text, const char *name)
{
    while (text.n) {
        const char *at = memmem(text.p, text.n, placeholder.p, placeholder.n);
        if (!at) {
            buf_add_str(out, text);
            return;
        }
        buf_add(out, text.p, (size_t)(at - text.p));
        buf_add_text(out, name);
        text = str_make(at + placeholder.n, text.n - (size_t)(at - text.p) - placeholder.n);
    }
}

static int make_folder(struct made *made, const char *path, struct buf *why)
{
    if (mkdir(path, 0777) != 0)
        return errno == EEXIST ? 0 : failed(why, path, "cannot make this folder");
    if (remember(made, path))
        return 0;
    rmdir(path);
    buf_add_text(why, "out of memory");
    return -1;
}

/* Those that are there already are not ours to undo. */
static int make_parents(struct made *made, char *path, struct buf *why)
{
    int result = 0;

    for (char *slash = strchr(path + 1, '/'); slash && result == 0; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        result = make_folder(made, path, why);
        *slash = '/';
    }
    return result;
}

static int write_file(struct made *made, const char *path, struct str text, struct buf *why)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);

    if (fd < 0)
        return failed(why, path, "cannot be made");
    if (!remember(made, path)) {
        close(fd);
        unlink(path);
        buf_add_text(why, "out of memory");
        return -1;
    }
    while (text.n) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        text = str_make(text.p + n, text.n - (size_t)n);
    }
    if (close(fd) != 0 || text.n)
        return failed(why, path, "cannot be written");
    return 0;
}

static int write_asset(struct made *made, const dw_asset *asset, const char *name, const char *directory,
                       struct buf *why)
{
    struct buf path = BUF_INIT, text = BUF_INIT;
    int result = -1;

    buf_add_format(&path, "%s/", directory);
    add_named(&path, str_from(asset->path), name);
    add_named(&text, str_make(asset->data, asset->size), name);
    buf_text(&path); /* terminates it */
    if (buf_failed(&path) || buf_failed(&text))
        buf_add_text(why, "out of memory");
    else if (make_parents(made, path.p, why) == 0)
        result = write_file(made, path.p, buf_str(&text), why);
    buf_finish(&path);
    buf_finish(&text);
    return result;
}

int plugin_new(const char *name, const char *directory, struct buf *why)
{
    struct made made = { NULL, 0, 0 };
    int result = 0;

    if (check_name(name, why) != 0 || check_empty(directory, why) != 0)
        return -1;
    for (const dw_asset *asset = template_assets; asset->path && result == 0; asset++)
        result = write_asset(&made, asset, name, directory, why);
    forget(&made, result != 0);
    return result;
}
