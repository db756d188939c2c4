/* power_cut.h - what a disk has when the power fails: SQLite's files behind a VFS that remembers which writes were synced.
 *
 * A copy taken at any moment has all that was synced, and of the later writes some and not others, as disks do. Nothing is
 * really synced, which makes it fast. For the main file and its WAL; one test's, once in a process. */
#ifndef TESTS_POWER_CUT_H
#define TESTS_POWER_CUT_H

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A write since the last sync; data NULL: the file was cut to `offset` bytes. */
struct power_write {
    struct power_write *next;
    sqlite3_int64 offset;
    int n;
    char data[];
};

/* What is on the disk of one file, whoever has it open. */
struct power_image {
    char path[200];
    int synced; /* a file without a name */
    unsigned syncs;
    struct power_write *first, **last;
};

struct power_file {
    sqlite3_file base;
    struct power_image *image; /* NULL: of no interest */
    sqlite3_file *real;
};

enum { POWER_IMAGES = 4 };
static struct {
    pthread_mutex_t lock;
    sqlite3_vfs vfs, *real;
    struct power_image images[POWER_IMAGES];
    size_t n;
    uint64_t random;
} power = { .lock = PTHREAD_MUTEX_INITIALIZER, .random = 88172645463325252u };

static inline bool power_chance(void)
{
    power.random ^= power.random << 13;
    power.random ^= power.random >> 7;
    power.random ^= power.random << 17;
    return power.random >> 63;
}

/* ---- images; under the lock ---- */

static inline void power_apply(int fd, const struct power_write *w)
{
    if (w->n < 0 ? ftruncate(fd, w->offset) != 0 : pwrite(fd, w->data, (size_t)w->n, w->offset) != w->n)
        abort();
}

static inline void power_forget(struct power_image *image)
{
    while (image->first) {
        struct power_write *w = image->first;
        image->first = w->next;
        free(w);
    }
    image->last = &image->first;
}

static inline void power_note(struct power_image *image, const void *data, int n, sqlite3_int64 offset)
{
    struct power_write *w = malloc(sizeof(*w) + (n > 0 ? (size_t)n : 0));

    if (!w)
        abort();
    *w = (struct power_write){ .offset = offset, .n = n };
    if (n > 0)
        memcpy(w->data, data, (size_t)n);
    *image->last = w;
    image->last = &w->next;
}

static inline struct power_image *power_image_of(const char *path)
{
    for (size_t i = 0; i < power.n; i++) {
        if (strcmp(power.images[i].path, path) == 0)
            return &power.images[i];
    }
    if (power.n == POWER_IMAGES)
        abort();
    struct power_image *image = &power.images[power.n++];
    char name[] = "/tmp/dowel-power-XXXXXX";
    snprintf(image->path, sizeof(image->path), "%s", path);
    image->synced = mkstemp(name);
    image->last = &image->first;
    if (image->synced < 0)
        abort();
    unlink(name);
    return image;
}

/* ---- the VFS ---- */

static inline sqlite3_file *power_real(sqlite3_file *f)
{
    return ((struct power_file *)(void *)f)->real;
}

static int power_close(sqlite3_file *f)
{
    sqlite3_file *real = power_real(f);
    int rc = real->pMethods ? real->pMethods->xClose(real) : SQLITE_OK;

    free(real);
    return rc;
}

static int power_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
    return power_real(f)->pMethods->xRead(power_real(f), to, n, at);
}

static int power_write(sqlite3_file *f, const void *data, int n, sqlite3_int64 at)
{
    struct power_image *image = ((struct power_file *)(void *)f)->image;

    pthread_mutex_lock(&power.lock);
    int rc = power_real(f)->pMethods->xWrite(power_real(f), data, n, at);
    if (rc == SQLITE_OK && image)
        power_note(image, data, n, at);
    pthread_mutex_unlock(&power.lock);
    return rc;
}

static int power_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    struct power_image *image = ((struct power_file *)(void *)f)->image;

    pthread_mutex_lock(&power.lock);
    int rc = power_real(f)->pMethods->xTruncate(power_real(f), size);
    if (rc == SQLITE_OK && image)
        power_note(image, NULL, -1, size);
    pthread_mutex_unlock(&power.lock);
    return rc;
}

static int power_sync(sqlite3_file *f, int flags)
{
    struct power_image *image = ((struct power_file *)(void *)f)->image;

    (void)flags;
    pthread_mutex_lock(&power.lock);
    for (const struct power_write *w = image ? image->first : NULL; w; w = w->next)
        power_apply(image->synced, w);
    if (image) {
        power_forget(image);
        image->syncs++;
    }
    pthread_mutex_unlock(&power.lock);
    return SQLITE_OK;
}

static int power_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return power_real(f)->pMethods->xFileSize(power_real(f), size);
}

static int power_lock(sqlite3_file *f, int how)
{
    return power_real(f)->pMethods->xLock(power_real(f), how);
}

static int power_unlock(sqlite3_file *f, int how)
{
    return power_real(f)->pMethods->xUnlock(power_real(f), how);
}

static int power_is_reserved(sqlite3_file *f, int *out)
{
    return power_real(f)->pMethods->xCheckReservedLock(power_real(f), out);
}

static int power_control(sqlite3_file *f, int what, void *with)
{
    return power_real(f)->pMethods->xFileControl(power_real(f), what, with);
}

static int power_sector(sqlite3_file *f)
{
    return power_real(f)->pMethods->xSectorSize(power_real(f));
}

/* None of what the real one may promise, such as writes that a power cut cannot tear. */
static int power_characteristics(sqlite3_file *f)
{
    (void)f;
    return 0;
}

static int power_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return power_real(f)->pMethods->xShmMap(power_real(f), page, size, extend, out);
}

static int power_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return power_real(f)->pMethods->xShmLock(power_real(f), offset, n, flags);
}

static void power_shm_barrier(sqlite3_file *f)
{
    power_real(f)->pMethods->xShmBarrier(power_real(f));
}

static int power_shm_unmap(sqlite3_file *f, int is_last)
{
    return power_real(f)->pMethods->xShmUnmap(power_real(f), is_last);
}

static const sqlite3_io_methods power_methods = { .iVersion = 2,
                                                  .xClose = power_close,
                                                  .xRead = power_read,
                                                  .xWrite = power_write,
                                                  .xTruncate = power_truncate,
                                                  .xSync = power_sync,
                                                  .xFileSize = power_size,
                                                  .xLock = power_lock,
                                                  .xUnlock = power_unlock,
                                                  .xCheckReservedLock = power_is_reserved,
                                                  .xFileControl = power_control,
                                                  .xSectorSize = power_sector,
                                                  .xDeviceCharacteristics = power_characteristics,
                                                  .xShmMap = power_shm_map,
                                                  .xShmLock = power_shm_lock,
                                                  .xShmBarrier = power_shm_barrier,
                                                  .xShmUnmap = power_shm_unmap };

static int power_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
    struct power_file *file = (struct power_file *)(void *)f;

    (void)vfs;
    *file = (struct power_file){ .real = calloc(1, (size_t)power.real->szOsFile) };
    if (!file->real)
        return SQLITE_NOMEM;
    int rc = power.real->xOpen(power.real, name, file->real, flags, out_flags);
    if (rc != SQLITE_OK) {
        free(file->real);
        return rc;
    }
    pthread_mutex_lock(&power.lock);
    if (name && flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL))
        file->image = power_image_of(name);
    pthread_mutex_unlock(&power.lock);
    file->base.pMethods = &power_methods;
    return SQLITE_OK;
}

/* Every database that is opened from now on, until power_end(), lies on such a disk. */
static inline void power_begin(void)
{
    power.real = sqlite3_vfs_find(NULL);
    power.vfs = *power.real;
    power.vfs.zName = "power";
    power.vfs.szOsFile = (int)sizeof(struct power_file);
    power.vfs.xOpen = power_open;
    sqlite3_vfs_register(&power.vfs, 1);
}

static inline void power_end(void)
{
    sqlite3_vfs_register(power.real, 1);
}

/* ---- the cut ---- */

static inline void power_copy(const struct power_image *image, const char *to)
{
    char bytes[65536];
    int fd = open(to, O_RDWR | O_CREAT | O_EXCL, 0600);
    ssize_t n;

    if (fd < 0)
        abort();
    for (off_t at = 0; (n = pread(image->synced, bytes, sizeof(bytes), at)) > 0; at += n) {
        if (pwrite(fd, bytes, (size_t)n, at) != n)
            abort();
    }
    for (const struct power_write *w = image->first; w; w = w->next) {
        if (power_chance())
            power_apply(fd, w);
    }
    close(fd);
}

/* Writes what the disk would have now: `to`, and beside it the WAL. */
static inline void power_cut(const char *to)
{
    char path[256];

    pthread_mutex_lock(&power.lock);
    for (size_t i = 0; i < power.n; i++) {
        const char *image = power.images[i].path;
        size_t n = strlen(image);
        bool is_wal = n > 4 && strcmp(image + n - 4, "-wal") == 0;
        snprintf(path, sizeof(path), "%s%s", to, is_wal ? "-wal" : "");
        power_copy(&power.images[i], path);
    }
    pthread_mutex_unlock(&power.lock);
}

#endif
