/* SQLSTATEs as enum dw_error, with what is to be done. */
#include <stdlib.h>

#include "db/postgres.h"

const char *pg_state(const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    return state ? state : "";
}

static bool has_class(const char *state, const char *class)
{
    return strncmp(state, class, strlen(class)) == 0;
}

bool pg_state_ends_connection(const char *state)
{
    return has_class(state, "08") || has_class(state, "57P0") || has_class(state, "25P03");
}

struct str pg_first_line(const char *message)
{
    struct str line = { message, strcspn(message, "\n") };

    return str_trim(line);
}

/* The longest class that the state begins with counts: those stand first. */
static const struct known {
    const char *class;
    int code;
    bool is_repeatable;
    const char *remedy;
} known[] = {
    { "40001", DW_EUNAVAILABLE, true, "" },
    { "40P01", DW_EUNAVAILABLE, true, "" },
    { "55P03", DW_EUNAVAILABLE, true, "" },
    { "0A000", DW_EMISUSE, false, "" },
    { "21", DW_EMISUSE, false, "" },
    { "22", DW_EINVALID, false, "" },
    { "23505", DW_ECONFLICT, false, "" },
    { "23503", DW_ECONFLICT, false, "" },
    { "23001", DW_ECONFLICT, false, "" },
    { "23P01", DW_ECONFLICT, false, "" },
    { "23", DW_EINVALID, false, "" },
    { "25006", DW_EUNAVAILABLE, false, ": the server is a standby; the URL has to name the primary" },
    { "25P02", DW_ETX, false, "" },
    { "25P03", DW_EUNAVAILABLE, true, "" },
    { "25", DW_ETX, false, "" },
    { "40", DW_EUNAVAILABLE, false, "" },
    { "42", DW_EMISUSE, false, "" },
    { "44", DW_EINVALID, false, "" },
    { "53100", DW_EUNAVAILABLE, false, ": free or add disk space on the database server" },
    { "53200", DW_EUNAVAILABLE, false, ": the database server has too little memory for that" },
    { "53300", DW_EUNAVAILABLE, false,
      ": lower database_connections of the servers that use it, or raise max_connections in "
      "postgresql.conf" },
    { "53", DW_EUNAVAILABLE, false, "" },
    { "54", DW_ETOOLARGE, false, "" },
    { "57014", DW_EUNAVAILABLE, false, "" },
    { "57", DW_EUNAVAILABLE, true, "" },
    { "58", DW_EUNAVAILABLE, false, ": see the database server's log" },
    { "08", DW_EUNAVAILABLE, true, "" },
    { "P0001", DW_EINVALID, false, "" },
    { "", DW_EINTERNAL, false, "" },
};

static const struct known *find(const char *state)
{
    const struct known *k = known;

    while (!has_class(state, k->class))
        k++;
    return k;
}

static const char *field(const PGresult *error, int which)
{
    const char *text = PQresultErrorField(error, which);

    return text ? text : "";
}

/* ---- what reads alike on both engines ---- */

/* Row security speaks with the code of a missing right; the function that found it tells them apart, in any language. The
 * word USING stays as it is in translations: an UPSERT that met a row which the session does not see. */
static bool is_wall(const PGresult *error)
{
    return strcmp(pg_state(error), "42501") == 0 &&
           strcmp(field(error, PG_DIAG_SOURCE_FUNCTION), "ExecWithCheckOptions") == 0;
}

static int fail_at_wall(struct db_session *s, const PGresult *error)
{
    bool is_upsert = strstr(field(error, PG_DIAG_MESSAGE_PRIMARY), "USING") != NULL;

    if (is_upsert)
        return session_fail(s, DW_ECONFLICT, pg_state(error), "a row with this key exists already");
    return session_fail(s, DW_EDENIED, pg_state(error), "the row belongs to another tenant");
}

/* The constraint is named, the values are not: this text may reach who sent them, and who must not know of others'. */
static int fail_constraint(struct db_session *s, const PGresult *error, const struct known *k)
{
    const char *state = pg_state(error), *name = field(error, PG_DIAG_CONSTRAINT_NAME);
    const char *table = field(error, PG_DIAG_TABLE_NAME), *column = field(error, PG_DIAG_COLUMN_NAME);

    if (strcmp(state, "23505") == 0)
        return session_fail(s, k->code, state, "a row with this key exists already (%s)", name);
    if (strcmp(state, "23503") == 0)
        return session_fail(s, k->code, state,
                            "the row refers to one that does not exist, or is referred to (%s)", name);
    if (strcmp(state, "23502") == 0)
        return session_fail(s, k->code, state, "%s.%s must not be null", table, column);
    if (strcmp(state, "23514") == 0)
        return session_fail(s, k->code, state, "the row breaks the rule %s of table %s", name, table);
    return session_fail(s, k->code, state, "the row breaks a rule of table %s (%s)", table, name);
}

/* "unnamed portal parameter $2 = '...'": which value it was, where the server tells. */
static void add_parameter(struct buf *text, const PGresult *error, const struct statement *st)
{
    static const char before[] = "portal parameter $";
    const char *at = strstr(field(error, PG_DIAG_CONTEXT), before);
    unsigned long n = at ? strtoul(at + strlen(before), NULL, 10) : 0;

    if (!st || n == 0 || n > st->parameters_n)
        return;
    if (st->parameters[n - 1].source == STATEMENT_VALUE)
        buf_add_format(text, ", in $%u", st->parameters[n - 1].value + 1);
}

static int fail_as_known(struct db_session *s, const PGresult *error, const struct statement *st,
                         const struct known *k)
{
    const char *state = pg_state(error), *column = field(error, PG_DIAG_COLUMN_NAME);
    struct str message = pg_first_line(field(error, PG_DIAG_MESSAGE_PRIMARY));
    struct buf text = BUF_INIT;
    int code = k->code;

    if (message.n == 0)
        message = pg_first_line(PQresultErrorMessage(error));
    buf_add_str(&text, message);
    if (*column)
        buf_add_format(&text, ", in column %s", column);
    add_parameter(&text, error, st);
    buf_add_text(&text, k->remedy);
    if (k->is_repeatable)
        code = session_fail_repeatable(s, state, "%s", buf_text(&text));
    else
        session_fail(s, code, state, "%s", buf_text(&text));
    buf_finish(&text);
    return code;
}

int pg_fail_with(struct db_session *s, const PGresult *error, const struct statement *st)
{
    const char *state = pg_state(error);
    const struct known *k = find(state);

    if (is_wall(error))
        return fail_at_wall(s, error);
    if (has_class(state, "23"))
        return fail_constraint(s, error, k);
    if (strcmp(state, "57014") == 0 && session_must_stop(s))
        return session_fail_stopped(s);
    return fail_as_known(s, error, st, k);
}

int pg_fail_in_doubt(struct db_session *s)
{
    return session_fail(
        s, DW_EUNKNOWN, "",
        "the connection to PostgreSQL was lost while committing: whether it did, only the data says");
}

int pg_fail(struct pg_exchange *x, enum pg_outcome outcome, const struct statement *st)
{
    const PGresult *error = pg_error(x);
    struct str message;

    if (outcome == PG_STOPPED)
        return session_fail_stopped(x->s);
    if (outcome == PG_REFUSED && error)
        return pg_fail_with(x->s, error, st);
    message = pg_first_line(error ? PQresultErrorMessage(error) : PQerrorMessage(x->c->conn));
    return session_fail_repeatable(x->s, error ? pg_state(error) : "",
                                   "the connection to PostgreSQL was lost: %.*s", STR_ARG(message));
}
