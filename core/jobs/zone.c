#include "jobs/zone.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/nearest.h"

static const char folder[] = "/usr/share/zoneinfo";

enum { NAME_MAX_SIZE = 64, FILE_MAX_SIZE = 1 << 20, PATH_SIZE = 256, DEPTH_MAX = 3 };

struct zone {
    struct zone *next;
    struct tzfile *file; /* NULL: UTC */
    char name[NAME_MAX_SIZE + 1];
};

static const struct zone utc_zone = { .name = "UTC" };

/* Those found so far; never taken out, so that a zone stays valid without being counted. */
static struct {
    pthread_mutex_t lock;
    struct zone *first;
} found = { .lock = PTHREAD_MUTEX_INITIALIZER };

const struct zone *zone_utc(void)
{
    return &utc_zone;
}

const char *zone_name(const struct zone *z)
{
    return z->name;
}

/* ---- which names there are ---- */

/* In the folder, but no zones: copies that count leap seconds, whatever this machine is set to. */
static bool is_left_out(const char *name)
{
    static const char *const out[] = { "right", "posix", "localtime", "posixrules", "Factory" };

    for (size_t i = 0; i < DW_COUNT_OF(out); i++) {
        size_t n = strlen(out[i]);
        if (strncmp(name, out[i], n) == 0 && (name[n] == 0 || name[n] == '/'))
            return true;
    }
    return false;
}

/* Nothing that leads out of the folder; the files there that are no zones have dots ("zone.tab"). */
static bool is_name(struct str s)
{
    if (s.n == 0 || s.n > NAME_MAX_SIZE || s.p[0] == '/' || s.p[s.n - 1] == '/')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!letter && c != '_' && c != '-' && c != '+' && (c != '/' || s.p[i - 1] == '/'))
            return false; /* two slashes would make a second name of the same zone */
    }
    return true;
}

struct search {
    struct nearest nearest;
    char best[NAME_MAX_SIZE + 1];
    char town[NAME_MAX_SIZE + 1]; /* "Berlin" was asked for, and there is Europe/Berlin */
};

static void offer(struct search *s, const char *name)
{
    const char *slash = strrchr(name, '/');

    nearest_offer(&s->nearest, name);
    if (s->nearest.name == name) { /* the name is the walk's own memory */
        snprintf(s->best, sizeof(s->best), "%s", name);
        s->nearest.name = s->best;
    }
    if (slash && !s->town[0] && str_equal_nocase(str_from(slash + 1), s->nearest.wanted))
        snprintf(s->town, sizeof(s->town), "%s", name);
}

static void search_folder(struct search *s, const char *under, int depth)
{
    char path[PATH_SIZE], name[PATH_SIZE];
    struct stat st;

    snprintf(path, sizeof(path), "%s/%s", folder, under);
    DIR *dir = opendir(path);
    if (!dir)
        return;
    for (const struct dirent *e; (e = readdir(dir));) {
        int n = snprintf(name, sizeof(name), "%s%s%s", under, *under ? "/" : "", e->d_name);
        if (n < 0 || n > NAME_MAX_SIZE || !is_name(str_from(name)) || is_left_out(name) ||
            fstatat(dirfd(dir), e->d_name, &st, 0) != 0)
            continue;
        if (!S_ISDIR(st.st_mode))
            offer(s, name);
        else if (depth < DEPTH_MAX)
            search_folder(s, name, depth + 1);
    }
    closedir(dir);
}

static void say_unknown(struct str name, struct buf *why)
{
    struct search s = { .nearest = nearest_init(name) };

    if (access(folder, R_OK | X_OK) != 0) {
        buf_add_format(
            why, "the time zone %.*s cannot be looked up, as there is no %s: install the package tzdata",
            STR_ARG(name), folder);
        return;
    }
    search_folder(&s, "", 0);
    buf_add_text(why, "there is no time zone ");
    buf_add_json(why, name);
    if (s.town[0] || s.nearest.name)
        buf_add_format(why, ", did you mean %s?", s.town[0] ? s.town : s.nearest.name);
    else
        buf_add_text(why, "; it is a name of IANA's such as Europe/Berlin, or UTC");
}

/* ---- reading one ---- */

static bool read_all(int fd, char *p, size_t size)
{
    for (size_t n = 0; n < size;) {
        ssize_t got = read(fd, p + n, size - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        n += (size_t)got;
    }
    return true;
}

/* NULL with errno, or with why when the file is none. */
static struct tzfile *read_file(const char *path, const char **why)
{
    struct tzfile *file = NULL;
    char *bytes = NULL;
    struct stat st;

    *why = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) != 0)
        goto done;
    if (!S_ISREG(st.st_mode)) { /* "Europe" */
        errno = ENOENT;
        goto done;
    }
    if (st.st_size > FILE_MAX_SIZE) {
        *why = "it is too large";
        goto done;
    }
    bytes = malloc((size_t)st.st_size + 1);
    if (!bytes)
        goto done;
    if (!read_all(fd, bytes, (size_t)st.st_size))
        *why = "it could not be read to its end";
    else
        tzfile_read(&file, str_make(bytes, (size_t)st.st_size), why);
done:;
    int error = errno;
    free(bytes);
    close(fd);
    errno = error;
    return file;
}

static struct zone *load(struct str name, struct buf *why)
{
    char path[PATH_SIZE];
    const char *wrong;

    struct zone *z = calloc(1, sizeof(*z));
    if (!z) {
        buf_add_text(why, "memory is out");
        return NULL;
    }
    memcpy(z->name, name.p, name.n);
    snprintf(path, sizeof(path), "%s/%s", folder, z->name);
    z->file = read_file(path, &wrong);
    if (z->file)
        return z;
    if (wrong)
        buf_add_format(why, "the time zone %s cannot be used: %s: %s", z->name, path, wrong);
    else if (errno == ENOENT || errno == ENOTDIR)
        say_unknown(name, why);
    else
        buf_add_format(why, "the time zone %s cannot be read: %s: %s", z->name, path, strerror(errno));
    free(z);
    return NULL;
}

int zone_find(const struct zone **out, struct str name, struct buf *why)
{
    struct zone *z;

    *out = NULL;
    if (str_equal(name, STR_OF("UTC"))) {
        *out = &utc_zone;
        return 0;
    }
    char text[NAME_MAX_SIZE + 1] = "";
    if (is_name(name))
        memcpy(text, name.p, name.n);
    if (!text[0] || is_left_out(text)) {
        say_unknown(name, why);
        return -1;
    }
    pthread_mutex_lock(&found.lock);
    for (z = found.first; z; z = z->next) {
        if (strcmp(z->name, text) == 0)
            break;
    }
    if (!z) {
        z = load(name, why);
        if (z) {
            z->next = found.first;
            found.first = z;
        }
    }
    pthread_mutex_unlock(&found.lock);
    *out = z;
    return z ? 0 : -1;
}

/* ---- from instants to clocks, and back ---- */

struct tzspan zone_span_at(const struct zone *z, int64_t utc)
{
    if (!z->file)
        return (struct tzspan){ INT64_MIN, INT64_MAX, 0 };
    return tzfile_span_at(z->file, utc);
}

enum zone_times zone_instants(const struct zone *z, int64_t local, int64_t *first, int64_t *last)
{
    /* No clock is further from UTC, so what shows it lies in between. */
    const int64_t begin = local - TZFILE_OFFSET_MAX, end = local + TZFILE_OFFSET_MAX;
    bool skipped = false;
    unsigned times = 0;

    for (struct tzspan span = zone_span_at(z, begin);; span = zone_span_at(z, span.until)) {
        int64_t at = local - span.offset;
        if (at >= span.from && at < span.until) {
            if (times++ == 0)
                *first = at;
            *last = at;
        } else if (at < span.from && times == 0 && !skipped) {
            skipped = true; /* before this change the clock showed less, after it, more */
            *first = *last = span.from;
        }
        if (span.until == INT64_MAX || span.until > end)
            break;
    }
    return times == 0 ? ZONE_GAP : times == 1 ? ZONE_ONCE : ZONE_FOLD;
}
