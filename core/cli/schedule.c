/* schedule.c - `dowel schedule`: what happens by itself, and when next. Works on the database itself, beside a running server
 * or without one. */
#include "jobs/schedule.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/database.h"
#include "cli/settings.h"
#include "jobs/civil.h"
#include "log/log.h"
#include "util/clock.h"

/* ---- the database ---- */

struct opened {
    struct config *config;
    struct db *db;
    struct db_session *session;
    int64_t now_us;
};

static void finish(struct opened *o)
{
    db_session_destroy(o->session);
    db_close(o->db);
    config_drop(o->config);
}

/* A cli_exit; finish it in each case. */
static int begin(struct opened *o, const struct cli *c)
{
    struct database_place place;
    struct buf why = BUF_INIT;

    *o = (struct opened){ .now_us = clock_wall_us() };
    log_set_level(LOG_WARN);
    int result = cli_config_load(c, NULL, 0, &o->config, NULL);
    if (result != CLI_OK)
        return result;
    database_find(&place, core_config(o->config), c->data_dir);
    const struct db_who who = { .owner = "core", .now_us = o->now_us };
    if (!database_exists(&place))
        buf_add_format(&why, "%s is not there yet: it is made when the server starts", place.path);
    else if (db_open(&o->db, &place.options, &why) == 0 && db_session_create(&o->session, o->db, &who) != 0)
        buf_add_text(&why, "out of memory");
    if (!o->session) {
        fprintf(stderr, "%s\n", buf_text(&why));
        result = CLI_FAILED;
    }
    buf_finish(&why);
    return result;
}

/* Before its migrations were run the database has no schedules at all. */
static int say_error(const struct opened *o)
{
    fprintf(stderr, "%s\nIs the database older than this program? See: dowel db status\n",
            db_error_of(o->session)->text);
    return CLI_FAILED;
}

/* ---- list ---- */

static const char *or_nothing(int64_t us, char room[CLOCK_RFC3339_SIZE])
{
    if (us == 0)
        return NULL;
    clock_format_rfc3339(us, room);
    return room;
}

static void collect(const struct schedule_row *row, void *ud)
{
    char next[CLOCK_RFC3339_SIZE], fired[CLOCK_RFC3339_SIZE], skipped[CLOCK_RFC3339_SIZE],
        paused[CLOCK_RFC3339_SIZE];

    json_array_append_new(
        ud, json_pack("{s:s, s:s?, s:s, s:s, s:s, s:s?, s:s?, s:s?, s:s?}", "name", row->name, "tenant",
                      *row->tenant ? row->tenant : NULL, "job", row->job, "when", row->spec, "zone",
                      row->zone, "next_at", or_nothing(row->next_us, next), "fired_at",
                      or_nothing(row->fired_us, fired), "skipped_at", or_nothing(row->skipped_us, skipped),
                      "paused_at", or_nothing(row->paused_us, paused)));
}

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));

    return text ? text : "";
}

static int longest(const json_t *rows, const char *key)
{
    size_t most = strlen(key);

    for (size_t i = 0; i < json_array_size(rows); i++) {
        size_t n = strlen(text_of(json_array_get(rows, i), key));
        most = n > most ? n : most;
    }
    return (int)most;
}

/* "2026-11-27 09:00:00", as nobody schedules microseconds. */
static void add_instant(struct buf *out, const char *rfc3339)
{
    if (*rfc3339)
        buf_add_format(out, "  %.10s %.8s", rfc3339, rfc3339 + 11);
    else
        buf_add_format(out, "  %-19s", "-");
}

static void add_row(struct buf *out, const json_t *row, const int widths[4])
{
    const char *tenant = text_of(row, "tenant");

    buf_add_format(out, "%-*s  %-*s  %-*s  %-*s", widths[0], text_of(row, "name"), widths[1],
                   *tenant ? tenant : "-", widths[2], text_of(row, "when"), widths[3], text_of(row, "zone"));
    add_instant(out, text_of(row, "next_at"));
    add_instant(out, text_of(row, "fired_at"));
    if (*text_of(row, "paused_at"))
        buf_add_text(out, "  paused");
    else if (strcmp(text_of(row, "skipped_at"), text_of(row, "fired_at")) > 0)
        buf_add_text(out, "  skipped: the last job has not ended");
    buf_add_char(out, '\n');
}

static int print_rows(const json_t *rows)
{
    const int widths[4] = { longest(rows, "name"), longest(rows, "tenant"), longest(rows, "when"),
                            longest(rows, "zone") };
    struct buf text = BUF_INIT;

    if (json_array_size(rows) == 0)
        buf_add_text(&text, "no schedules: no plugin that is loaded has one\n");
    else
        buf_add_format(&text, "%-*s  %-*s  %-*s  %-*s  %-19s  %-19s\n", widths[0], "NAME", widths[1],
                       "TENANT", widths[2], "WHEN", widths[3], "ZONE", "NEXT (UTC)", "LAST (UTC)");
    for (size_t i = 0; i < json_array_size(rows); i++)
        add_row(&text, json_array_get(rows, i), widths);
    return cli_print(&text);
}

static int print_json(const json_t *value)
{
    struct buf text = BUF_INIT;
    char *line = value ? json_dumps(value, JSON_COMPACT) : NULL;

    if (!line) {
        fputs("out of memory\n", stderr);
        return CLI_FAILED;
    }
    buf_add_format(&text, "%s\n", line);
    free(line);
    return cli_print(&text);
}

static int list(const struct cli *c)
{
    struct opened o;
    json_t *rows = json_array();
    int result = begin(&o, c);

    if (result == CLI_OK)
        result = schedule_list(o.session, collect, rows) < 0 ? say_error(&o)
                 : c->json                                   ? print_json(rows)
                                                             : print_rows(rows);
    json_decref(rows);
    finish(&o);
    return result;
}

/* ---- pause, resume, run ---- */

struct change {
    int (*act)(struct db_session *s, const char *name, const char *tenant, int64_t now_us);
    const char *done;
};

static int say_changed(const struct cli *c, const char *done, const char *name, int n)
{
    struct buf text = BUF_INIT;

    if (c->json) {
        json_t *answer = json_pack("{s:s, s:s, s:i}", "schedule", name, "done", done, "rows", n);
        int result = print_json(answer);
        json_decref(answer);
        return result;
    }
    buf_add_format(&text, "%s: %s", name, done);
    if (n > 1)
        buf_add_format(&text, " for %d tenants", n);
    buf_add_char(&text, '\n');
    return cli_print(&text);
}

static int change(const struct cli *c, const struct change *what)
{
    const char *name = c->argv[1], *tenant = c->argc > 2 ? c->argv[2] : NULL;
    struct opened o;
    int result = begin(&o, c);

    if (result == CLI_OK) {
        int n = what->act(o.session, name, tenant, o.now_us);
        if (n < 0)
            result = say_error(&o);
        else if (n > 0)
            result = say_changed(c, what->done, name, n);
        else {
            fprintf(stderr, "%s: there is no such schedule%s; see dowel schedule list\n", name,
                    tenant ? " of this tenant" : "");
            result = CLI_FAILED;
        }
    }
    finish(&o);
    return result;
}

static int pause_it(const struct cli *c)
{
    return change(c, &(struct change){ schedule_pause, "paused" });
}

static int resume_it(const struct cli *c)
{
    return change(c, &(struct change){ schedule_resume, "goes on" });
}

static int run_it(const struct cli *c)
{
    return change(c, &(struct change){ schedule_run, "its job was added" });
}

/* ---- next: what does an expression mean? ---- */

enum { NEXT_SHOWN = 5 };

static void add_next(struct buf *out, const struct zone *zone, int64_t next_us)
{
    char utc[CLOCK_RFC3339_SIZE], local[CLOCK_RFC3339_SIZE];
    int64_t seconds = civil_floor_div(next_us, CLOCK_SECOND), offset = zone_span_at(zone, seconds).offset;

    clock_format_rfc3339(next_us, utc);
    clock_format_rfc3339(next_us + offset * CLOCK_SECOND, local);
    buf_add_format(out, "%.19s%c%02d:%02d  %.19sZ\n", local, offset < 0 ? '-' : '+',
                   (int)((offset < 0 ? -offset : offset) / CIVIL_HOUR),
                   (int)((offset < 0 ? -offset : offset) % CIVIL_HOUR / CIVIL_MINUTE), utc);
}

static int print_next(const struct cli *c, const struct when *when, const struct zone *zone)
{
    json_t *instants = json_array();
    struct buf text = BUF_INIT;
    int64_t at_us = clock_wall_us();
    char rfc3339[CLOCK_RFC3339_SIZE];

    for (int i = 0; i < NEXT_SHOWN && when_next(when, at_us, &at_us); i++) {
        clock_format_rfc3339(at_us, rfc3339);
        json_array_append_new(instants, json_string(rfc3339));
        add_next(&text, zone, at_us);
    }
    if (text.n == 0)
        buf_add_text(&text, "never\n");
    int result = c->json ? print_json(instants) : cli_print(&text);
    buf_finish(&text);
    json_decref(instants);
    return result;
}

static int next(const struct cli *c)
{
    const struct zone *zone = zone_utc();
    struct buf why = BUF_INIT;
    struct when when;
    int result = CLI_FAILED;

    if ((c->argc > 2 && zone_find(&zone, str_from(c->argv[2]), &why) != 0) ||
        when_parse(&when, str_from(c->argv[1]), zone, &why) != 0) {
        fprintf(stderr, "%s\n", buf_text(&why));
    } else {
        when.anchor_us = clock_wall_us();
        result = print_next(c, &when, when.kind == WHEN_CRON ? when.cron.zone : zone);
    }
    buf_finish(&why);
    return result;
}

/* ---- the verb ---- */

static const struct action {
    const char *name, *needs; /* what its first argument is; NULL: it takes none */
    int most;                 /* arguments behind the name */
    int (*run)(const struct cli *c);
} actions[] = {
    { "list", NULL, 0, list },
    { "pause", "the name of a schedule", 2, pause_it },
    { "resume", "the name of a schedule", 2, resume_it },
    { "run", "the name of a schedule", 2, run_it },
    { "next", "an expression, such as \"0 3 * * *\"", 2, next },
};

static int run(const struct cli *c)
{
    if (c->argc == 0)
        return cli_usage(c, "say what to do: list, pause, resume, run or next");
    for (size_t i = 0; i < DW_COUNT_OF(actions); i++) {
        const struct action *a = &actions[i];
        if (strcmp(c->argv[0], a->name) != 0)
            continue;
        if (c->argc - 1 > a->most)
            return cli_usage(c, "%s: one argument too many", c->argv[a->most + 1]);
        if (c->argc == 1 && a->needs)
            return cli_usage(c, "schedule %s: %s is missing", a->name, a->needs);
        return a->run(c);
    }
    return cli_usage(c, "%s: schedule cannot do that", c->argv[0]);
}

const struct cli_verb cli_verb_schedule = {
    .name = "schedule",
    .arguments = "list | pause NAME [TENANT] | resume NAME [TENANT] | run NAME [TENANT] | next WHEN [ZONE]",
    .summary = "Shows and changes what happens by itself",
    .help =
        "A schedule is called by its plugin and its name: csvtime.poll. Without a TENANT those of all "
        "tenants are meant.\n"
        "\n"
        "list                    all that there are, when next and when last\n"
        "pause NAME [TENANT]     adds no jobs until it is resumed, also over restarts and on all servers\n"
        "resume NAME [TENANT]    goes on with the next instant; those meanwhile are not made up for\n"
        "run NAME [TENANT]       adds its job now, unless one waits already\n"
        "next WHEN [ZONE]        the next five instants of \"0 3 * * *\", \"every 5m\" or a date, on the "
        "clock of a zone\n"
        "                        (UTC) and in UTC; needs no server and no database\n"
        "\n"
        "All work beside a running server and without one.\n",
    .run = run,
};
