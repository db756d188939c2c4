#include "cli/upkeep.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "db/db.h"
#include "db/give_back.h"
#include "http/readiness.h"
#include "http/spool.h"
#include "http/tls.h"
#include "jobs/jobs.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "plugin/connection_watch.h"
#include "plugin/idempotency.h"
#include "util/clock.h"
#include "util/compiler.h"
#include "util/list.h"
#include "util/workers.h"

enum {
    DATA_EVERY_US = 10 * CLOCK_SECOND,
    JOBS_EVERY_US = 60 * CLOCK_SECOND,
    ANSWERS_EVERY_US = 600 * CLOCK_SECOND,
    CONNECTIONS_EVERY_US = 10 * CLOCK_SECOND,
    DATABASE_EVERY_US = 2 * CLOCK_SECOND,
    THREADS = 2,
    QUEUE = 64,
    CERTIFICATE_WARN_DAYS = 14
};
enum { ROOM_WANTED = 64 << 20 };
static const int64_t certificate_every_us = INT64_C(6) * 3600 * CLOCK_SECOND;

struct chore {
    struct work work;
    struct upkeep *upkeep;
    void (*run)(struct upkeep *u);
    int64_t every_us, due_us; /* the main thread's */
    _Atomic bool busy;        /* on the pool: not to be put again */
};

/* What was found last. */
struct finding {
    pthread_mutex_t lock;
    char why[READINESS_WHY_SIZE]; /* guarded by lock; "": all is well */
};

struct upkeep {
    struct workers *workers;
    const char *data_dir;
    struct tls_context *tls;
    struct db *db;
    struct jobs *jobs;
    _Atomic bool stopping;
    struct chore chores[6];
    size_t chores_n;
    struct metric *room, *days_left, *database_up;
    struct finding data, database;
    struct chore *database_chore; /* NULL: none */
    _Atomic bool walls_wanted;    /* to be learned again */
    struct connection_watch_told told;
};

/* True when it is other than before: that is logged once, not each time. */
static bool set_finding(struct finding *f, const char why[READINESS_WHY_SIZE])
{
    pthread_mutex_lock(&f->lock);
    bool changed = (f->why[0] == 0) != (why[0] == 0);
    memcpy(f->why, why, READINESS_WHY_SIZE);
    pthread_mutex_unlock(&f->lock);
    return changed;
}

static bool is_well(char why[READINESS_WHY_SIZE], void *ud)
{
    struct finding *f = ud;

    pthread_mutex_lock(&f->lock);
    memcpy(why, f->why, READINESS_WHY_SIZE);
    pthread_mutex_unlock(&f->lock);
    return why[0] == 0;
}

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

static void look_at_data(struct upkeep *u)
{
    char why[READINESS_WHY_SIZE] = "";
    bool good = has_room(u, why) && can_write(u->data_dir, why);

    if (!set_finding(&u->data, why))
        return;
    if (good)
        log_info("the data folder is in order again");
    else
        log_error("the data folder is not in order", LOG_TEXT("why", why));
}

/* ---- the database ---- */

/* When it fails, the next look tries again. */
static void learn_walls(struct upkeep *u)
{
    struct buf why = BUF_INIT;

    if (atomic_exchange(&u->walls_wanted, false) && db_learn_walls(u->db, &why) != 0) {
        atomic_store(&u->walls_wanted, true);
        log_error("which tables have a wall between tenants is not known", LOG_TEXT("why", buf_text(&why)));
    }
    buf_finish(&why);
}

void upkeep_learn_walls(struct upkeep *u)
{
    atomic_store(&u->walls_wanted, true);
    if (u->database_chore)
        u->database_chore->due_us = 0;
}

static void look_at_database(struct upkeep *u)
{
    char why[READINESS_WHY_SIZE] = "";
    struct buf found = BUF_INIT;
    bool good = db_ping(u->db, &found) == 0;

    if (!good)
        snprintf(why, sizeof(why), "%s", found.n > 0 ? buf_text(&found) : "it does not answer");
    metric_set(u->database_up, good);
    bool changed = set_finding(&u->database, why);
    if (changed && good)
        log_info("the database answers again");
    else if (changed)
        log_error("the database does not answer", LOG_TEXT("why", why));
    buf_finish(&found);
    if (good)
        learn_walls(u);
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

    for (size_t i = 0; i < u->chores_n; i++) {
        struct chore *chore = &u->chores[i];
        if (now_us < chore->due_us || atomic_load_explicit(&chore->busy, memory_order_acquire))
            continue;
        chore->due_us = now_us + chore->every_us;
        atomic_store_explicit(&chore->busy, true, memory_order_relaxed);
        chore->work.next = NULL; /* what stood behind it the last time would be put as well, and twice */
        if (workers_put(u->workers, &chore->work))
            atomic_store_explicit(&chore->busy, false, memory_order_relaxed); /* full: next time */
    }
}

static void add_chore(struct upkeep *u, void (*run)(struct upkeep *u), int64_t every_us)
{
    u->chores[u->chores_n++] = (struct chore){ .upkeep = u, .run = run, .every_us = every_us };
}

/* What retention has emptied. */
static void give_back(struct upkeep *u)
{
    struct buf why = BUF_INIT;
    int64_t n = u->db ? db_give_back(u->db, &u->stopping, &why) : 0;

    if (n < 0)
        log_warn("empty room of the database was not given back", LOG_TEXT("why", buf_text(&why)));
    else if (n > 0)
        log_info("empty room of the database was given back", LOG_NUMBER("pages", n));
    buf_finish(&why);
}

/* What is over, and old enough. */
static void remove_old_jobs(struct upkeep *u)
{
    int64_t n = jobs_retain(u->jobs, &u->stopping);

    if (n > 0)
        log_info("old jobs were removed", LOG_NUMBER("jobs", n));
    give_back(u);
}

static void remove_old_answers(struct upkeep *u)
{
    int64_t n = idempotency_retain(u->db, clock_wall_us());

    if (n > 0)
        log_info("answers kept for their Idempotency-Key were removed", LOG_NUMBER("answers", n));
}

static void tell_of_connections(struct upkeep *u)
{
    connection_watch_tell(&u->told, u->db);
}

static void add_chores(struct upkeep *u)
{
    u->room = metrics_gauge("dowel_data_free_bytes", "Room in the file system of the data folder", NULL);
    add_chore(u, look_at_data, DATA_EVERY_US);
    if (u->tls)
        u->days_left =
            metrics_gauge("dowel_tls_certificate_days_left", "Until the certificate expires", NULL);
    add_chore(u, look_at_certificate, certificate_every_us);
    if (u->jobs)
        add_chore(u, remove_old_jobs, JOBS_EVERY_US);
    if (!u->db)
        return;
    add_chore(u, remove_old_answers, ANSWERS_EVERY_US);
    add_chore(u, tell_of_connections, CONNECTIONS_EVERY_US);
    u->database_up =
        metrics_gauge("dowel_database_up", "Whether the database answered when asked last", NULL);
    u->database_chore = &u->chores[u->chores_n];
    add_chore(u, look_at_database, DATABASE_EVERY_US);
}

static int add_readiness(struct upkeep *u)
{
    if (readiness_register("data", is_well, &u->data) != 0)
        return -1;
    return u->db ? readiness_register("database", is_well, &u->database) : 0;
}

int upkeep_create(struct upkeep **out, const struct upkeep_options *options)
{
    struct upkeep *u = calloc(1, sizeof(*u));
    const struct workers_options workers = {
        .name = "upkeep",
        .threads = THREADS,
        .queue = QUEUE,
        .run = run_chore,
        .expired = drop_chore,
    };

    *out = NULL;
    if (!u)
        return -1;
    u->data_dir = options->data_dir;
    u->tls = options->tls;
    u->db = options->db;
    u->jobs = options->jobs;
    pthread_mutex_init(&u->data.lock, NULL);
    pthread_mutex_init(&u->database.lock, NULL);
    add_chores(u);
    if (workers_create(&u->workers, &workers) != 0 || add_readiness(u) != 0) {
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
    atomic_store(&u->stopping, true);
    workers_destroy(u->workers);
    pthread_mutex_destroy(&u->data.lock);
    pthread_mutex_destroy(&u->database.lock);
    free(u);
}
