#include "util/program.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS_MAX = 4096 };

/* ---- finding ---- */

static bool is_program(char out[PATH_MAX], struct str folder, const char *name)
{
    int n = snprintf(out, PATH_MAX, "%.*s/%s", STR_ARG(folder), name);

    return n < PATH_MAX && access(out, X_OK) == 0;
}

void program_prefix(char out[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);

    if (n < 0) {
        memcpy(out, "/usr", sizeof("/usr"));
        return;
    }
    for (int i = 0; i < 2 && n > 0; i++) {
        while (n > 0 && out[n - 1] != '/')
            n--;
        n -= n > 0;
    }
    out[n] = 0;
}

/* The last one. */
static unsigned long number_in(const char *path)
{
    unsigned long number = 0;

    for (; *path; path++) {
        if (*path >= '0' && *path <= '9') {
            char *end;
            number = strtoul(path, &end, 10);
            path = end - 1;
        }
    }
    return number;
}

/* Debian has one folder for each version of PostgreSQL: 9.6 is older than 15. */
static int find_newest(const char *name, const char *pattern, char out[PATH_MAX])
{
    unsigned long best = 0;
    char path[PATH_MAX];
    glob_t found;
    int result = -1;

    if (glob(pattern, GLOB_ONLYDIR, NULL, &found) != 0)
        return -1;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        unsigned long number = number_in(found.gl_pathv[i]);
        if (number < best || !is_program(path, str_from(found.gl_pathv[i]), name))
            continue;
        memcpy(out, path, sizeof(path));
        best = number;
        result = 0;
    }
    globfree(&found);
    return result;
}

int program_find(const char *name, const char *beside, char out[PATH_MAX])
{
    struct str rest = str_from(getenv("PATH")), folder;

    while (rest.n > 0 && str_split(&rest, ':', &folder)) {
        if (folder.n > 0 && is_program(out, folder, name))
            return 0;
    }
    return beside ? find_newest(name, beside, out) : -1;
}

/* ---- running ---- */

static int set_up(posix_spawn_file_actions_t *files, posix_spawnattr_t *attributes, int words)
{
    sigset_t none, all;
    int rc = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

    if (rc == 0)
        rc = posix_spawn_file_actions_addopen(files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(files, words, STDERR_FILENO);
    sigemptyset(&none);
    sigfillset(&all);
    if (rc == 0)
        rc = posix_spawnattr_setsigmask(attributes, &none);
    if (rc == 0)
        rc = posix_spawnattr_setsigdefault(attributes, &all);
    return rc ? rc : posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

/* 0, or an errno. */
static int start(pid_t *pid, const char *const argv[], char *const environment[], int words)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;

    int rc = posix_spawn_file_actions_init(&files);
    if (rc != 0)
        return rc;
    rc = posix_spawnattr_init(&attributes);
    if (rc == 0) {
        rc = set_up(&files, &attributes, words);
        if (rc == 0) /* argv is only read; its type is older than const */
            rc = posix_spawn(pid, argv[0], &files, &attributes, (char *const *)argv, environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&files);
    return rc;
}

/* To its end, so that the program never waits for us; the last of it is kept. */
static void read_words(int fd, struct buf *out)
{
    char piece[1024];
    ssize_t n;

    while ((n = read(fd, piece, sizeof(piece))) > 0 || (n < 0 && errno == EINTR)) {
        if (n < 0)
            continue;
        buf_add(out, piece, (size_t)n);
        if (out->n > WORDS_MAX) {
            memmove(out->p, out->p + out->n - WORDS_MAX, WORDS_MAX);
            out->n = WORDS_MAX;
        }
    }
    while (out->n > 0 && out->p[out->n - 1] == '\n')
        out->n--;
}

static int judge(int status, const char *name, struct buf *words, struct buf *why)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFSIGNALED(status))
        buf_add_format(why, "%s was ended by signal %d", name, WTERMSIG(status));
    else
        buf_add_format(why, "%s ended with %d", name, WEXITSTATUS(status));
    if (words->n > 0)
        buf_add_format(why, ": %s", buf_text(words));
    return -1;
}

int program_run(const char *const argv[], char *const environment[], struct buf *why)
{
    struct buf words = BUF_INIT;
    int ends[2], status = 0;
    pid_t pid;

    if (pipe(ends) != 0) {
        buf_add_format(why, "cannot run %s: %s", argv[0], strerror(errno));
        return -1;
    }
    for (int i = 0; i < 2; i++)
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    int rc = start(&pid, argv, environment, ends[1]);
    close(ends[1]);
    if (rc != 0) {
        buf_add_format(why, "cannot run %s: %s", argv[0], strerror(rc));
        close(ends[0]);
        return -1;
    }
    read_words(ends[0], &words);
    close(ends[0]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    rc = judge(status, argv[0], &words, why);
    buf_finish(&words);
    return rc;
}
