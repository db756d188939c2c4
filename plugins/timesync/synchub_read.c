/* synchub_read.c - the old tool's database, read as it is: by libpq, as the server's own database is another one. */
#include "synchub.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

/* ---- the connection ---- */

static void close_database(void *ud)
{
    PQfinish(ud);
}

static void clear_result(void *ud)
{
    PQclear(ud);
}

/* "postgresql+psycopg2://..." as "postgresql://..." */
static const char *plain_dsn(dw_call *c, const char *dsn)
{
    const char *plus = strchr(dsn, '+'), *slashes = strstr(dsn, "://");

    return plus && slashes && plus < slashes ? dw_format(c, "%.*s%s", (int)(plus - dsn), dsn, slashes) : dsn;
}

/* Where a password with a slash or an at sign makes another thing a port or a host, its half would be told. */
static bool is_sound(const PQconninfoOption *o)
{
    for (; o->keyword; o++)
        if (o->val && ((strcmp(o->keyword, "port") == 0 && o->val[strspn(o->val, "0123456789,")]) ||
                       (strcmp(o->keyword, "host") == 0 && *o->val && strchr(o->val + 1, '@'))))
            return false; /* at its very beginning: a socket without a file */
    return true;
}

/* libpq's own sentence about it would quote it. */
static int check_dsn(dw_call *c, const char *dsn)
{
    PQconninfoOption *options = PQconninfoParse(dsn, NULL);
    const bool sound = options && is_sound(options);

    PQconninfoFree(options); /* NULL is safe */
    return sound
               ? 0
               : dw_fail(c, DW_EINVALID,
                         "this does not say where a PostgreSQL is; say postgresql://user@host:5432/database, "
                         "with a passfile=/path behind a question mark where a password is needed");
}

/* The first line; what PostgreSQL says has more. Before both agree about an encoding it may have any. */
static const char *first_line(dw_call *c, const char *text)
{
    const size_t n = strcspn(text, "\n");
    char *line = dw_alloc(c, n + 1);

    for (size_t i = 0; i < n; i++)
        line[i] = (unsigned char)text[i] < 0x80 ? text[i] : '?';
    return line;
}

static int connect(dw_call *c, const char *dsn, PGconn **out)
{
    /* What the DSN says itself counts more. */
    static const char *const names[] = { "connect_timeout", "fallback_application_name", "dbname", NULL };
    const char *const values[] = { "10", "dowel", dsn, NULL };

    DW_TRY(check_dsn(c, dsn));
    *out = PQconnectdbParams(names, values, 1);
    if (!*out)
        return dw_fail(c, DW_ENOMEM, "out of memory");
    DW_TRY(dw_defer(c, close_database, *out));
    if (PQstatus(*out) == CONNECTION_OK)
        return 0;
    return dw_fail(c, DW_EUNAVAILABLE, "the old tool's database cannot be reached", "why",
                   first_line(c, PQerrorMessage(*out)));
}

/* ---- asking it ---- */

/* Rows are there until the call ends. */
static int ask(dw_call *c, PGconn *db, const char *sql, PGresult **out)
{
    PGresult *r = PQexec(db, sql);
    const ExecStatusType status = PQresultStatus(r);

    *out = r;
    if (r)
        DW_TRY(dw_defer(c, clear_result, r));
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        return 0;
    const char *why = first_line(c, PQerrorMessage(db));
    return PQstatus(db) == CONNECTION_OK
               ? dw_fail(c, DW_EINVALID, "the old tool's database is not as expected", "why", why)
               : dw_fail(c, DW_EUNAVAILABLE, "the old tool's database went away", "why", why);
}

static const char *text_at(dw_call *c, const PGresult *r, int row, int column)
{
    return own(c, PQgetvalue(r, row, column));
}

static bool is_true(const PGresult *r, int row, int column)
{
    return *PQgetvalue(r, row, column) == 't';
}

static int64_t number_at(const PGresult *r, int row, int column)
{
    return strtoll(PQgetvalue(r, row, column), NULL, 10);
}

/* UTF8, UTC and days as ISO has them, whatever the database has; one moment of it; nothing in it is changed; no statement lasts for ever. */
static int begin(dw_call *c, PGconn *db)
{
    PGresult *r;

    if (PQsetClientEncoding(db, "UTF8") != 0)
        return dw_fail(c, DW_EINVALID, "the old tool's database has an encoding that is not understood");
    return ask(c, db,
               "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;"
               "SET LOCAL statement_timeout = '60s'; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'",
               &r);
}

static int has_table(dw_call *c, PGconn *db, const char *name, bool *out)
{
    PGresult *r;

    DW_TRY(ask(c, db, dw_format(c, "SELECT to_regclass('%s') IS NOT NULL", name), &r));
    *out = is_true(r, 0, 0);
    return 0;
}

/* Another database, or one whose tables were never made. */
static int check_tables(dw_call *c, PGconn *db)
{
    static const char *const needed[] = { "connectors", "activity_mappings" };
    bool is_there;

    for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
        DW_TRY(has_table(c, db, needed[i], &is_there));
        if (!is_there)
            return dw_fail(c, DW_EINVALID, "this is no database of SyncHub: a table is missing", "table",
                           needed[i], "database", PQdb(db));
    }
    return 0;
}

static int check_number(dw_call *c, int n, int at_most, const char *of)
{
    return n <= at_most ? 0
                        : dw_fail(c, DW_ETOOLARGE, "the old tool has more than can be taken over", "of", of,
                                  "at_most", at_most);
}

/* ---- what there is ---- */

/* Null and lists are as good as nothing, and so is what is too deep to be settings. */
static int read_settings(dw_call *c, const char *text, const json_t **out)
{
    json_t *json = NULL;
    int rc = dw_json_parse(c, (dw_str){ text, strlen(text) }, &json);

    *out = rc >= 0 && json_is_object(json) ? json : dw_json_own(c, json_object());
    return rc >= 0 || rc == DW_EINVALID ? 0 : rc;
}

static int read_connectors(dw_call *c, PGconn *db, struct synchub *out)
{
    PGresult *r;
    const char *sql = dw_format(
        c,
        "SELECT id, lower(type), name, base_url, coalesce(api_token, ''), coalesce(is_active, false),"
        " coalesce(settings::text, '{}') FROM connectors ORDER BY id LIMIT %d",
        SYNCHUB_CONNECTORS_MAX + 1);

    DW_TRY(ask(c, db, sql, &r));
    DW_TRY(check_number(c, PQntuples(r), SYNCHUB_CONNECTORS_MAX, "connectors"));
    out->connectors_n = (size_t)PQntuples(r);
    out->connectors = dw_alloc(c, (out->connectors_n + 1) * sizeof(*out->connectors));
    for (int i = 0; i < PQntuples(r); i++) {
        const json_t *settings;

        DW_TRY(read_settings(c, text_at(c, r, i, 6), &settings));
        out->connectors[i] = (struct synchub_connector){ .id = text_at(c, r, i, 0),
                                                         .kind = text_at(c, r, i, 1),
                                                         .name = text_at(c, r, i, 2),
                                                         .base_url = text_at(c, r, i, 3),
                                                         .sealed = text_at(c, r, i, 4),
                                                         .is_active = is_true(r, i, 5),
                                                         .settings = settings };
    }
    return 0;
}

static int read_mappings(dw_call *c, PGconn *db, struct synchub *out)
{
    PGresult *r;
    const char *sql = dw_format(
        c,
        "SELECT zammad_type_id, coalesce(zammad_type_name, ''), kimai_activity_id,"
        " coalesce(kimai_activity_name, ''), coalesce(is_active, true) AS active FROM activity_mappings"
        " WHERE zammad_type_id IS NOT NULL AND kimai_activity_id IS NOT NULL"
        " ORDER BY zammad_type_id, active DESC, id DESC LIMIT %d",
        SYNCHUB_MAPPINGS_MAX + 1);

    DW_TRY(ask(c, db, sql, &r));
    DW_TRY(check_number(c, PQntuples(r), SYNCHUB_MAPPINGS_MAX, "mappings"));
    out->mappings_n = (size_t)PQntuples(r);
    out->mappings = dw_alloc(c, (out->mappings_n + 1) * sizeof(*out->mappings));
    for (int i = 0; i < PQntuples(r); i++)
        out->mappings[i] = (struct synchub_mapping){ .type = text_at(c, r, i, 0),
                                                     .type_name = text_at(c, r, i, 1),
                                                     .activity = text_at(c, r, i, 2),
                                                     .activity_name = text_at(c, r, i, 3),
                                                     .is_active = is_true(r, i, 4) };
    return 0;
}

/* That there is one row only is checked in its code alone: the one that it would read. */
static int read_schedule(dw_call *c, PGconn *db, struct synchub *out)
{
    bool is_there;
    PGresult *r;

    DW_TRY(has_table(c, db, "schedules", &is_there));
    if (!is_there)
        return 0;
    DW_TRY(ask(c, db,
               "SELECT coalesce(cron, ''), coalesce(timezone, 'UTC'), coalesce(enabled, false) FROM schedules"
               " ORDER BY id LIMIT 1",
               &r));
    if (PQntuples(r) == 0)
        return 0;
    out->cron = text_at(c, r, 0, 0);
    out->zone = text_at(c, r, 0, 1);
    out->is_scheduled = is_true(r, 0, 2);
    return 0;
}

static int count(dw_call *c, PGconn *db, const char *table, const char *sql, int64_t *out)
{
    bool is_there;
    PGresult *r;

    DW_TRY(has_table(c, db, table, &is_there));
    if (!is_there)
        return 0;
    DW_TRY(ask(c, db, sql, &r));
    *out = number_at(r, 0, 0);
    return 0;
}

static int read_entries(dw_call *c, PGconn *db, struct synchub *out)
{
    bool is_there;
    PGresult *r;

    DW_TRY(has_table(c, db, "time_entries", &is_there));
    if (!is_there)
        return 0;
    DW_TRY(ask(c, db,
               "SELECT count(*), count(kimai_id), coalesce(left(min(entry_date)::text, 10), '')"
               " FROM time_entries WHERE source = 'zammad'",
               &r));
    out->entries = number_at(r, 0, 0);
    out->linked = number_at(r, 0, 1);
    out->first_day = text_at(c, r, 0, 2);
    return 0;
}

int synchub_read(dw_call *c, const char *dsn, struct synchub *out)
{
    PGconn *db;

    *out = (struct synchub){ .first_day = "" };
    DW_TRY(connect(c, plain_dsn(c, dsn), &db));
    DW_TRY(begin(c, db));
    DW_TRY(check_tables(c, db));
    DW_TRY(read_connectors(c, db, out));
    DW_TRY(read_mappings(c, db, out));
    DW_TRY(read_schedule(c, db, out));
    DW_TRY(read_entries(c, db, out));
    DW_TRY(count(c, db, "conflicts", "SELECT count(*) FROM conflicts WHERE resolution_status = 'pending'",
                 &out->conflicts));
    return count(c, db, "sync_runs", "SELECT count(*) FROM sync_runs", &out->runs);
}
