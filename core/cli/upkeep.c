#include "cli/upkeep.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "http/readiness.h"
#include "http/spool.h"
#include "http/tls.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "util/clock.h"
#include "util/compiler.h"
#include "util/list.h"
#include "util/workers.h"

enum { DATA_EVERY_US = 10 * CLOCK_SECOND, QUEUE = 64, CERTIFICATE_WARN_DAYS = 14 };
enum { ROOM_WANTED = 64 << 20 };
static const int64_t certificate_every_us = INT64_C(6) * 3600 * CLOCK_SECOND;

struct chore {
    struct work work;
    struct upkeep *upkeep;
    void (*run)(struct upkeep *u);
    int64_t every_us, due_us; /* the main thread's */
    _Atomic bool busy;        /* on the pool: not to be put again */
};

struct upkeep {
    struct workers *jobs;
    const char *data_dir;
    struct tls_context *tls;
    struct chore chores[2];
    struct metric *room, *days_left;

    pthread_mutex_t lock;
    char data_why[READINESS_WHY_SIZE]; /* guarded by lock; "": all is well */
};

/* ---- the data folder ---- */

static bool can_write(const char *dir, char why[READINESS_WHY_SIZE])
{
    int fd = spool_open(dir);

    if (fd >= 0 && write(fd, "x", 1) == 1) {
        close(fd);
        return true;
    }
    snprintf(why, READINESS_WHY_SIZE, "%s cannot be written: %s", dir, strerror(errno));
    if (fd >= 0)
        close(fd);
    return false;
}

static bool has_room(struct upkeep *u, char why[READINESS_WHY_SIZE])
{
    struct statvfs disk;

    if (statvfs(u->data_dir, &disk) != 0) {
        snprintf(why, READINESS_WHY_SIZE, "%s cannot be looked at: %s", u->data_dir, strerror(errno));
        return false;
    }
    uint64_t room = (uint64_t)disk.f_bavail * disk.f_frsize;
    metric_set(u->room, (int64_t)room);
    if (room >= ROOM_WANTED)
        return true;
    snprintf(why, READINESS_WHY_SIZE, "%s has only %llu MB of room left; at least 64 are wanted", u->data_dir,
             (unsigned long long)(room >> 20));
    return false;
}

/* What has changed is logged once, not every ten seconds. */
static void look_at_data(struct upkeep *u)
{
    char why[READINESS_WHY_SIZE] = "";
    bool good = has_room(u, why) && can_write(u->data_dir, why);

    pthread_mutex_lock(&u->lock);
    bool was_good = u->data_why[0] == 0;
    memcpy(u->data_why, why, sizeof(why));
    pthread_mutex_unlock(&u->lock);
    if (was_good && !good)
        log_error("the data folder is not in order", LOG_TEXT("why", why));
    if (!was_good && good)
        log_info("the data folder is in order again");
}

static bool data_is_ready(char why[READINESS_WHY_SIZE], void *ud)
{
    struct upkeep *u = ud;

    pthread_mutex_lock(&u->lock);
    memcpy(why, u->data_why, READINESS_WHY_SIZE);
    pthread_mutex_unlock(&u->lock);
    return why[0] == 0;
}

/* ---- the certificate ---- */

static void look_at_certificate(struct upkeep *u)
{
    if (!u->tls)
        return;
    long days = tls_context_days_left(u->tls);
    metric_set(u->days_left, days);
    if (days < CERTIFICATE_WARN_DAYS)
        log_warn(days < 0 ? "the TLS certificate has expired; put a new one in its place and reload"
                          : "the TLS certificate expires soon; put a new one in its place and reload",
                 LOG_NUMBER("days", days));
}

/* ---- the pool ---- */

static void run_chore(struct work *w, void *ud)
{
    struct chore *chore = LIST_OWNER(w, struct chore, work);

    (void)ud;
    chore->run(chore->upkeep);
    atomic_store_explicit(&chore->busy, false, memory_order_release);
}

/* Only when the pool ends: nothing has a deadline. */
static void drop_chore(struct work *w, void *ud)
{
    (void)w;
    (void)ud;
}

void upkeep_tick(struct upkeep *u)
{
    int64_t now_us = clock_monotonic_us();

    for (size_t i = 0; i < DW_COUNT_OF(u->chores); i++) {
        struct chore *chore = &u->chores[i];
        if (now_us < chore->due_us || atomic_load_explicit(&chore->busy, memory_order_acquire))
            continue;
        chore->due_us = now_us + chore->every_us;
        atomic_store_explicit(&chore->busy, true, memory_order_relaxed);
        if (workers_put(u->jobs, &chore->work))
            atomic_store_explicit(&chore->busy, false, memory_order_relaxed); /* full: next time */
    }
}

static unsigned default_threads(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores > 4 ? (unsigned)cores : 4;
}

int upkeep_create(struct upkeep **out, unsigned threads, const char *data_dir, struct tls_context *tls)
{
    struct upkeep *u = calloc(1, sizeof(*u));
    const struct workers_options jobs = {
        .name = "jobs",
        .threads = threads ? threads : default_threads(),
        .queue = QUEUE,
        .run = run_chore,
        .expired = drop_chore,
    };

    *out = NULL;
    if (!u)
        return -1;
    u->data_dir = data_dir;
    u->tls = tls;
    u->chores[0] = (struct chore){ .upkeep = u, .run = look_at_data, .every_us = DATA_EVERY_US };
    u->chores[1] =
        (struct chore){ .upkeep = u, .run = look_at_certificate, .every_us = certificate_every_us };
    u->room = metrics_gauge("dowel_data_free_bytes", "Room in the file system of the data folder", NULL);
    if (tls)
        u->days_left =
            metrics_gauge("dowel_tls_certificate_days_left", "Until the certificate expires", NULL);
    pthread_mutex_init(&u->lock, NULL);
    if (workers_create(&u->jobs, &jobs) != 0 || readiness_register("data", data_is_ready, u) != 0) {
        upkeep_destroy(u);
        return -1;
    }
    upkeep_tick(u);
    *out = u;
    return 0;
}

void upkeep_destroy(struct upkeep *u)
{
    if (!u)
        return;
    workers_destroy(u->jobs);
    pthread_mutex_destroy(&u->lock);
    free(u);
}
