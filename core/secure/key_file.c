#include "secure/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "secure/random.h"
#include "util/new_file.h"

enum { FILE_MAX = 8192 }; /* sixteen keys, and a word about each */

static int fail(struct buf *why, const char *path, const char *what)
{
    int error = errno;

    buf_add_format(why, "%s: %s: %s", path, what, strerror(error));
    if (error == EACCES || error == EPERM)
        buf_add_format(why, "; give it to the user that the server runs as: chown %ld %s", (long)geteuid(),
                       path);
    return -1;
}

/* ---- making ---- */

#define PREAMBLE                                                                                           \
    "# What this server stores of secrets is sealed with the key below. Back it up: without it they are "  \
    "lost.\n"                                                                                              \
    "# To change it, put a new key above the old one, and keep both until nothing is sealed with the old " \
    "one.\n"

static int write_key(const char *path, bool *made, struct buf *why)
{
    char text[sizeof(PREAMBLE) + FERNET_KEY_TEXT + 1] = PREAMBLE, *key_text = text + sizeof(PREAMBLE) - 1;
    struct fernet_key key;
    int result = -1;

    if (random_bytes(key.bytes, sizeof(key.bytes)) != 0)
        return fail(why, path, "the system gives no random bytes for a key");
    fernet_key_format(&key, key_text);
    key_text[FERNET_KEY_TEXT] = '\n';
    if (new_file_write(path, 0600, str_make(text, sizeof(text) - 1), made) != 0)
        fail(why, path, "cannot be written");
    else
        result = 0;
    OPENSSL_cleanse(&key, sizeof(key));
    OPENSSL_cleanse(text, sizeof(text));
    return result;
}

int key_file_make(const char *data_dir, char path[KEY_FILE_PATH_SIZE], bool *made, struct buf *why)
{
    struct stat st;

    *made = false;
    if (snprintf(path, KEY_FILE_PATH_SIZE, "%s/secret.key", data_dir) >= KEY_FILE_PATH_SIZE) {
        errno = ENAMETOOLONG;
        return fail(why, data_dir, "cannot hold a secret.key");
    }
    if (lstat(path, &st) == 0)
        return 0;
    if (errno != ENOENT)
        return fail(why, path, "cannot be looked at");
    return write_key(path, made, why);
}

/* ---- reading ---- */

static int check_rights(int fd, const char *path, struct buf *why)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return fail(why, path, "cannot be looked at");
    if (!S_ISREG(st.st_mode)) {
        buf_add_format(why, "%s: is not a regular file; move it away, and a new key is made", path);
        return -1;
    }
    if (st.st_uid != geteuid() && st.st_uid != 0) {
        buf_add_format(
            why,
            "%s: belongs to user %ld, but this process runs as user %ld; run it as the former, or give the "
            "file away: chown %ld %s",
            path, (long)st.st_uid, (long)geteuid(), (long)geteuid(), path);
        return -1;
    }
    if (st.st_mode & (S_IRWXG | S_IRWXO)) {
        buf_add_format(
            why, "%s: others than its owner have rights to it (mode %04o); take them away: chmod 600 %s",
            path, (unsigned)st.st_mode & 07777, path);
        return -1;
    }
    return 0;
}

/* Into memory of a fixed place: what grows leaves copies behind that nobody wipes. */
static int read_text(int fd, const char *path, char text[FILE_MAX + 1], size_t *n, struct buf *why)
{
    for (*n = 0; *n <= FILE_MAX;) {
        ssize_t got = read(fd, text + *n, FILE_MAX + 1 - *n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(why, path, "cannot be read");
        if (got == 0)
            return 0;
        *n += (size_t)got;
    }
    buf_add_format(why, "%s: is larger than %d bytes; it holds keys, a line each", path, FILE_MAX);
    return -1;
}

static int parse(struct keyring **out, struct str text, const char *path, struct buf *why)
{
    unsigned line;
    const char *wrong = keyring_parse(out, text, &line);

    if (!wrong)
        return 0;
    if (line)
        buf_add_format(why, "%s:%u: %s", path, line, wrong);
    else
        buf_add_format(why,
                       "%s: %s; restore it from a backup, or remove it for a new key that opens nothing old",
                       path, wrong);
    return -1;
}

int key_file_read(struct keyring **out, const char *path, struct buf *why)
{
    char text[FILE_MAX + 1];
    int result = -1;
    size_t n;

    *out = NULL;
    /* Not blocking: a pipe of that name must not hang the start. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno == ELOOP) {
        buf_add_format(why, "%s: is a link; name the file that it leads to in the variable SECRET_KEY_FILE",
                       path);
        return -1;
    }
    if (fd < 0)
        return fail(why, path, "cannot be read");
    if (check_rights(fd, path, why) == 0 && read_text(fd, path, text, &n, why) == 0)
        result = parse(out, str_make(text, n), path, why);
    close(fd);
    OPENSSL_cleanse(text, sizeof(text));
    return result;
}
