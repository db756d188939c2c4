#include "postgres.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/clock.h"

/* Midnight of 2000-01-01, from which PostgreSQL counts. */
#define EPOCH_US INT64_C(946684800000000)

PGconn *postgres_connect(const char *url, bool as_owner)
{
    PGconn *conn = PQconnectdb(url);

    if (PQstatus(conn) != CONNECTION_OK) {
        fprintf(stderr, "%s", PQerrorMessage(conn));
        abort();
    }
    postgres_clear(conn, PQexec(conn, "SET client_min_messages = warning; SET TimeZone = 'UTC'"));
    if (as_owner)
        postgres_clear(conn, PQexec(conn, "SET ROLE dowel_system"));
    return conn;
}

PGconn *postgres_connect_aside(const char *url)
{
    PGconn *conn = postgres_connect(url, false);

    postgres_clear(conn, PQexec(conn, "SET application_name = 'aside'"));
    return conn;
}

void postgres_prepare(PGconn *conn, const char *name, const char *sql)
{
    postgres_clear(conn, PQprepare(conn, name, sql, 0, NULL));
}

void postgres_must(PGconn *conn, const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_PIPELINE_SYNC)
        return;
    fprintf(stderr, "%s: %s\n", PQresStatus(status), PQerrorMessage(conn));
    abort();
}

void postgres_clear(PGconn *conn, PGresult *result)
{
    postgres_must(conn, result);
    PQclear(result);
}

/* ---- statements ---- */

static uint64_t swap(uint64_t n)
{
    uint64_t swapped = 0;

    for (unsigned i = 0; i < sizeof(n); i++, n >>= 8)
        swapped = swapped << 8 | (n & 0xff);
    return swapped;
}

void postgres_send_tenant(PGconn *conn, const char *tenant)
{
    if (!PQsendQueryPrepared(conn, "tenant", 1, &tenant, NULL, NULL, 1))
        abort();
}

void postgres_send_keyed(PGconn *conn, const char *name, int64_t id, const char *tenant)
{
    static const int lengths[] = { sizeof(uint64_t), 0 }, formats[] = { 1, 0 };
    uint64_t key = swap((uint64_t)id);
    const char *const values[] = { (const char *)&key, tenant };

    if (!PQsendQueryPrepared(conn, name, tenant ? 2 : 1, values, lengths, formats, 1))
        abort();
}

void postgres_send_insert(PGconn *conn, const char *tenant, int64_t id, const char *title, int64_t at_us)
{
    static const int lengths[] = { 0, sizeof(uint64_t), 0, sizeof(uint64_t) }, formats[] = { 0, 1, 0, 1 };
    uint64_t key = swap((uint64_t)id), at = swap((uint64_t)(at_us - EPOCH_US));
    const char *const values[] = { tenant, (const char *)&key, title, (const char *)&at };

    if (!PQsendQueryPrepared(conn, "insert", 4, values, lengths, formats, 1))
        abort();
}

static int64_t read_int(const PGresult *result, int row, int column)
{
    uint64_t n;

    memcpy(&n, PQgetvalue(result, row, column), sizeof(n));
    return (int64_t)swap(n);
}

static void add_text(struct buf *json, const char *name, const PGresult *result, int row, int column)
{
    buf_add_text(json, name);
    buf_add_json(json, str_make(PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column)));
}

void postgres_add_row(struct buf *json, const PGresult *result, int row)
{
    char at[CLOCK_RFC3339_SIZE];

    buf_add_text(json, "{\"id\":");
    buf_add_int(json, read_int(result, row, 0));
    add_text(json, ",\"title\":", result, row, 1);
    add_text(json, ",\"body\":", result, row, 2);
    add_text(json, ",\"state\":", result, row, 3);
    buf_add_text(json, *PQgetvalue(result, row, 4) ? ",\"is_open\":true" : ",\"is_open\":false");
    clock_format_rfc3339(read_int(result, row, 5) + EPOCH_US, at);
    buf_add_text(json, ",\"at\":\"");
    buf_add_text(json, at);
    buf_add_text(json, "\"}");
}

/* ---- time that the server takes ---- */

/* Those aside may be on their way out. As the role that logs in: another is not shown what they are. */
#define OTHERS                                                  \
    " FROM pg_stat_activity WHERE datname = current_database()" \
    " AND backend_type = 'client backend' AND application_name <> 'aside'"

void postgres_wait_for_others(PGconn *conn)
{
    int64_t limit_us = clock_monotonic_us() + 10 * CLOCK_SECOND;
    int n = 1;

    while (n > 0 && clock_monotonic_us() < limit_us) {
        PGresult *result = PQexec(conn, "SELECT pid" OTHERS);
        n = PQntuples(result);
        postgres_clear(conn, result);
        usleep(n > 0 ? CLOCK_MS : 0);
    }
    if (n > 0) {
        fprintf(stderr, "somebody else is connected to the database: it is for one benchmark at a time\n");
        abort();
    }
}

static struct {
    int n;
    char (*paths)[64];
} backends;

void postgres_find_backends(const char *url)
{
    PGconn *conn = postgres_connect_aside(url);
    PGresult *result = PQexec(conn, "SELECT pid" OTHERS);

    postgres_must(conn, result);
    backends.n = PQntuples(result);
    free(backends.paths);
    backends.paths = calloc((size_t)backends.n + 1, sizeof(*backends.paths));
    if (!backends.paths)
        abort();
    for (int i = 0; i < backends.n; i++)
        snprintf(backends.paths[i], sizeof(*backends.paths), "/proc/%s/schedstat", PQgetvalue(result, i, 0));
    PQclear(result);
    PQfinish(conn);
}

/* Its first number: nanoseconds, while the clock ticks of /proc/PID/stat are ten milliseconds long. */
static double process_us(const char *path)
{
    FILE *file = fopen(path, "r");
    char line[64];

    if (!file || !fgets(line, sizeof(line), file)) {
        fprintf(stderr, "%s cannot be read: did the process end, or does PostgreSQL run elsewhere?\n", path);
        abort();
    }
    fclose(file);
    return (double)strtoll(line, NULL, 10) / 1000;
}

double postgres_backends_us(void)
{
    double us = 0;

    for (int i = 0; i < backends.n; i++)
        us += process_us(backends.paths[i]);
    return us;
}
