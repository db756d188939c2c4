#include "jobs/schedule_rows.h"

#include <stdio.h>

#include "jobs/jobs.h"

const char *schedule_time(int64_t us, char room[CLOCK_RFC3339_SIZE])
{
    if (us == 0)
        return NULL;
    clock_format_rfc3339(us, room);
    return room;
}

/* ---- reading ---- */

static int copy_row(struct arena *arena, struct db_rows *rows, struct schedule_known *out)
{
    const char *texts[5] = { NULL };
    int64_t jitter_us = 0;

    *out = (struct schedule_known){ .jitter_us = 0 };
    DW_TRY(db_rows_read(rows, DW_TO(&texts[0], &texts[1], &texts[2], &texts[3], &texts[4], &out->anchor,
                                    &out->next, &out->fired, &out->skipped, &out->paused, &jitter_us)));
    const char **const copies[] = { &out->name, &out->tenant, &out->job, &out->spec, &out->zone };
    for (size_t i = 0; i < DW_COUNT_OF(copies); i++) {
        *copies[i] = arena_copy(arena, str_from(texts[i]));
        if (!*copies[i])
            return DW_ENOMEM;
    }
    out->jitter_us = jitter_us;
    return 0;
}

static int make_room(struct arena *arena, struct schedule_known **v, size_t n)
{
    if (n & (n - 1)) /* room for the next power of two is there */
        return 0;
    struct schedule_known *more = arena_alloc(arena, (n ? n * 2 : 1) * sizeof(*more));
    if (!more)
        return DW_ENOMEM;
    if (n)
        memcpy(more, *v, n * sizeof(*more));
    *v = more;
    return 0;
}

int schedule_read(struct db_session *s, struct arena *arena, struct schedule_known **out,
                  dw_list sql_and_values)
{
    struct db_rows *rows = NULL;
    size_t n = 0;

    *out = NULL;
    int rc = db_query(s, &rows, DB_BY_CORE, sql_and_values);
    while (rc >= 0 && (rc = db_rows_next(rows)) > 0) {
        rc = make_room(arena, out, n);
        if (rc >= 0)
            rc = copy_row(arena, rows, &(*out)[n]);
        n++;
    }
    db_rows_close(rows);
    return rc < 0 ? rc : (int)n;
}

bool schedule_when(const struct schedule_known *row, struct when *out, struct buf *why)
{
    const struct zone *zone;

    if (strcmp(row->spec, "off") == 0)
        return false;
    if (zone_find(&zone, str_from(row->zone), why) != 0 ||
        when_parse(out, str_from(row->spec), zone, why) != 0)
        return false;
    out->anchor_us = row->anchor.us;
    out->jitter_us = row->jitter_us;
    return true;
}

int64_t schedule_next_us(const struct schedule_known *row, int64_t after_us)
{
    struct buf why = BUF_INIT;
    struct when w;
    int64_t next_us = 0;

    if (schedule_when(row, &w, &why))
        when_next(&w, after_us, &next_us);
    buf_finish(&why);
    return next_us;
}

/* ---- its jobs ---- */

/* A key of its own for each row's jobs: the tenant stands in a column of the job. */
static void make_key(const struct schedule_known *row, char *out, size_t size)
{
    snprintf(out, size, "schedule:%s", row->name);
}

enum { KEY_SIZE = 256 };

int schedule_is_busy(struct db_session *s, const struct schedule_known *row)
{
    char key[KEY_SIZE];
    int64_t one = 0;

    make_key(row, key, sizeof(key));
    return db_find(s, DW_TO(&one), DB_BY_CORE,
                   DW_LIST("SELECT 1 AS \"busy::integer\" FROM dowel_jobs WHERE kind = $1 AND tenant = $2 "
                           "AND unique_key = $3"
                           " AND state IN ('waiting', 'running')",
                           row->job, row->tenant, (const char *)key));
}

int schedule_add_job(struct db_session *s, const struct schedule_known *row, enum schedule_overlap overlap,
                     int64_t at_us, int64_t now_us)
{
    char key[KEY_SIZE], at[CLOCK_RFC3339_SIZE];
    struct buf payload = BUF_INIT;
    const char *dot = strchr(row->name, '.');

    make_key(row, key, sizeof(key));
    clock_format_rfc3339(at_us, at);
    buf_add_text(&payload, "{\"schedule\":");
    buf_add_json(&payload, str_from(dot ? dot + 1 : row->name));
    buf_add_format(&payload, ",\"at\":\"%s\"}", at);
    const struct job_new job = {
        .kind = row->job,
        .tenant = *row->tenant ? row->tenant : NULL,
        .payload = buf_str(&payload),
        .unique_key = overlap == SCHEDULE_SKIP ? key : NULL,
        .queue_key = overlap == SCHEDULE_QUEUE ? key : NULL,
        .now_us = now_us,
    };
    int rc = buf_failed(&payload) ? DW_ENOMEM : job_add(s, &job);
    buf_finish(&payload);
    return rc;
}
