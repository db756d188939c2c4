#include "jobs/admin.h"

#include "jobs/inside.h"

enum { LIST_LIMIT = 100 };

/* Dead or cancelled is for people what can be replayed: not before its last callback was made. */
#define STATE_SHOWN \
    "CASE WHEN ending IS NOT NULL AND state IN ('waiting', 'running') THEN 'ending' ELSE state END"
#define COLUMNS                                                                                           \
    "id, kind, " STATE_SHOWN " AS \"state::text\", tenant, principal, unique_key, queue_key, attempts,"   \
    " created_at, due_at, started_at, ended_at, took_us / 1000000.0 AS \"seconds::real\", server, error," \
    " progress_done, progress_total"

static int tell(struct db_session *s, const char *kind)
{
    return db_notify(s, "jobs", kind);
}

/* Rows as a JSON array. How many. */
static int write_rows(struct db_rows *rows, struct buf *out)
{
    int n = 0, rc;

    buf_add_char(out, '[');
    while ((rc = db_rows_next(rows)) > 0) {
        if (n++ > 0)
            buf_add_char(out, ',');
        if (db_rows_write_json(rows, out) != 0)
            return DW_EINTERNAL;
    }
    buf_add_char(out, ']');
    return rc < 0 ? rc : n;
}

static int query_rows(struct db_session *s, struct buf *out, dw_list sql)
{
    struct db_rows *rows;
    int rc = db_query(s, &rows, DB_BY_CORE, sql);

    if (rc >= 0)
        rc = write_rows(rows, out);
    db_rows_close(rows);
    return rc < 0 ? rc : buf_failed(out) ? DW_ENOMEM : rc;
}

static const char *or_any(const char *text)
{
    return text ? text : "";
}

int job_list(struct db_session *s, const struct job_filter *f, struct buf *out)
{
    return query_rows(s, out,
                      DW_LIST("SELECT " COLUMNS " FROM dowel_jobs"
                              " WHERE ($1 = '' OR " STATE_SHOWN " = $1) AND ($2 = '' OR kind = $2)"
                              " AND ($3 = '' OR substr(kind, 1, length($3) + 1) = $3 || '.')"
                              " ORDER BY id DESC LIMIT $4",
                              or_any(f->state), or_any(f->kind), or_any(f->owner),
                              f->limit ? (int)f->limit : (int)LIST_LIMIT));
}

/* ,"failures":[...]} in place of the object's end. */
static int add_failures(struct db_session *s, const char *id, struct buf *out)
{
    out->n--;
    buf_add_text(out, ",\"failures\":");
    int rc = query_rows(
        s, out,
        DW_LIST("SELECT attempt, started_at, took_us / 1000000.0 AS \"seconds::real\", server, code,"
                " error FROM dowel_job_failures WHERE job = $1 ORDER BY lease",
                id));
    buf_add_char(out, '}');
    return rc;
}

int job_history(struct db_session *s, const char *id, struct buf *out)
{
    struct db_rows *rows;
    int rc = db_query(
        s, &rows, DB_BY_CORE,
        DW_LIST("SELECT " COLUMNS ", payload AS \"payload::json\" FROM dowel_jobs WHERE id = $1", id));
    bool found = rc >= 0 && (rc = db_rows_next(rows)) > 0;

    if (found && db_rows_write_json(rows, out) != 0)
        rc = DW_EINTERNAL;
    db_rows_close(rows);
    if (found && rc >= 0)
        rc = add_failures(s, id, out);
    return rc < 0 ? rc : buf_failed(out) ? DW_ENOMEM : found;
}

int job_kinds(struct db_session *s, struct buf *out)
{
    return query_rows(
        s, out,
        DW_LIST("SELECT k.kind, k.paused, k.paused_at,"
                " (SELECT count(*) FROM dowel_jobs j WHERE j.kind = k.kind AND j.state = 'waiting')"
                " AS \"waiting::integer\","
                " (SELECT count(*) FROM dowel_jobs j WHERE j.kind = k.kind AND j.state = 'running')"
                " AS \"running::integer\" FROM dowel_job_kinds k ORDER BY k.kind"));
}

/* ---- doing ---- */

#define SET_REPLAY                                                                                        \
    "UPDATE dowel_jobs SET state = 'waiting', ending = NULL, attempts = 0, due_at = $1, ended_at = NULL," \
    " again = NULL, cancel = FALSE WHERE "
#define KEY_IS_FREE                                                                                       \
    "(unique_key IS NULL OR NOT EXISTS (SELECT 1 FROM dowel_jobs o WHERE o.kind = dowel_jobs.kind"        \
    " AND o.tenant = dowel_jobs.tenant AND o.unique_key = dowel_jobs.unique_key AND o.unique_key IS NOT " \
    "NULL"                                                                                                \
    " AND o.state IN ('waiting', 'running')))"

/* Runs a statement that returns the kind, and tells the engines: how many rows. */
static int change(struct db_session *s, dw_list sql)
{
    const char *kind = NULL;
    int rc = db_find(s, DW_TO(&kind), DB_BY_CORE, sql);

    if (rc > 0) {
        int told = tell(s, kind);
        rc = told < 0 ? told : rc;
    }
    return rc;
}

int job_replay(struct db_session *s, const char *id, int64_t now_us)
{
    return change(s, DW_LIST(SET_REPLAY "id = $2 AND state IN ('dead', 'cancelled') RETURNING kind",
                             (dw_time){ now_us }, id));
}

/* Of several that were given up with one key, the newest. */
int64_t job_replay_all(struct db_session *s, const struct job_filter *f, int64_t now_us)
{
    int64_t n = db_exec(
        s, DB_BY_CORE,
        DW_LIST(SET_REPLAY
                "state = 'dead' AND ($2 = '' OR kind = $2)"
                " AND ($3 = '' OR substr(kind, 1, length($3) + 1) = $3 || '.')"
                " AND " KEY_IS_FREE " AND (unique_key IS NULL OR NOT EXISTS (SELECT 1 FROM dowel_jobs n"
                " WHERE n.kind = dowel_jobs.kind AND n.tenant = dowel_jobs.tenant"
                " AND n.unique_key = dowel_jobs.unique_key AND n.state = 'dead' AND n.id > dowel_jobs.id))",
                (dw_time){ now_us }, or_any(f->kind), or_any(f->owner)));
    int rc = n > 0 ? tell(s, "cancel") : 0; /* all kinds are looked at */

    return rc < 0 ? rc : n;
}

int job_cancel_id(struct db_session *s, const char *id, int64_t now_us)
{
    int rc = change(s, DW_LIST(JOB_SET_CANCEL
                               " WHERE id = $1 AND state IN ('waiting', 'running') AND ending IS NULL"
                               " RETURNING kind",
                               id, (dw_time){ now_us }));

    if (rc > 0) {
        int told = tell(s, "cancel");
        rc = told < 0 ? told : rc;
    }
    return rc;
}

int job_pause(struct db_session *s, const char *kind, bool pause, int64_t now_us)
{
    int64_t n = db_exec(s, DB_BY_CORE,
                        DW_LIST("UPDATE dowel_job_kinds SET paused = $2, paused_at = $3 WHERE kind = $1",
                                kind, pause, (dw_time){ now_us }));
    int rc = n > 0 ? tell(s, "cancel") : 0;

    return rc < 0 ? rc : (int)n;
}
