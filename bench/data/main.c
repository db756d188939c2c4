/* bench_data WAY WORK THREADS MILLISECONDS URL: one way, one kind of work, one line of JSON. The tables are made and
 * filled when they are not there. */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "data.h"
#include "postgres.h"
#include "util/clock.h"
#include "util/compiler.h"

/* ---- work ---- */

/* Paced: reads with a rest of a millisecond before each. Mixed: reads, and a scan now and then. */
enum work { WORK_READ, WORK_LIST, WORK_INSERT, WORK_PACED, WORK_MIXED, WORKS };

static const char *const work_names[] = { [WORK_READ] = "read",
                                          [WORK_LIST] = "list",
                                          [WORK_INSERT] = "insert",
                                          [WORK_PACED] = "paced",
                                          [WORK_MIXED] = "mixed" };

enum { READS_A_SCAN = 200, TIMES_MAX = 1 << 20 };

static const struct data_way *way;
static enum work work;
static bool is_on_postgres;
static _Atomic bool is_over;

/* All threads and the one that measures: when they are warm, when it begins, when all have ended, when it was read. */
static pthread_barrier_t together;

struct thread {
    pthread_t thread;
    uint64_t random;
    int64_t n, bytes;
    uint32_t *times; /* of reads, where others stand in their way */
    size_t times_n;
};

static uint64_t draw(struct thread *t)
{
    t->random ^= t->random << 13;
    t->random ^= t->random >> 7;
    t->random ^= t->random << 17;
    return t->random;
}

static void read_in_time(struct thread *t, void *worker, unsigned tenant, struct buf *json)
{
    int64_t began = clock_monotonic_us();

    way->read(worker, tenant, (int64_t)(draw(t) % DATA_ROWS), json);
    if (t->times_n < TIMES_MAX)
        t->times[t->times_n++] = (uint32_t)(clock_monotonic_us() - began);
}

static void do_one(struct thread *t, void *worker, struct buf *json)
{
    unsigned tenant = (unsigned)(draw(t) % DATA_TENANTS);

    json->n = 0;
    if (work == WORK_PACED)
        usleep(CLOCK_MS);
    if (work == WORK_MIXED && draw(t) % READS_A_SCAN == 0)
        way->scan(worker, tenant);
    if (work == WORK_PACED || work == WORK_MIXED)
        read_in_time(t, worker, tenant, json);
    else if (work == WORK_READ)
        way->read(worker, tenant, (int64_t)(draw(t) % DATA_ROWS), json);
    else if (work == WORK_LIST)
        way->list(worker, tenant, (int64_t)(draw(t) % (DATA_ROWS - DATA_LIST)), json);
    else
        way->insert(worker, tenant, data_next_id());
    t->n++;
    t->bytes += (int64_t)json->n;
}

static void *run(void *ud)
{
    struct thread *t = ud;
    struct buf json = BUF_INIT;
    void *worker = way->worker();

    for (unsigned i = 0; i < DATA_WARM_UP; i++)
        do_one(t, worker, &json);
    t->n = t->bytes = 0;
    t->times_n = 0;
    pthread_barrier_wait(&together);
    pthread_barrier_wait(&together);
    while (!atomic_load_explicit(&is_over, memory_order_relaxed))
        do_one(t, worker, &json);
    pthread_barrier_wait(&together);
    pthread_barrier_wait(&together);
    if (worker)
        way->end(worker);
    buf_finish(&json);
    return NULL;
}

/* ---- measuring ---- */

/* At one moment, in microseconds. */
struct reading {
    int64_t time;
    double cpu, server; /* server: 0 where the engine is a part of this process */
};

static double cpu_us(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)((int64_t)u.ru_utime.tv_sec + u.ru_stime.tv_sec) * CLOCK_SECOND +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static struct reading look(void)
{
    return (struct reading){ clock_monotonic_us(), cpu_us(), is_on_postgres ? postgres_backends_us() : 0 };
}

static void start(struct thread *threads, unsigned n)
{
    if (pthread_barrier_init(&together, NULL, n + 1) != 0)
        abort();
    for (unsigned i = 0; i < n; i++) {
        threads[i] = (struct thread){ .random = i + 88172645463325252u,
                                      .times = malloc(TIMES_MAX * sizeof(*threads->times)) };
        if (!threads[i].times || pthread_create(&threads[i].thread, NULL, run, &threads[i]) != 0)
            abort();
    }
}

static int compare(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* What 99 of 100 reads of all threads did not exceed; 0 where their times were not taken. */
static uint32_t percentile_99(const struct thread *threads, unsigned n)
{
    size_t all_n = 0;
    uint32_t *all, found = 0;

    for (unsigned i = 0; i < n; i++)
        all_n += threads[i].times_n;
    all = malloc((all_n + 1) * sizeof(*all));
    if (!all)
        abort();
    all_n = 0;
    for (unsigned i = 0; i < n; i++) {
        memcpy(all + all_n, threads[i].times, threads[i].times_n * sizeof(*all));
        all_n += threads[i].times_n;
    }
    if (all_n > 0) {
        qsort(all, all_n, sizeof(*all), compare);
        found = all[all_n * 99 / 100];
    }
    free(all);
    return found;
}

static void report(const struct thread *threads, unsigned n, struct reading from, struct reading to)
{
    double done = 0, bytes = 0, took = (double)(to.time - from.time);

    for (unsigned i = 0; i < n; i++) {
        done += (double)threads[i].n;
        bytes += (double)threads[i].bytes;
    }
    printf("{\"way\":\"%s\",\"work\":\"%s\",\"threads\":%u,\"done\":%.0f,\"bytes\":%.0f,\"us\":%.3f,"
           "\"p99Us\":%" PRIu32 ",\"cpuUs\":%.3f,\"serverUs\":%.3f,\"perSecond\":%.0f}\n",
           way->name, work_names[work], n, done, bytes / done, took * n / done, percentile_99(threads, n),
           (to.cpu - from.cpu) / done, (to.server - from.server) / done, done * CLOCK_SECOND / took);
}

static void measure(const char *url, unsigned n, int64_t us)
{
    struct thread *threads = calloc(n, sizeof(*threads));

    if (!threads)
        abort();
    start(threads, n);
    pthread_barrier_wait(&together);
    if (is_on_postgres)
        postgres_find_backends(url);
    struct reading from = look();
    pthread_barrier_wait(&together);
    usleep((useconds_t)us);
    atomic_store(&is_over, true);
    pthread_barrier_wait(&together);
    struct reading to = look();
    pthread_barrier_wait(&together);
    for (unsigned i = 0; i < n; i++)
        pthread_join(threads[i].thread, NULL);
    report(threads, n, from, to);
    for (unsigned i = 0; i < n; i++)
        free(threads[i].times);
    pthread_barrier_destroy(&together);
    free(threads);
}

/* ---- what is wanted ---- */

static const struct data_way *find_way(const char *name)
{
    static const struct data_way *const on_sqlite[] = { &data_by_session, &data_raw_sqlite,
                                                        &data_raw_guarded_sqlite, NULL };
    static const struct data_way *const on_postgres[] = { &data_by_session, &data_raw_postgres,
                                                          &data_raw_guarded_postgres, &data_pipelined, NULL };
    const struct data_way *const *ways = is_on_postgres ? on_postgres : on_sqlite;

    while (*ways && strcmp((*ways)->name, name) != 0)
        ways++;
    return *ways;
}

static bool does(const struct data_way *w, enum work what)
{
    switch (what) {
    case WORK_LIST: return w->list != NULL;
    case WORK_INSERT: return w->insert != NULL;
    case WORK_MIXED: return w->scan != NULL;
    default: return true;
    }
}

static bool read_arguments(char **argv)
{
    is_on_postgres = data_is_postgres(argv[5]);
    way = find_way(argv[1]);
    while (work < WORKS && strcmp(work_names[work], argv[2]) != 0)
        work++;
    return way && work < WORKS && does(way, work);
}

int main(int argc, char **argv)
{
    if (argc != 6 || !read_arguments(argv)) {
        fprintf(stderr, "usage: bench_data session|raw|raw-guarded|pipelined read|list|insert|paced|mixed "
                        "THREADS MILLISECONDS URL\n"
                        "Pipelined is for PostgreSQL, and only reads; mixed is not for raw.\n");
        return 2;
    }
    unsigned n = (unsigned)strtoul(argv[3], NULL, 10);
    data_fill(argv[5]);
    way->open(argv[5], n);
    measure(argv[5], n, (int64_t)strtoul(argv[4], NULL, 10) * CLOCK_MS);
    way->close();
    return 0;
}
