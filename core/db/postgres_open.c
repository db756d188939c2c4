/* What a server, a database and its roles must be like, said with the SQL that makes them so. */
#include <stdlib.h>

#include "db/postgres.h"
#include "util/clock.h"

enum { OPEN_US = 10 * CLOCK_SECOND, VERSION_LEAST = 130000 };

/* ---- it cannot be reached ---- */

static const char roles[] = "CREATE ROLE " PG_SYSTEM_ROLE " NOLOGIN; "
                            "CREATE ROLE dowel LOGIN NOINHERIT PASSWORD '...' IN ROLE " PG_SYSTEM_ROLE ";";

/* Whom it does not know, and a database that it does not have: not what a server says that is busy, or just starts. */
static bool is_wrong_url(const char *state)
{
    return strncmp(state, "28", 2) == 0 || strcmp(state, "3D000") == 0;
}

static int explain_refusal(const struct pg_connection *c, const char *state, struct buf *why)
{
    if (c->conn && PQconnectionNeedsPassword(c->conn) && !*state)
        return DB_OPEN_WRONG;
    if (strcmp(state, "28P01") == 0)
        buf_add_text(why, ". The password in the URL is not that role's: correct it, or set another: "
                          "ALTER ROLE dowel PASSWORD '...'");
    else if (strcmp(state, "28000") == 0)
        buf_add_format(why,
                       ". Either there is no such role, which an administrator makes with: %s or pg_hba.conf "
                       "does not let "
                       "it in from here",
                       roles);
    else if (strcmp(state, "3D000") == 0)
        buf_add_text(why, ". An administrator makes it with: CREATE DATABASE dowel OWNER " PG_SYSTEM_ROLE
                          " ENCODING 'UTF8' TEMPLATE template0");
    else if (strcmp(state, "53300") == 0)
        buf_add_text(why,
                     ". Raise max_connections in postgresql.conf, or lower the number of connections here");
    else if (strcmp(state, "57P03") == 0)
        buf_add_text(why, ". It will be there in a moment: try again");
    else if (!*state)
        buf_add_text(
            why, ". Is it up, and are host and port in the URL right? pg_isready says the same from there");
    return is_wrong_url(state) ? DB_OPEN_WRONG : -1;
}

/* ---- what is found there ---- */

struct found {
    int64_t version;
    bool is_super, bypasses, has_system, system_is_super, system_bypasses, is_member, inherits, may_create;
    const char *user, *database, *encoding;
};

static const char question[] =
    "SELECT current_setting('server_version_num'), me.rolsuper, me.rolbypassrls, sys.oid IS NOT NULL,"
    "       coalesce(sys.rolsuper, false), coalesce(sys.rolbypassrls, false),"
    "       coalesce(pg_has_role(me.oid, sys.oid, 'MEMBER'), false),"
    "       coalesce(pg_has_role(me.oid, sys.oid, 'USAGE'), false),"
    "       coalesce(has_schema_privilege(sys.oid, (SELECT oid FROM pg_namespace WHERE nspname = "
    "current_schema()),"
    "                                     'CREATE'), false),"
    "       session_user, current_database(), current_setting('server_encoding')"
    "  FROM pg_roles me LEFT JOIN pg_roles sys ON sys.rolname = '" PG_SYSTEM_ROLE "'"
    " WHERE me.rolname = session_user";

static bool is_true(const PGresult *r, int column)
{
    return *PQgetvalue(r, 0, column) == 't';
}

static void read_found(const PGresult *r, struct found *f)
{
    *f = (struct found){ .version = strtoll(PQgetvalue(r, 0, 0), NULL, 10),
                         .is_super = is_true(r, 1),
                         .bypasses = is_true(r, 2),
                         .has_system = is_true(r, 3),
                         .system_is_super = is_true(r, 4),
                         .system_bypasses = is_true(r, 5),
                         .is_member = is_true(r, 6),
                         .inherits = is_true(r, 7),
                         .may_create = is_true(r, 8),
                         .user = PQgetvalue(r, 0, 9),
                         .database = PQgetvalue(r, 0, 10),
                         .encoding = PQgetvalue(r, 0, 11) };
}

static int judge_server(const struct found *f, struct buf *why)
{
    if (f->version < VERSION_LEAST) {
        buf_add_format(why, "PostgreSQL %d is too old: 13 or newer is needed", (int)(f->version / 10000));
        return DB_OPEN_WRONG;
    }
    if (strcmp(f->encoding, "UTF8") != 0) {
        buf_add_format(why,
                       "the database %s stores texts as %s, and UTF8 is needed. Make another, and copy into "
                       "it what there "
                       "is: CREATE DATABASE NAME OWNER " PG_SYSTEM_ROLE " ENCODING 'UTF8' TEMPLATE template0",
                       f->database, f->encoding);
        return DB_OPEN_WRONG;
    }
    return 0;
}

static int judge_login(const struct found *f, struct buf *why)
{
    if (!f->is_super && !f->bypasses)
        return 0;
    buf_add_format(why,
                   "the role %s %s, so the walls between tenants do not hold for it. Log in as one for which "
                   "they do: %s "
                   "or take that from it: ALTER ROLE \"%s\" NOSUPERUSER NOBYPASSRLS",
                   f->user, f->is_super ? "is a superuser" : "bypasses row security", roles, f->user);
    return DB_OPEN_WRONG;
}

static int judge_system_role(const struct found *f, struct buf *why)
{
    if (!f->has_system)
        buf_add_format(why,
                       "there is no role " PG_SYSTEM_ROLE
                       ", which owns the tables. An administrator makes it with: CREATE "
                       "ROLE " PG_SYSTEM_ROLE " NOLOGIN; GRANT " PG_SYSTEM_ROLE
                       " TO \"%s\"; ALTER ROLE \"%s\" NOINHERIT; "
                       "ALTER DATABASE \"%s\" OWNER TO " PG_SYSTEM_ROLE,
                       f->user, f->user, f->database);
    else if (f->system_is_super || f->system_bypasses)
        buf_add_text(why,
                     "the role " PG_SYSTEM_ROLE " is more than it needs to be: ALTER ROLE " PG_SYSTEM_ROLE
                     " NOSUPERUSER NOBYPASSRLS");
    else if (!f->is_member)
        buf_add_format(why,
                       "the role %s may not become " PG_SYSTEM_ROLE
                       ", which owns the tables: GRANT " PG_SYSTEM_ROLE " TO \"%s\"",
                       f->user, f->user);
    else if (f->inherits && f->version >= 160000)
        buf_add_format(why,
                       "the role %s has the rights of " PG_SYSTEM_ROLE
                       " all the time, so the walls between tenants do not "
                       "hold for it: GRANT " PG_SYSTEM_ROLE " TO \"%s\" WITH INHERIT FALSE",
                       f->user, f->user);
    else if (f->inherits)
        buf_add_format(why,
                       "the role %s has the rights of " PG_SYSTEM_ROLE
                       " all the time, so the walls between tenants do not "
                       "hold for it: ALTER ROLE \"%s\" NOINHERIT",
                       f->user, f->user);
    else if (!f->may_create)
        buf_add_format(
            why,
            "the role " PG_SYSTEM_ROLE
            " may not make tables in the database %s: ALTER DATABASE \"%s\" OWNER TO " PG_SYSTEM_ROLE
            "; or GRANT CREATE ON SCHEMA public TO " PG_SYSTEM_ROLE,
            f->database, f->database);
    else
        return 0;
    return DB_OPEN_WRONG;
}

/* ---- asking ---- */

static int ask(struct pg_exchange *x, const char *sql, const PGresult **out, struct buf *why)
{
    pg_add_sql(x, PG_STEP_OTHER, sql);
    if (pg_exchange_run(x) != PG_DONE) {
        const PGresult *error = pg_error(x);
        buf_add_str(why, pg_first_line(error ? PQresultErrorMessage(error) : PQerrorMessage(x->c->conn)));
        return -1;
    }
    *out = x->results[0];
    if (PQntuples(*out) == 1)
        return 0;
    buf_add_text(why, "PostgreSQL does not say who we are");
    return -1;
}

static void init(struct pg_exchange *x, struct pg_connection *c)
{
    pg_exchange_init(x, c, NULL);
    x->is_final = true;
    x->deadline_us = clock_monotonic_us() + OPEN_US;
}

static int check_roles(struct pg_connection *c, struct buf *why)
{
    const PGresult *answer;
    struct pg_exchange x;
    struct found f;

    init(&x, c);
    int rc = ask(&x, question, &answer, why);
    if (rc == 0) {
        read_found(answer, &f);
        if (judge_server(&f, why) != 0 || judge_login(&f, why) != 0 || judge_system_role(&f, why) != 0)
            rc = DB_OPEN_WRONG;
    }
    pg_exchange_finish(&x);
    return rc;
}

/* Tables of tenants whose wall somebody took down. */
static int check_walls(struct pg_connection *c, struct buf *why)
{
    static const char is_there[] = "SELECT to_regclass('dowel_tenant_tables') IS NOT NULL";
    static const char open_ones[] = "SELECT string_agg(t.name, ', ') FROM dowel_tenant_tables t"
                                    "  JOIN pg_class c ON c.oid = to_regclass(quote_ident(t.name))"
                                    " WHERE NOT (c.relrowsecurity AND c.relforcerowsecurity)";
    const PGresult *answer;
    struct pg_exchange x;

    init(&x, c);
    int rc = ask(&x, is_there, &answer, why);
    bool has_any = rc == 0 && is_true(answer, 0);
    pg_exchange_finish(&x);
    if (rc != 0 || !has_any)
        return rc;
    init(&x, c);
    rc = ask(&x, open_ones, &answer, why);
    if (rc == 0 && !PQgetisnull(answer, 0, 0)) {
        buf_add_format(
            why,
            "row security is off for %s, whose rows belong to tenants: ALTER TABLE NAME ENABLE ROW LEVEL "
            "SECURITY, FORCE ROW LEVEL SECURITY",
            PQgetvalue(answer, 0, 0));
        rc = DB_OPEN_WRONG;
    }
    pg_exchange_finish(&x);
    return rc;
}

/* ---- rights ---- */

void pg_add_grant(struct pg_exchange *x)
{
    static const char sql[] =
        "DO $do$\n"
        "DECLARE\n"
        "    thing record;\n"
        "BEGIN\n"
        "    FOR thing IN\n"
        "        SELECT c.oid, c.relkind FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner\n"
        "         WHERE r.rolname = '" PG_SYSTEM_ROLE "' AND c.relpersistence <> 't'\n"
        "           AND CASE c.relkind\n"
        "               WHEN 'S' THEN NOT has_sequence_privilege(session_user, c.oid, 'USAGE')\n"
        "               WHEN 'v' THEN NOT has_table_privilege(session_user, c.oid, 'DELETE')\n"
        "                   AND EXISTS (SELECT FROM pg_options_to_table(c.reloptions)\n"
        "                                WHERE option_name = 'security_invoker' AND option_value::boolean)\n"
        "               WHEN 'r' THEN NOT has_table_privilege(session_user, c.oid, 'DELETE')\n"
        "               WHEN 'p' THEN NOT has_table_privilege(session_user, c.oid, 'DELETE')\n"
        "               ELSE false END\n"
        "    LOOP\n"
        "        IF thing.relkind = 'S' THEN\n"
        "            EXECUTE format('GRANT USAGE ON SEQUENCE %s TO %I', thing.oid::regclass, session_user);\n"
        "        ELSE\n"
        "            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %I', "
        "thing.oid::regclass,\n"
        "                           session_user);\n"
        "        END IF;\n"
        "    END LOOP;\n"
        "END\n"
        "$do$";

    pg_add_sql(x, PG_STEP_OTHER, sql);
}

/* What was restored, or made by hand. One server at a time: two that grant the same stumble over each other. */
static int grant_what_is_there(struct pg_connection *c, struct buf *why)
{
    struct pg_exchange x;
    int rc = 0;

    init(&x, c);
    pg_add_sql(&x, PG_STEP_OTHER, "SELECT set_config('role', '" PG_SYSTEM_ROLE "', true)");
    pg_add_sql(&x, PG_STEP_OTHER, "SELECT pg_advisory_xact_lock(hashtextextended('dowel grants', 0))");
    pg_add_grant(&x);
    if (pg_exchange_run(&x) != PG_DONE) {
        const PGresult *error = pg_error(&x);
        buf_add_str(why, pg_first_line(error ? PQresultErrorMessage(error) : PQerrorMessage(c->conn)));
        rc = -1;
    }
    pg_exchange_finish(&x);
    return rc;
}

/* ---- opening ---- */

static int prepare(struct pg_connection *c, struct buf *why)
{
    int rc = check_roles(c, why);

    if (rc == 0 && c->pg->db->options.through_pooler)
        rc = pg_make_notices(c, why) == 0 ? 0 : -1;
    if (rc == 0)
        rc = grant_what_is_there(c, why);
    return rc == 0 ? check_walls(c, why) : rc;
}

static int connect_first(struct postgres *pg, struct buf *why)
{
    struct pg_connection *c = pg_connection_create(pg);
    struct buf trouble = BUF_INIT;
    char state[6] = "";
    int rc = -1;

    if (!c)
        buf_add_text(&trouble, "memory or file descriptors are out");
    else if (pg_connect(c, NULL, clock_monotonic_us() + OPEN_US, &trouble, state) == 0)
        rc = prepare(c, &trouble);
    else
        rc = explain_refusal(c, state, &trouble);
    if (rc != 0)
        buf_add_format(why, "cannot use the database %s: %s", buf_text(&pg->shown), buf_text(&trouble));
    pg_connection_destroy(c);
    buf_finish(&trouble);
    return rc;
}

int pg_open(struct db *db, struct buf *why)
{
    struct postgres *pg = calloc(1, sizeof(*pg));

    if (!pg) {
        buf_add_text(why, "cannot open the database: memory is out");
        return -1;
    }
    pg->db = db;
    db->engine = pg;
    pg_pool_init(pg);
    pg_shapes_init(&pg->shapes);
    pg->replan_us = PG_REPLAN_US;
    int rc = pg_show_url(db->options.url, &pg->shown, why) == 0 ? connect_first(pg, why) : DB_OPEN_WRONG;
    if (rc != 0)
        db->driver->close(db);
    return rc;
}
