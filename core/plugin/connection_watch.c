#include "plugin/connection_watch.h"

#include <stdio.h>
#include <string.h>

#include "connections/draft.h"
#include "http/readiness.h"
#include "log/log.h"
#include "plugin/connection_ask.h"
#include "plugin/connectors.h"
#include "util/clock.h"

enum { AT_ONCE = 20, NAMED_MAX = 3 };

static const int64_t rest_us = 60 * CLOCK_SECOND, each_us = 20 * CLOCK_SECOND, all_us = 120 * CLOCK_SECOND;

static int open_session(const struct connection_watch *w, struct db_session **out, int64_t now_us)
{
    const struct db_who who = { .owner = "core", .now_us = now_us };

    return db_session_create(out, w->process->db, &who) == 0 ? 0 : DW_ENOMEM;
}

/* ---- which are due ---- */

struct due {
    char id[UUID_TEXT_SIZE], tenant[UUID_TEXT_SIZE];
};

/* Of kinds whose plugins are here: " csv zammad ". */
static void write_kinds(struct buf *out, const struct connectors *all)
{
    const struct connector_kind *kind;

    buf_add_char(out, ' ');
    for (size_t i = 0; (kind = connectors_at(all, i)); i++) {
        if (kind->connector->check && !atomic_load(&kind->by->missing))
            buf_add_format(out, "%s ", kind->name);
    }
}

/* What was kept untested gets the same time, from when it was changed. How many, or an error. */
static int find_due(const struct connection_watch *w, struct db_session *s, int64_t now_us,
                    struct due out[AT_ONCE])
{
    const dw_time before = { now_us - w->every_us };
    const char *id, *tenant;
    struct buf kinds = BUF_INIT;
    struct db_rows *rows;
    int n = 0;

    write_kinds(&kinds, w->process->connectors);
    int rc = buf_failed(&kinds) ? DW_ENOMEM
                                : db_query(s, &rows, DB_BY_CORE,
                                           DW_LIST("SELECT id, tenant_id FROM dowel_connections"
                                                   " WHERE enabled AND COALESCE(checked_at, changed_at) <= $1"
                                                   " AND replace($2, ' ' || kind || ' ', '') <> $2"
                                                   " ORDER BY COALESCE(checked_at, changed_at) LIMIT $3",
                                                   before, (const char *)buf_text(&kinds), (int64_t)AT_ONCE));
    buf_finish(&kinds);
    if (rc < 0)
        return rc;
    while ((rc = db_rows_next(rows)) > 0 && n < AT_ONCE) {
        rc = db_rows_read(rows, DW_TO(&id, &tenant));
        if (rc < 0)
            break;
        snprintf(out[n].id, sizeof(out[n].id), "%s", id);
        snprintf(out[n].tenant, sizeof(out[n].tenant), "%s", tenant);
        n++;
    }
    db_rows_close(rows);
    return rc < 0 ? rc : n;
}

/* ---- one of them ---- */

static int ask(const struct connection_watch *w, const struct connection_draft *draft, const struct due *due,
               struct connection_answer *answer)
{
    const struct call_options who = { .tenant = due->tenant, .deadline_us = clock_monotonic_us() + each_us };

    if (draft->faults_n == 0)
        return connection_check(w->process, draft, &who, answer);
    /* It was right when it was kept: its plugin wants it otherwise now, or its secrets cannot be opened any more. */
    *answer = (struct connection_answer){ .code = DW_EINVALID,
                                          .text = "its settings do not fit its plugin any more; edit it" };
    arena_init(&answer->arena, NULL, 0, 0);
    return 0;
}

/* No transaction is open while the other side takes its time. */
static int check(const struct connection_watch *w, struct db_session *s, const struct due *due)
{
    const struct connection_given given = CONNECTION_GIVEN(.tenant = due->tenant, .id = due->id);
    struct connection_answer answer;
    struct connection_draft *draft;
    struct buf why = BUF_INIT;
    int rc = connection_draft_create(&draft, s, w->process->keyring, w->process->connectors, &given, &why);

    buf_finish(&why);
    if (rc == DW_ENOTFOUND || rc == DW_EUNAVAILABLE)
        return 0; /* gone meanwhile, or its plugin is */
    if (rc < 0)
        return rc;
    rc = ask(w, draft, due, &answer);
    if (rc >= 0) {
        const struct connection_ref ref = { due->tenant, due->id, draft->is->version };
        rc = connection_note_health(s, &ref, answer.code == 0 ? NULL : answer.text, clock_wall_us());
        connection_answer_finish(&answer);
    }
    connection_draft_destroy(draft);
    return rc == DW_EUNAVAILABLE ? 0 : rc;
}

/* Each in a session of its own. */
static int check_one(const struct connection_watch *w, const struct due *due)
{
    struct db_session *s;

    DW_TRY(open_session(w, &s, clock_wall_us()));
    int rc = check(w, s, due);
    db_session_destroy(s);
    return rc;
}

/* ---- the job ---- */

static int find(const struct connection_watch *w, struct job *job, struct due out[AT_ONCE])
{
    struct db_session *s;
    int64_t now_us = clock_wall_us();

    DW_TRY(open_session(w, &s, now_us));
    int n = find_due(w, s, now_us, out);
    if (n < 0)
        job_explain(job, db_error_of(s)->text, 0);
    db_session_destroy(s);
    return n;
}

static int run(struct job *job, void *ud)
{
    const struct connection_watch *w = ud;
    int64_t until_us = clock_monotonic_us() + all_us;
    struct due due[AT_ONCE];
    int n = w->every_us > 0 ? find(w, job, due) : 0;

    if (n < 0)
        return n;
    for (int i = 0; i < n && clock_monotonic_us() < until_us && job_progress(job, i, n); i++)
        DW_TRY(check_one(w, &due[i]));
    job_again_later(job, w->every_us > 0 && w->every_us < rest_us ? w->every_us : rest_us);
    return 0;
}

int connection_watch_register(struct connection_watch *w, struct jobs *jobs, struct buf *why)
{
    const struct job_kind kind = {
        .owner = "core", .name = "connection_check", .run = run, .ud = w, .attempts = 1000000, .parallel = 1
    };
    int64_t now_us = clock_wall_us();
    struct db_session *s;

    if (jobs_register(jobs, &kind) != 0 || open_session(w, &s, now_us) != 0) {
        buf_add_text(why, "out of memory");
        return -1;
    }
    int rc =
        job_add(s, &(struct job_new){ .kind = CONNECTION_WATCH_JOB, .unique_key = "one", .now_us = now_us });
    if (rc < 0)
        buf_add_format(why, "the job that checks connections cannot be added: %s", db_error_of(s)->text);
    db_session_destroy(s);
    return rc < 0 ? -1 : 0;
}

/* ---- telling ---- */

/* How many bytes of it there is room for, in whole characters. */
static int shown(const char *text, size_t room)
{
    size_t n = strlen(text);

    if (n > room)
        for (n = room; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80;)
            n--;
    return (int)n;
}

/* "Helpdesk (zammad): nothing answers there", of the first few. */
static int write_failing(struct buf *out, struct db_session *s)
{
    const char *name, *kind, *error;
    struct db_rows *rows;
    int rc, n = 0;

    DW_TRY(db_query(s, &rows, DB_BY_CORE,
                    DW_LIST("SELECT name, kind, COALESCE(health_error, '') FROM dowel_connections"
                            " WHERE enabled AND health = 'failing' ORDER BY health_since, id")));
    while ((rc = db_rows_next(rows)) > 0 && db_rows_read(rows, DW_TO(&name, &kind, &error)) >= 0) {
        if (n < NAMED_MAX)
            buf_add_format(out, "%s%.*s (%.20s): %.*s", n ? "; " : "", shown(name, 40), name, kind,
                           shown(error, 60), error);
        n++;
    }
    db_rows_close(rows);
    if (n > NAMED_MAX)
        buf_add_format(out, "; and %d more", n - NAMED_MAX);
    return rc < 0 ? rc : n;
}

static void say(struct connection_watch_told *told, const char *failing)
{
    if (strncmp(told->failing, failing, sizeof(told->failing) - 1) == 0)
        return;
    snprintf(told->failing, sizeof(told->failing), "%s", failing);
    readiness_remark("connections", *failing ? told->failing : NULL);
    if (*failing)
        log_warn("connections do not work; dowel connection list has all", LOG_TEXT("which", told->failing));
    else
        log_info("all connections work again");
}

void connection_watch_tell(struct connection_watch_told *told, struct db *db)
{
    const struct db_who who = { .owner = "core", .now_us = clock_wall_us() };
    struct buf failing = BUF_INIT;
    struct db_session *s;

    if (db_session_create(&s, db, &who) != 0)
        return;
    int rc = write_failing(&failing, s); /* that the database does not answer others say */
    db_session_destroy(s);
    if (rc >= 0 && !buf_failed(&failing))
        say(told, buf_text(&failing));
    buf_finish(&failing);
}
