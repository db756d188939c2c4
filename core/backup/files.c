#include "backup/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 1 << 16, DESCRIPTORS = 8 };

static int failed(struct buf *why, const char *path, const char *what)
{
    buf_add_format(why, "%s: %s: %s", path, what, strerror(errno));
    return -1;
}

bool files_path(char *out, size_t size, const char *folder, const char *name, struct buf *why)
{
    int n = snprintf(out, size, "%s/%s", folder, name);

    if (n >= 0 && (size_t)n < size)
        return true;
    buf_add_format(why, "%s/%s: the path is too long", folder, name);
    return false;
}

/* ---- reading, hashing, writing ---- */

static void finish_hash(EVP_MD_CTX *context, char hash[DIGEST_HEX_SIZE])
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    *hash = 0;
    if (EVP_DigestFinal_ex(context, raw, &n) != 1)
        return;
    for (unsigned i = 0; i < n; i++)
        snprintf(hash + (size_t)2 * i, 3, "%02x", raw[i]);
}

static int write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -1;
        p += done;
        n -= (size_t)done;
    }
    return 0;
}

struct passing {
    const char *from, *to;
    int in, out; /* out -1: only read */
    EVP_MD_CTX *context;
    uint64_t size;
};

static int pass(struct passing *p, struct buf *why)
{
    char *piece = malloc(PIECE);
    int result = 0;

    if (!piece || !p->context || EVP_DigestInit_ex(p->context, EVP_sha256(), NULL) != 1) {
        buf_add_format(why, "%s: memory is out", p->from);
        result = -1;
    }
    while (result == 0) {
        ssize_t n = read(p->in, piece, PIECE);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            result = failed(why, p->from, "cannot be read");
        if (n <= 0)
            break;
        if (EVP_DigestUpdate(p->context, piece, (size_t)n) != 1) {
            buf_add_format(why, "%s: cannot be hashed", p->from);
            result = -1;
        } else if (p->out >= 0 && write_all(p->out, piece, (size_t)n) != 0) {
            result = failed(why, p->to, "cannot be written");
        }
        p->size += (uint64_t)n;
    }
    free(piece);
    return result;
}

static int pass_and_hash(struct passing *p, char hash[DIGEST_HEX_SIZE], struct buf *why)
{
    p->context = EVP_MD_CTX_new();
    int result = pass(p, why);
    if (result == 0 && hash) {
        finish_hash(p->context, hash);
        if (!*hash) {
            buf_add_format(why, "%s: cannot be hashed", p->from);
            result = -1;
        }
    }
    EVP_MD_CTX_free(p->context);
    return result;
}

int files_hash(const char *path, uint64_t *size, char hash[DIGEST_HEX_SIZE], struct buf *why)
{
    struct passing p = { .from = path, .out = -1 };

    p.in = open(path, O_RDONLY | O_CLOEXEC);
    if (p.in < 0)
        return failed(why, path, "cannot be opened");
    int result = pass_and_hash(&p, hash, why);
    *size = p.size;
    close(p.in);
    return result;
}

int files_copy(const char *from, const char *to, char hash[DIGEST_HEX_SIZE], struct buf *why)
{
    struct passing p = { .from = from, .to = to, .out = -1 };
    int result;

    p.in = open(from, O_RDONLY | O_CLOEXEC);
    if (p.in < 0)
        return failed(why, from, "cannot be opened");
    p.out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (p.out < 0) {
        result = failed(why, to, "cannot be made");
    } else {
        result = pass_and_hash(&p, hash, why);
        if (result == 0 && fsync(p.out) != 0)
            result = failed(why, to, "cannot be written");
        close(p.out);
        if (result != 0)
            unlink(to);
    }
    close(p.in);
    return result;
}

/* ---- folders ---- */

int files_sync(const char *folder, struct buf *why)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = fd < 0 || fsync(fd) != 0 ? failed(why, folder, "cannot be written to the disk") : 0;

    if (fd >= 0)
        close(fd);
    return result;
}

static int copy_one(const char *from, const char *to, const char *name, struct buf *why)
{
    char source[PATH_MAX], target[PATH_MAX];
    struct stat st;

    if (!files_path(source, sizeof(source), from, name, why) ||
        !files_path(target, sizeof(target), to, name, why))
        return -1;
    if (stat(source, &st) != 0)
        return failed(why, source, "cannot be looked at");
    return S_ISREG(st.st_mode) ? files_copy(source, target, NULL, why) : 0;
}

int files_copy_folder(const char *from, const char *to, struct buf *why)
{
    DIR *dir = opendir(from);
    const struct dirent *entry;
    int result = 0;

    if (!dir)
        return errno == ENOENT ? 0 : failed(why, from, "cannot be opened");
    if (mkdir(to, 0700) != 0)
        result = failed(why, to, "cannot be made");
    while (result == 0 && (errno = 0, entry = readdir(dir)) != NULL)
        result = copy_one(from, to, entry->d_name, why);
    if (result == 0 && errno != 0)
        result = failed(why, from, "cannot be read");
    closedir(dir);
    return result == 0 ? files_sync(to, why) : result;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

int files_remove(const char *folder, struct buf *why)
{
    return nftw(folder, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS) == 0
               ? 0
               : failed(why, folder, "cannot be removed");
}
