/* An experiment: all workers share one connection to PostgreSQL in pipeline mode, each with a Sync of its own behind its
 * tenant and its statement, so that no error and no tenant reaches beyond a caller's Sync.
 *
 * There is no thread that only reads: one of those who wait does so for all until its own answer has come, and hands that
 * on. With one worker that costs nothing, and with many no wake-up more than each needs anyway. */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "data.h"
#include "postgres.h"

/* Who waits for an answer, in the order in which they asked. */
struct caller {
    struct caller *next;
    PGresult *answer;
    unsigned answers;
    bool is_done;
    pthread_cond_t woken;
};

static struct {
    pthread_mutex_t lock;
    PGconn *conn;
    struct caller *first, *last;
    bool has_reader;
} shared = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void open_it(const char *url, unsigned workers)
{
    (void)workers;
    shared.conn = postgres_connect(url, false);
    postgres_prepare(shared.conn, "tenant", POSTGRES_TENANT);
    postgres_prepare(shared.conn, "read", DATA_READ);
    postgres_prepare(shared.conn, "scan", DATA_SCAN);
    if (PQsetnonblocking(shared.conn, 1) != 0 || !PQenterPipelineMode(shared.conn))
        abort();
}

static void close_it(void)
{
    PQfinish(shared.conn);
}

static void *worker(void)
{
    struct caller *me = calloc(1, sizeof(*me));

    if (!me || pthread_cond_init(&me->woken, NULL) != 0)
        abort();
    return me;
}

static void end(void *ud)
{
    struct caller *me = ud;

    pthread_cond_destroy(&me->woken);
    free(me);
}

/* ---- asking; all under the lock ---- */

static void wait_for_socket(short events)
{
    struct pollfd ready = { .fd = PQsocket(shared.conn), .events = events };

    if (poll(&ready, 1, -1) < 0)
        abort();
}

static void read_socket(void)
{
    if (!PQconsumeInput(shared.conn))
        abort();
}

static void flush(void)
{
    int more;

    while ((more = PQflush(shared.conn)) > 0) {
        wait_for_socket(POLLIN | POLLOUT);
        read_socket();
    }
    if (more < 0)
        abort();
}

static void ask(struct caller *me, const char *name, unsigned tenant, int64_t id)
{
    me->is_done = false;
    me->answers = 0;
    me->next = NULL;
    if (shared.first)
        shared.last->next = me;
    else
        shared.first = me;
    shared.last = me;
    postgres_send_tenant(shared.conn, data_tenant(tenant));
    postgres_send_keyed(shared.conn, name, id, NULL);
    if (!PQpipelineSync(shared.conn))
        abort();
    flush();
}

/* ---- reading for all; under the lock ---- */

/* What came belongs to whoever asked first: the tenant's answer, the statement's, the Sync. */
static void take(PGresult *result, const struct caller *reader)
{
    struct caller *whose = shared.first;

    postgres_must(shared.conn, result);
    if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
        PQclear(result);
        shared.first = whose->next;
        whose->is_done = true;
        if (whose != reader)
            pthread_cond_signal(&whose->woken);
    } else if (whose->answers++ == 0) {
        PQclear(result);
    } else {
        whose->answer = result;
    }
}

static void take_all(const struct caller *reader)
{
    while (shared.first && !PQisBusy(shared.conn)) {
        PGresult *result = PQgetResult(shared.conn);
        if (result)
            take(result, reader);
    }
}

/* The lock is given up while there is nothing to read, so that others can ask meanwhile. */
static void read_for_all(const struct caller *me)
{
    shared.has_reader = true;
    while (!me->is_done) {
        pthread_mutex_unlock(&shared.lock);
        wait_for_socket(POLLIN);
        pthread_mutex_lock(&shared.lock);
        read_socket();
        take_all(me);
    }
    shared.has_reader = false;
    if (shared.first)
        pthread_cond_signal(&shared.first->woken);
}

/* ---- a worker's work ---- */

static void ask_and_wait(struct caller *me, const char *name, unsigned tenant, int64_t id)
{
    pthread_mutex_lock(&shared.lock);
    ask(me, name, tenant, id);
    while (!me->is_done) {
        if (shared.has_reader)
            pthread_cond_wait(&me->woken, &shared.lock);
        else
            read_for_all(me);
    }
    pthread_mutex_unlock(&shared.lock);
    if (PQntuples(me->answer) != 1)
        abort();
}

static void read_one(void *ud, unsigned tenant, int64_t id, struct buf *json)
{
    struct caller *me = ud;

    ask_and_wait(me, "read", tenant, id);
    postgres_add_row(json, me->answer, 0);
    PQclear(me->answer);
}

static void scan(void *ud, unsigned tenant)
{
    struct caller *me = ud;

    ask_and_wait(me, "scan", tenant, 0);
    PQclear(me->answer);
}

const struct data_way data_pipelined = { .name = "pipelined",
                                         .open = open_it,
                                         .worker = worker,
                                         .read = read_one,
                                         .scan = scan,
                                         .end = end,
                                         .close = close_it };
