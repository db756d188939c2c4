#include "plugin/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "secure/digest.h"
#include "util/compiler.h"

enum { FILES_MAX = 1000, NAME_LENGTH_MAX = 64, BYTES_MAX = 256 << 20 };

static const struct str suffix = STR(".so");

/* ---- finding them ---- */

static struct str name_in(const char *file)
{
    struct str name = str_from(file);

    if (!str_ends_with(name, suffix) || name.p[0] == '.')
        return STR_OF("");
    name.n -= suffix.n;
    return name.n <= NAME_LENGTH_MAX ? name : STR_OF("");
}

static struct plugin_file *find_name(const struct plugin_files *files, struct str name)
{
    for (size_t i = 0; i < files->n; i++) {
        if (str_equal(str_from(files->v[i].name), name))
            return &files->v[i];
    }
    return NULL;
}

static int add_file(struct plugin_files *out, struct arena *arena, const char *directory, const char *file)
{
    struct str name = name_in(file);
    struct plugin_file *first = find_name(out, name);

    if (name.n == 0)
        return 0;
    const char *path = arena_format(arena, "%s/%s", directory, file);
    const char *copy = arena_copy(arena, name);
    if (!path || !copy)
        return -1;
    if (first && !first->shadowed)
        first->shadowed = path;
    if (!first && out->n < FILES_MAX)
        out->v[out->n++] = (struct plugin_file){ .name = copy, .path = path };
    return 0;
}

static int read_directory(struct plugin_files *out, struct arena *arena, const char *path, struct buf *why)
{
    DIR *directory = opendir(path);
    const struct dirent *entry;
    int result = 0;

    if (!directory && errno == ENOENT)
        return 0;
    if (!directory) {
        buf_add_format(why, "%s%s: plugins cannot be looked for there: %s", why->n ? "\n" : "", path,
                       strerror(errno));
        return -1;
    }
    while (result == 0 && (entry = readdir(directory)) != NULL)
        result = add_file(out, arena, path, entry->d_name);
    if (result != 0)
        buf_add_text(why, "out of memory");
    closedir(directory);
    return result;
}

static int compare(const void *a, const void *b)
{
    const struct plugin_file *x = a, *y = b;
    return strcmp(x->name, y->name);
}

int plugin_files_find(struct plugin_files *out, struct arena *arena, const char *const *directories, size_t n,
                      struct buf *why)
{
    int result = 0;

    *out = (struct plugin_files){ arena_calloc(arena, FILES_MAX * sizeof(*out->v)), 0 };
    if (!out->v) {
        buf_add_text(why, "out of memory");
        return -1;
    }
    for (size_t i = 0; i < n; i++)
        result |= read_directory(out, arena, directories[i], why);
    qsort(out->v, out->n, sizeof(*out->v), compare);
    return result ? -1 : 0;
}

int plugin_file_at(struct plugin_file *out, struct arena *arena, const char *path, struct buf *why)
{
    const char *slash = strrchr(path, '/');
    struct str name = name_in(slash ? slash + 1 : path);

    if (name.n == 0) {
        buf_add_text(why, "is not called NAME.so, as the file of a plugin NAME is");
        return -1;
    }
    *out = (struct plugin_file){ .name = arena_copy(arena, name),
                                 .path = slash ? arena_copy(arena, str_from(path))
                                               : arena_format(arena, "./%s", path) };
    if (out->name && out->path)
        return 0;
    buf_add_text(why, "out of memory");
    return -1;
}

/* ---- whose they are ---- */

/* `what` is "" for the file itself. Root may do anything, so what belongs to root is as safe as this program is. */
static enum plugin_file_fault check_rights(const struct stat *st, const char *what, const char *path,
                                           struct buf *why)
{
    const char *space = *what ? " " : "";

    if (st->st_uid != 0 && st->st_uid != geteuid()) {
        buf_add_format(
            why, "%s%sbelongs to user %u, who is neither root nor the server's user (%u): chown root %s",
            what, space, (unsigned)st->st_uid, (unsigned)geteuid(), path);
        return PLUGIN_FILE_UNSAFE;
    }
    if (st->st_mode & (S_IWGRP | S_IWOTH)) {
        buf_add_format(why, "%s%smay be written by %s (mode %04o): chmod go-w %s", what, space,
                       st->st_mode & S_IWOTH ? "everyone" : "its group", (unsigned)(st->st_mode & 07777),
                       path);
        return PLUGIN_FILE_UNSAFE;
    }
    return PLUGIN_FILE_GOOD;
}

/* The caller's to free; NULL: no memory. */
static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static enum plugin_file_fault check_directory_of(const char *path, struct buf *why)
{
    char *directory = directory_of(path);
    enum plugin_file_fault result = PLUGIN_FILE_UNSAFE;
    struct stat st;

    if (directory && stat(directory, &st) == 0)
        result = check_rights(&st, "its directory", directory, why);
    else
        buf_add_format(why, "its directory cannot be looked at: %s", strerror(errno));
    free(directory);
    return result;
}

/* Who may write to a directory may put another file in the place of this one; with a link that is two directories. */
static enum plugin_file_fault check_directories(const char *path, struct buf *why)
{
    char *behind = realpath(path, NULL);
    enum plugin_file_fault result = check_directory_of(path, why);

    if (result == PLUGIN_FILE_GOOD && !behind) {
        buf_add_format(why, "where its path leads to cannot be found out: %s", strerror(errno));
        result = PLUGIN_FILE_UNSAFE;
    } else if (result == PLUGIN_FILE_GOOD) {
        result = check_directory_of(behind, why);
    }
    free(behind);
    return result;
}

/* Whoever may write there may put another directory in the place of the one below. Not with a sticky bit, as /tmp has:
 * there only its owner moves a thing, and each below has been asked for its owner. */
static void doubt_directory(const char *path, struct buf *why)
{
    struct buf wrong = BUF_INIT;
    struct stat st;

    if (stat(path, &st) != 0) {
        buf_add_format(&wrong, "cannot be looked at: %s", strerror(errno));
    } else {
        if (st.st_mode & S_ISVTX)
            st.st_mode &= ~(mode_t)(S_IWGRP | S_IWOTH);
        check_rights(&st, "", path, &wrong);
    }
    if (wrong.n > 0)
        buf_add_format(why, "%sits directory is below %s, which %s", why->n ? "\n" : "", path,
                       buf_text(&wrong));
    buf_finish(&wrong);
}

/* From the nearest up to the root. */
static void doubt_above(char *path, struct buf *why)
{
    for (char *slash = strrchr(path, '/'); slash && path[1]; slash = strrchr(path, '/')) {
        slash[slash == path] = '\0';
        doubt_directory(path, why);
    }
}

void plugin_directory_doubt(const char *directory, struct buf *why)
{
    char *real = realpath(directory, NULL);

    if (real)
        doubt_above(real, why);
    free(real);
}

void plugin_file_doubt(const struct plugin_file *f, struct buf *why)
{
    char *found = directory_of(f->path), *behind = realpath(f->path, NULL);
    char *real = found ? realpath(found, NULL) : NULL, *other = behind ? directory_of(behind) : NULL;
    bool is_link = real && other && strcmp(real, other) != 0;

    if (real)
        doubt_above(real, why);
    if (is_link)
        doubt_above(other, why);
    free(found);
    free(behind);
    free(real);
    free(other);
}

/* ---- what is in them ---- */

static bool read_all(int fd, char *p, size_t n)
{
    while (n > 0) {
        ssize_t got = read(fd, p, n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        p += got;
        n -= (size_t)got;
    }
    return true;
}

static enum plugin_file_fault broken(struct buf *why, const char *text)
{
    buf_add_text(why, text);
    return PLUGIN_FILE_BROKEN;
}

static enum plugin_file_fault check_bytes(struct plugin_file *f, struct str bytes, struct buf *why)
{
    char room[200], hex[DIGEST_HEX_SIZE];
    const char *wrong = plugin_elf_wrong(bytes, room);

    if (wrong)
        return broken(why, wrong);
    if (digest_hex(DIGEST_SHA256, bytes, hex) != 0)
        return broken(why, "cannot be hashed: out of memory");
    memcpy(f->hash, hex, sizeof(f->hash));
    return PLUGIN_FILE_GOOD;
}

static enum plugin_file_fault check_content(struct plugin_file *f, int fd, struct buf *why)
{
    if (f->seen.st_size > BYTES_MAX)
        return broken(why, "has more than 256 MiB; strip it, or leave debug information out");
    size_t n = (size_t)f->seen.st_size;
    char *bytes = malloc(n ? n : 1);
    enum plugin_file_fault result;

    if (!bytes)
        result = broken(why, "cannot be read: out of memory");
    else if (!read_all(fd, bytes, n))
        result = broken(why, "cannot be read to its end; copy it again");
    else
        result = check_bytes(f, str_make(bytes, n), why);
    free(bytes);
    return result;
}

/* Everything is asked of the descriptor: what the path names may change between two questions. */
enum plugin_file_fault plugin_file_check(struct plugin_file *f, struct buf *why)
{
    /* Not blocking: a FIFO would wait for a writer. */
    int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0) {
        buf_add_format(why, "cannot be opened: %s", strerror(errno));
        return PLUGIN_FILE_BROKEN;
    }
    enum plugin_file_fault result = fstat(fd, &f->seen) == 0 && S_ISREG(f->seen.st_mode)
                                        ? check_content(f, fd, why)
                                        : broken(why, "is not a regular file");
    close(fd);
    if (result == PLUGIN_FILE_GOOD)
        result = check_rights(&f->seen, "", f->path, why);
    return result == PLUGIN_FILE_GOOD ? check_directories(f->path, why) : result;
}

bool plugin_file_is_same(const struct plugin_file *f)
{
    struct stat now;

    return stat(f->path, &now) == 0 && now.st_dev == f->seen.st_dev && now.st_ino == f->seen.st_ino &&
           now.st_size == f->seen.st_size && now.st_mtim.tv_sec == f->seen.st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == f->seen.st_mtim.tv_nsec && now.st_ctim.tv_sec == f->seen.st_ctim.tv_sec &&
           now.st_ctim.tv_nsec == f->seen.st_ctim.tv_nsec;
}
