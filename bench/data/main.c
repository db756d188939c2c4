/* bench_data WAY WORK THREADS MILLISECONDS FILE: one way, one kind of work, one line of JSON. The file is made and filled
 * when it is not there. */
#include <inttypes.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "data.h"
#include "util/clock.h"
#include "util/compiler.h"

const char *data_tenant(unsigned i)
{
    static const char tenants[DATA_TENANTS][37] = {
        "00000000-0000-7000-8000-000000000000", "00000000-0000-7000-8000-000000000001",
        "00000000-0000-7000-8000-000000000002", "00000000-0000-7000-8000-000000000003",
        "00000000-0000-7000-8000-000000000004", "00000000-0000-7000-8000-000000000005",
        "00000000-0000-7000-8000-000000000006", "00000000-0000-7000-8000-000000000007",
        "00000000-0000-7000-8000-000000000008", "00000000-0000-7000-8000-000000000009",
    };
    return tenants[i % DATA_TENANTS];
}

/* ---- the file ---- */

static const char tables[] =
    "PRAGMA journal_mode = WAL; BEGIN;"
    "CREATE TABLE dowel_tenant_tables (name TEXT PRIMARY KEY, owner TEXT NOT NULL);"
    "INSERT INTO dowel_tenant_tables VALUES ('cases', 'bench'), ('entries', 'bench');"
    "CREATE TABLE cases (tenant_id UUID NOT NULL, id BIGINT NOT NULL, title TEXT, body TEXT, state TEXT, "
    "is_open BOOLEAN, "
    "at TIMESTAMPTZ, PRIMARY KEY (tenant_id, id));"
    "CREATE TABLE entries (tenant_id UUID NOT NULL, id BIGINT NOT NULL, title TEXT, at TIMESTAMPTZ, "
    "PRIMARY KEY (tenant_id, id));";

static void fill(const char *path)
{
    sqlite3 *handle;
    sqlite3_stmt *st;
    char body[700];

    memset(body, 'b', sizeof(body));
    if (access(path, F_OK) == 0)
        return;
    if (sqlite3_open(path, &handle) != SQLITE_OK ||
        sqlite3_exec(handle, tables, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(handle,
                           "INSERT INTO cases VALUES (?1, ?2, '" DATA_TITLE "', ?3, 'open', 1, "
                           "'2026-11-21T08:05:00.000000Z')",
                           -1, &st, NULL) != SQLITE_OK)
        abort();
    sqlite3_bind_text(st, 3, body, sizeof(body), SQLITE_STATIC);
    for (unsigned tenant = 0; tenant < DATA_TENANTS; tenant++) {
        for (int64_t id = 0; id < DATA_ROWS; id++) {
            sqlite3_bind_text(st, 1, data_tenant(tenant), -1, SQLITE_STATIC);
            sqlite3_bind_int64(st, 2, id);
            if (sqlite3_step(st) != SQLITE_DONE)
                abort();
            sqlite3_reset(st);
        }
    }
    sqlite3_finalize(st);
    sqlite3_exec(handle, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
    sqlite3_close(handle);
}

/* ---- work ---- */

enum work { WORK_READ, WORK_LIST, WORK_INSERT, WORKS };

static const char *const work_names[] = {
    [WORK_READ] = "read", [WORK_LIST] = "list", [WORK_INSERT] = "insert"
};

static const struct data_way *way;
static enum work work;
static _Atomic bool is_over;
static _Atomic int64_t next_id;

struct thread {
    pthread_t thread;
    uint64_t random;
    int64_t n, bytes;
};

static uint64_t draw(struct thread *t)
{
    t->random ^= t->random << 13;
    t->random ^= t->random >> 7;
    t->random ^= t->random << 17;
    return t->random;
}

static void do_one(struct thread *t, void *worker, struct buf *json)
{
    unsigned tenant = (unsigned)(draw(t) % DATA_TENANTS);

    json->n = 0;
    if (work == WORK_READ)
        way->read(worker, tenant, (int64_t)(draw(t) % DATA_ROWS), json);
    else if (work == WORK_LIST)
        way->list(worker, tenant, (int64_t)(draw(t) % (DATA_ROWS - DATA_LIST)), json);
    else
        way->insert(worker, tenant, atomic_fetch_add(&next_id, 1));
    t->n++;
    t->bytes += (int64_t)json->n;
}

static void *run(void *ud)
{
    struct thread *t = ud;
    struct buf json = BUF_INIT;
    void *worker = way->worker();

    while (!atomic_load_explicit(&is_over, memory_order_relaxed))
        do_one(t, worker, &json);
    if (worker)
        way->end(worker);
    buf_finish(&json);
    return NULL;
}

static int64_t cpu_us(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return ((int64_t)u.ru_utime.tv_sec + u.ru_stime.tv_sec) * CLOCK_SECOND + u.ru_utime.tv_usec +
           u.ru_stime.tv_usec;
}

static void measure(struct thread *threads, unsigned n, int64_t us)
{
    int64_t done = 0, bytes = 0, began = clock_monotonic_us(), cpu = cpu_us();

    for (unsigned i = 0; i < n; i++) {
        threads[i] = (struct thread){ .random = i + 88172645463325252u };
        if (pthread_create(&threads[i].thread, NULL, run, &threads[i]) != 0)
            abort();
    }
    usleep((useconds_t)us);
    atomic_store(&is_over, true);
    for (unsigned i = 0; i < n; i++) {
        pthread_join(threads[i].thread, NULL);
        done += threads[i].n;
        bytes += threads[i].bytes;
    }
    int64_t took = clock_monotonic_us() - began;
    printf("{\"way\":\"%s\",\"work\":\"%s\",\"threads\":%u,\"done\":%" PRId64
           ",\"bytes\":%.0f,\"cpuUs\":%.3f,\"perSecond\":%.0f}\n",
           way->name, work_names[work], n, done, (double)bytes / (double)done,
           (double)(cpu_us() - cpu) / (double)done, (double)done * CLOCK_SECOND / (double)took);
}

int main(int argc, char **argv)
{
    static const struct data_way *const ways[] = { &data_by_session, &data_raw, &data_raw_guarded };

    for (size_t i = 0; argc == 6 && i < DW_COUNT_OF(ways); i++) {
        if (strcmp(ways[i]->name, argv[1]) == 0)
            way = ways[i];
    }
    while (argc == 6 && work < WORKS && strcmp(work_names[work], argv[2]) != 0)
        work++;
    if (!way || work == WORKS) {
        fprintf(stderr,
                "usage: bench_data session|raw|raw-guarded read|list|insert THREADS MILLISECONDS FILE\n");
        return 2;
    }
    unsigned n = (unsigned)strtoul(argv[3], NULL, 10);
    struct thread *threads = calloc(n, sizeof(*threads));
    if (!threads)
        abort();
    fill(argv[5]);
    atomic_store(&next_id, clock_wall_us()); /* none that an earlier run took */
    way->open(argv[5]);
    measure(threads, n, (int64_t)strtoul(argv[4], NULL, 10) * CLOCK_MS);
    way->close();
    free(threads);
    return 0;
}
