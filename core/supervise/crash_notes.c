#include "supervise/crash_notes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log/log.h"
#include "util/clock.h"

enum { SAME_SECOND_MAX = 9 };

static const char pending[] = ".pending", note[] = ".txt";

/* ---- names ---- */

/* False when it would be too long to be one. */
static bool path_of(char out[PATH_MAX], const char *data_dir, const char *name)
{
    return snprintf(out, PATH_MAX, "%s/crashes/%s", data_dir, name) < PATH_MAX;
}

static bool pending_path(char out[PATH_MAX], const char *data_dir, uint64_t generation, const char *kind)
{
    char name[64];

    snprintf(name, sizeof(name), "generation-%llu%s%s", (unsigned long long)generation, kind, pending);
    return path_of(out, data_dir, name);
}

/* "2026-11-21T08-05-13Z-generation-3.txt": sorts by time, and has no colon, which some tools take for a host's end. A
 * server that is started anew counts from 1 again, so that one may be there. */
static bool lasting_path(char out[PATH_MAX], const char *data_dir, uint64_t generation, time_t when)
{
    char stamp[32], again[16] = "", name[96];
    struct tm t;

    gmtime_r(&when, &t);
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H-%M-%SZ", &t);
    for (int i = 1; i <= SAME_SECOND_MAX; i++) {
        if (i > 1)
            snprintf(again, sizeof(again), "-%d", i);
        snprintf(name, sizeof(name), "%s-generation-%llu%s%s", stamp, (unsigned long long)generation, again,
                 note);
        if (!path_of(out, data_dir, name))
            return false;
        if (access(out, F_OK) != 0)
            return true;
    }
    errno = EEXIST;
    return false;
}

/* Also by an image that came by an upgrade from one that knew no notes. */
static int make_folder(const char *data_dir)
{
    char folder[PATH_MAX];

    if (!path_of(folder, data_dir, "")) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (mkdir(folder, 0700) == 0)
        return 0;
    return errno == EEXIST ? access(folder, W_OK | X_OK) : -1;
}

/* ---- keeping the newest ---- */

static int is_note(const struct dirent *entry)
{
    return str_ends_with(str_from(entry->d_name), str_from(note));
}

static int newest_first(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*b)->d_name, (*a)->d_name);
}

static void remove_oldest(const char *data_dir)
{
    struct dirent **notes;
    char folder[PATH_MAX], path[PATH_MAX];
    int n = path_of(folder, data_dir, "") ? scandir(folder, &notes, is_note, newest_first) : -1;

    for (int i = 0; i < n; i++) {
        if (i >= CRASH_NOTES_KEPT && path_of(path, data_dir, notes[i]->d_name))
            unlink(path);
        free(notes[i]);
    }
    if (n >= 0)
        free(notes);
}

/* ---- writing ---- */

static int append(const char *path, struct str text)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    size_t done = 0;

    if (fd < 0)
        return -1;
    while (done < text.n) {
        ssize_t n = write(fd, text.p + done, text.n - done);
        if (n < 0 && errno != EINTR)
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    int error = errno;
    close(fd);
    errno = error;
    return done == text.n ? 0 : -1;
}

/* A note that could not be written to its end is better than none. */
static int finish(const char *data_dir, const char *from, uint64_t generation, time_t when,
                  char path[PATH_MAX])
{
    if (!lasting_path(path, data_dir, generation, when) || rename(from, path) != 0) {
        log_error("a crash note keeps its passing name", LOG_TEXT("path", from),
                  LOG_TEXT("why", strerror(errno)));
        return -1;
    }
    remove_oldest(data_dir);
    return 0;
}

static int keep(const char *data_dir, uint64_t generation, const char *kind, struct str text,
                char path[PATH_MAX])
{
    char from[PATH_MAX];

    if (!pending_path(from, data_dir, generation, kind))
        return -1;
    make_folder(data_dir);
    if (append(from, text) != 0)
        log_error("a crash note cannot be written", LOG_TEXT("path", from), LOG_TEXT("why", strerror(errno)));
    return finish(data_dir, from, generation, time(NULL), path);
}

int crash_notes_complete(const char *data_dir, uint64_t generation, struct str text, char path[PATH_MAX])
{
    return keep(data_dir, generation, "", text, path);
}

int crash_notes_add(const char *data_dir, uint64_t generation, struct str text, char path[PATH_MAX])
{
    return keep(data_dir, generation, "-lives", text, path);
}

/* ---- what generations leave ---- */

/* New, so that a process of an earlier supervisor that still lives cannot write into it. */
int crash_notes_open(const char *data_dir, uint64_t generation)
{
    char path[PATH_MAX];

    if (make_folder(data_dir) != 0 || !pending_path(path, data_dir, generation, ""))
        return -1;
    unlink(path);
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

bool crash_notes_is_written(const char *data_dir, uint64_t generation)
{
    char path[PATH_MAX];
    struct stat st;

    return pending_path(path, data_dir, generation, "") && stat(path, &st) == 0 && st.st_size > 0;
}

void crash_notes_discard(const char *data_dir, uint64_t generation)
{
    char path[PATH_MAX];

    if (pending_path(path, data_dir, generation, ""))
        unlink(path);
}

static void take_left_behind(const char *data_dir, const char *name)
{
    char from[PATH_MAX], path[PATH_MAX];
    struct stat st;
    uint64_t generation = 0;

    if (!path_of(from, data_dir, name) || stat(from, &st) != 0)
        return;
    size_t at = strcspn(name, "0123456789");
    str_to_uint(str_make(name + at, strspn(name + at, "0123456789")), INT64_MAX, &generation);
    if (st.st_size == 0)
        unlink(from);
    else if (finish(data_dir, from, generation, st.st_mtime, path) == 0)
        log_warn("a server process crashed while no supervisor was there to see it", LOG_TEXT("note", path));
}

static int is_pending(const struct dirent *entry)
{
    return str_ends_with(str_from(entry->d_name), str_from(pending));
}

void crash_notes_begin(const char *data_dir)
{
    char folder[PATH_MAX];
    struct dirent **left;

    if (make_folder(data_dir) != 0 || !path_of(folder, data_dir, "")) {
        log_warn("there will be no crash notes", LOG_TEXT("data", data_dir),
                 LOG_TEXT("why", strerror(errno)));
        return;
    }
    int n = scandir(folder, &left, is_pending, alphasort);
    for (int i = 0; i < n; i++) {
        take_left_behind(data_dir, left[i]->d_name);
        free(left[i]);
    }
    if (n >= 0)
        free(left);
}

/* ---- the kernel's word ---- */

int64_t crash_notes_read_count(const char *path, const char *key)
{
    char line[256];
    size_t length = strlen(key);
    long long count = -1;
    FILE *f = fopen(path, "re");

    if (!f)
        return -1;
    while (count < 0 && fgets(line, sizeof(line), f)) {
        if (strncmp(line, key, length) == 0 && line[length] == ' ')
            count = strtoll(line + length, NULL, 10);
    }
    fclose(f);
    return count;
}

int64_t crash_notes_oom_kills(void)
{
    static const char prefix[] = "0::"; /* version 2 of control groups */
    char line[PATH_MAX] = "", path[PATH_MAX + 64];
    int64_t count = -1;
    FILE *f = fopen("/proc/self/cgroup", "re");

    while (f && fgets(line, sizeof(line), f) && strncmp(line, prefix, sizeof(prefix) - 1) != 0)
        line[0] = 0;
    if (f)
        fclose(f);
    line[strcspn(line, "\n")] = 0;
    if (line[0]) {
        snprintf(path, sizeof(path), "/sys/fs/cgroup%s/memory.events", line + sizeof(prefix) - 1);
        count = crash_notes_read_count(path, "oom_kill");
    }
    return count >= 0 ? count : crash_notes_read_count("/proc/vmstat", "oom_kill");
}
