/* job.c - `dowel job`: what waits, runs and went wrong; directly in the database, with a server running or without. */
#include <stdio.h>
#include <string.h>

#include "cli/database.h"
#include "cli/note.h"
#include "cli/settings.h"
#include "jobs/admin.h"
#include "jobs/jobs.h"
#include "log/log.h"
#include "secure/uuid.h"
#include "supervise/lock.h"
#include "util/clock.h"
#include "util/compiler.h"
#include "util/json.h"

struct view {
    const struct cli *c;
    struct config *config;
    struct db *db;
    struct db_session *s;
    bool is_serving;
};

/* ---- the database ---- */

static int say_missing(const struct database_place *place)
{
    struct buf where = BUF_INIT;

    database_describe(&where, place);
    fprintf(stderr, "%s: there is no database yet, so no jobs either; start the server, or: dowel db up\n",
            buf_text(&where));
    buf_finish(&where);
    return CLI_FAILED;
}

static int open_database(struct view *v)
{
    const struct db_who who = { .owner = "core", .now_us = clock_wall_us() };
    struct database_place place;
    struct buf why = BUF_INIT;
    int result = CLI_OK;

    database_find(&place, core_config(v->config), v->c->data_dir);
    if (!database_exists(&place))
        return say_missing(&place);
    if (db_open(&v->db, &place.options, &why) != 0) {
        fprintf(stderr, "%s\n", buf_text(&why));
        result = CLI_FAILED;
    } else if (db_session_create(&v->s, v->db, &who) != 0) {
        fputs("out of memory\n", stderr);
        result = CLI_FAILED;
    }
    buf_finish(&why);
    return result;
}

static int open_view(struct view *v, const struct cli *c)
{
    *v = (struct view){ .c = c };
    log_set_level(LOG_WARN);
    int result = cli_config_load(c, NULL, 0, &v->config, NULL);
    v->is_serving = data_lock_holder(c->data_dir) != 0;
    return result == CLI_OK ? open_database(v) : result;
}

static void close_view(struct view *v)
{
    db_session_destroy(v->s);
    db_close(v->db);
    config_drop(v->config);
}

/* The database's words; before the server's first start it has no such table. */
static int say_failed(const struct view *v)
{
    fprintf(
        stderr,
        "the jobs cannot be read or changed: %s; dowel db status tells whether the database is up to date\n",
        db_error_of(v->s)->text);
    return CLI_FAILED;
}

/* ---- showing ---- */

static int print_document(struct buf *json)
{
    buf_add_char(json, '\n');
    return cli_print(json);
}

static json_t *parse(const struct buf *text)
{
    struct json_fault fault;
    json_t *json = NULL;

    return json_strict_parse(buf_str(text), 0, &json, &fault) == 0 ? json : NULL;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

/* "2026-11-27 09:44:20": to the second, without a zone: all times here are UTC. */
static const char *time_of(const json_t *object, const char *name, char out[20])
{
    const char *text = text_of(object, name);

    snprintf(out, 20, "%.10s %.8s", text, strlen(text) > 11 ? text + 11 : "");
    return *text ? out : "";
}

static const char *since(const json_t *job, char out[20])
{
    static const struct {
        const char *state, *time;
    } times[] = { { "waiting", "due_at" }, { "running", "started_at" } };

    for (size_t i = 0; i < DW_COUNT_OF(times); i++) {
        if (strcmp(text_of(job, "state"), times[i].state) == 0)
            return time_of(job, times[i].time, out);
    }
    return time_of(job, *text_of(job, "ended_at") ? "ended_at" : "due_at", out);
}

static void add_row(struct buf *out, const json_t *job, int kinds)
{
    const json_t *total = json_object_get(job, "progress_total");
    char at[20];

    buf_add_format(out, "%s  %-*s  %-9s  %8lld  %-19s", text_of(job, "id"), kinds, text_of(job, "kind"),
                   text_of(job, "state"), (long long)json_integer_value(json_object_get(job, "attempts")),
                   since(job, at));
    if (json_is_integer(total))
        buf_add_format(out, "  %lld of %lld",
                       (long long)json_integer_value(json_object_get(job, "progress_done")),
                       (long long)json_integer_value(total));
    if (*text_of(job, "error"))
        buf_add_format(out, "  %s", text_of(job, "error"));
    buf_add_char(out, '\n');
}

static int longest_kind(const json_t *rows)
{
    size_t most = strlen("KIND");

    for (size_t i = 0; i < json_array_size(rows); i++) {
        size_t n = strlen(text_of(json_array_get(rows, i), "kind"));
        most = n > most ? n : most;
    }
    return (int)most;
}

static int print_list(const json_t *rows)
{
    int kinds = longest_kind(rows);
    struct buf text = BUF_INIT;

    if (json_array_size(rows) == 0)
        buf_add_text(&text, "no jobs\n");
    else
        buf_add_format(&text, "%-36s  %-*s  STATE      ATTEMPTS  DUE, BEGUN OR ENDED\n", "ID", kinds, "KIND");
    for (size_t i = 0; i < json_array_size(rows); i++)
        add_row(&text, json_array_get(rows, i), kinds);
    return cli_print(&text);
}

static void add_failure(struct buf *out, const json_t *failure)
{
    char at[20];

    buf_add_format(out, "  attempt %lld  %s  %.3f s  %s: %s\n",
                   (long long)json_integer_value(json_object_get(failure, "attempt")),
                   time_of(failure, "started_at", at), json_real_value(json_object_get(failure, "seconds")),
                   text_of(failure, "server"), text_of(failure, "error"));
}

static void add_line(struct buf *out, const char *name, const char *value)
{
    if (*value)
        buf_add_format(out, "%-10s  %s\n", name, value);
}

static int print_history(const json_t *job)
{
    static const char *const lines[] = { "id",         "kind",      "state",      "tenant", "principal",
                                         "unique_key", "queue_key", "created_at", "due_at", "started_at",
                                         "ended_at",   "server",    "error" };
    const json_t *failures = json_object_get(job, "failures");
    char *payload = json_dumps(json_object_get(job, "payload"), JSON_COMPACT | JSON_ENCODE_ANY);
    struct buf text = BUF_INIT;

    for (size_t i = 0; i < DW_COUNT_OF(lines); i++)
        add_line(&text, lines[i], text_of(job, lines[i]));
    buf_add_format(&text, "%-10s  %lld\n", "attempts",
                   (long long)json_integer_value(json_object_get(job, "attempts")));
    add_line(&text, "payload", payload ? payload : "");
    if (json_array_size(failures) > 0)
        buf_add_text(&text, "failures\n");
    for (size_t i = 0; i < json_array_size(failures); i++)
        add_failure(&text, json_array_get(failures, i));
    free(payload);
    return cli_print(&text);
}

/* ---- the actions ---- */

static int list(struct view *v)
{
    const struct cli *c = v->c;
    const struct job_filter filter = { .state = cli_option_value(c, "state", 0),
                                       .owner = cli_option_value(c, "plugin", 0),
                                       .kind = cli_option_value(c, "kind", 0) };
    struct buf text = BUF_INIT;
    int result = CLI_OK;

    if (job_list(v->s, &filter, &text) < 0)
        result = say_failed(v);
    else if (c->json)
        result = print_document(&text);
    else {
        json_t *rows = parse(&text);
        result = print_list(rows);
        json_decref(rows);
    }
    buf_finish(&text);
    return result;
}

static int kinds(struct view *v)
{
    struct buf text = BUF_INIT, out = BUF_INIT;
    int result = CLI_OK;

    if (job_kinds(v->s, &text) < 0)
        result = say_failed(v);
    else if (v->c->json)
        result = print_document(&text);
    else {
        json_t *rows = parse(&text);
        int width = longest_kind(rows);
        buf_add_format(&out, "%-*s  WAITING  RUNNING\n", width, "KIND");
        for (size_t i = 0; i < json_array_size(rows); i++) {
            const json_t *k = json_array_get(rows, i);
            buf_add_format(&out, "%-*s  %7lld  %7lld%s\n", width, text_of(k, "kind"),
                           (long long)json_integer_value(json_object_get(k, "waiting")),
                           (long long)json_integer_value(json_object_get(k, "running")),
                           json_is_true(json_object_get(k, "paused")) ? "  paused" : "");
        }
        result = cli_print(&out);
        json_decref(rows);
    }
    buf_finish(&text);
    return result;
}

static int check_id(const struct view *v, const char *id)
{
    if (uuid_parse(str_from(id), NULL) == 0)
        return CLI_OK;
    return cli_usage(v->c, "%s: this is no id of a job; dowel job list shows them", id);
}

static int history(struct view *v)
{
    const char *id = v->c->argv[1];
    struct buf text = BUF_INIT;
    int result = check_id(v, id);

    if (result != CLI_OK)
        return result;
    int rc = job_history(v->s, id, &text);
    if (rc < 0) {
        result = say_failed(v);
    } else if (rc == 0) {
        fprintf(stderr, "%s: there is no such job, or it has been removed\n", id);
        result = CLI_FAILED;
    } else if (v->c->json) {
        result = print_document(&text);
    } else {
        json_t *job = parse(&text);
        result = print_history(job);
        json_decref(job);
    }
    buf_finish(&text);
    return result;
}

/* What was done: {"jobs": 1} or a sentence. */
static int print_done(const struct view *v, int64_t n, const char *sentence)
{
    struct buf text = BUF_INIT;

    if (v->c->json)
        buf_add_format(&text, "{\"jobs\":%lld}\n", (long long)n);
    else
        buf_add_format(&text, "%s%s\n", sentence, v->is_serving ? "" : ", once a server runs");
    return cli_print(&text);
}

static bool is_known(struct view *v, const char *kind, int *rc)
{
    const char *found;

    *rc = db_find(v->s, DW_TO(&found), DB_BY_CORE,
                  DW_LIST("SELECT kind FROM dowel_job_kinds WHERE kind = $1", kind));
    return *rc > 0;
}

static int say_unknown(const char *kind)
{
    fprintf(stderr,
            "%s: no server has had such a kind of job; dowel job kinds shows those that there are, each with "
            "its plugin's name in front\n",
            kind);
    return CLI_FAILED;
}

static int check_payload(const struct view *v, const char *payload)
{
    struct json_fault fault;
    json_t *json;

    if (json_strict_parse(str_from(payload), 0, &json, &fault) != 0)
        return cli_usage(v->c, "the payload is no JSON: %s, at character %u", fault.text, fault.column);
    int result =
        json_is_object(json) ? CLI_OK : cli_usage(v->c, "the payload has to be a JSON object: {...}");
    json_decref(json);
    return result;
}

static int add(struct view *v)
{
    const struct cli *c = v->c;
    const char *kind = c->argv[1], *payload = c->argc > 2 ? c->argv[2] : "{}";
    const char *tenant = cli_option_value(c, "tenant", 0);
    char id[JOB_ID_SIZE] = "";
    struct buf text = BUF_INIT;
    int result = check_payload(v, payload), rc;

    if (result != CLI_OK)
        return result;
    if (tenant && uuid_parse(str_from(tenant), NULL) != 0)
        return cli_usage(c, "--tenant %s: a tenant is named by its id, a UUID", tenant);
    if (!is_known(v, kind, &rc))
        return rc < 0 ? say_failed(v) : say_unknown(kind);
    if (job_add(v->s, &(struct job_new){
                          .kind = kind, .tenant = tenant, .payload = str_from(payload), .id = id }) < 0)
        return say_failed(v);
    buf_add_format(&text, c->json ? "{\"id\":\"%s\"}\n" : "added %s\n", id);
    return cli_print(&text);
}

/* Where nothing was found, nothing is written down. */
static int end_change(struct view *v, int rc, const char *action)
{
    return cli_note_end(v->s, rc,
                        rc > 0 ? &(struct cli_note){ .action = action, .target = v->c->argv[1] } : NULL);
}

static int replay_all(struct view *v)
{
    const struct job_filter filter = { .owner = cli_option_value(v->c, "plugin", 0),
                                       .kind = cli_option_value(v->c, "kind", 0) };
    int n = cli_note_begin(v->s);

    if (n >= 0)
        n = (int)job_replay_all(v->s, &filter, clock_wall_us());
    n = cli_note_end(v->s, n,
                     n > 0 ? &(struct cli_note){ .action = "core.job.replayed_all",
                                                 .values = DW_LIST("jobs", n, "plugin", filter.owner, "kind",
                                                                   filter.kind) }
                           : NULL);
    char sentence[60];

    if (n < 0)
        return say_failed(v);
    snprintf(sentence, sizeof(sentence), "%d jobs run again", n);
    return print_done(v, n, sentence);
}

static int replay(struct view *v)
{
    bool all = cli_option_value(v->c, "all", 0) != NULL;

    if (all != (v->c->argc == 1))
        return cli_usage(v->c, "job replay takes the id of a job, or --all");
    if (all)
        return replay_all(v);
    int result = check_id(v, v->c->argv[1]);
    if (result != CLI_OK)
        return result;
    int rc = cli_note_begin(v->s);
    if (rc >= 0)
        rc = job_replay(v->s, v->c->argv[1], clock_wall_us());
    rc = end_change(v, rc, "core.job.replayed");
    if (rc > 0)
        return print_done(v, rc, "it runs again");
    if (rc == DW_ECONFLICT)
        fputs("another job with its unique key waits already\n", stderr);
    else if (rc == 0)
        fprintf(stderr, "%s: no such job was given up or cancelled\n", v->c->argv[1]);
    return rc == 0 || rc == DW_ECONFLICT ? CLI_FAILED : say_failed(v);
}

static int set_paused(struct view *v, bool paused)
{
    int rc = cli_note_begin(v->s);

    if (rc >= 0)
        rc = job_pause(v->s, v->c->argv[1], paused, clock_wall_us());
    rc = end_change(v, rc, paused ? "core.job.paused" : "core.job.resumed");
    if (rc < 0)
        return say_failed(v);
    return rc > 0 ? print_done(v, rc, paused ? "none of them is begun any more" : "they run again")
                  : say_unknown(v->c->argv[1]);
}

static int pause_kind(struct view *v)
{
    return set_paused(v, true);
}

static int resume_kind(struct view *v)
{
    return set_paused(v, false);
}

static int cancel(struct view *v)
{
    int result = check_id(v, v->c->argv[1]);

    if (result != CLI_OK)
        return result;
    int rc = cli_note_begin(v->s);
    if (rc >= 0)
        rc = job_cancel_id(v->s, v->c->argv[1], clock_wall_us());
    rc = end_change(v, rc, "core.job.cancelled");
    if (rc > 0)
        return print_done(v, rc, "cancelled");
    if (rc == 0)
        fprintf(stderr, "%s: no such job waits or runs\n", v->c->argv[1]);
    return rc == 0 ? CLI_FAILED : say_failed(v);
}

/* ---- the verb ---- */

static const struct action {
    const char *name, *needs; /* what its first argument is; NULL: it needs none */
    int most;                 /* arguments behind the name */
    const char *options;      /* that it takes */
    int (*run)(struct view *v);
} actions[] = {
    { "list", NULL, 0, "state plugin kind", list },   { "kinds", NULL, 0, "", kinds },
    { "history", "the id of a job", 1, "", history }, { "run", "PLUGIN.KIND", 2, "tenant", add },
    { "replay", NULL, 1, "all plugin kind", replay }, { "cancel", "the id of a job", 1, "", cancel },
    { "pause", "PLUGIN.KIND", 1, "", pause_kind },    { "resume", "PLUGIN.KIND", 1, "", resume_kind },
};

static int check_options(const struct cli *c, const struct action *a)
{
    for (size_t i = 0; i < c->given_n; i++) {
        if (!strstr(a->options, c->given[2 * i]))
            return cli_usage(c, "--%s: job %s does not take it", c->given[2 * i], a->name);
    }
    return CLI_OK;
}

static int carry_out(const struct cli *c, const struct action *a)
{
    struct view v;

    if (c->argc - 1 > a->most)
        return cli_usage(c, "%s: one argument too many", c->argv[a->most + 1]);
    if (c->argc == 1 && a->needs)
        return cli_usage(c, "job %s: %s is missing", a->name, a->needs);
    int result = check_options(c, a);
    if (result != CLI_OK)
        return result;
    result = open_view(&v, c);
    if (result == CLI_OK)
        result = a->run(&v);
    close_view(&v);
    return result;
}

static int run(const struct cli *c)
{
    if (c->argc == 0)
        return cli_usage(c, "say what to do: list, kinds, history, run, replay, cancel, pause or resume");
    for (size_t i = 0; i < DW_COUNT_OF(actions); i++) {
        if (strcmp(c->argv[0], actions[i].name) == 0)
            return carry_out(c, &actions[i]);
    }
    return cli_usage(c, "%s: job cannot do that", c->argv[0]);
}

static const struct cli_option options[] = {
    { "state", "STATE", "list: only those that are waiting, running, ending, done, dead or cancelled",
      false },
    { "plugin", "NAME", "list, replay --all: only those of that plugin", false },
    { "kind", "PLUGIN.KIND", "list, replay --all: only those of that kind", false },
    { "all", NULL, "replay: all that were given up", false },
    { "tenant", "UUID", "run: for that tenant; without it for none", false },
    { NULL, NULL, NULL, false },
};

const struct cli_verb cli_verb_job = {
    .name = "job",
    .arguments =
        "list | kinds | history ID | run PLUGIN.KIND [JSON] | replay ID | replay --all | cancel ID | "
        "pause PLUGIN.KIND | resume PLUGIN.KIND",
    .summary = "Shows the jobs that plugins have added, and runs, cancels and holds them back",
    .help =
        "list                    the newest 100 jobs, or those that the options choose\n"
        "kinds                   what plugins can do, how much of it waits, and what is paused\n"
        "history ID              all about one job: its payload, and why each attempt failed\n"
        "run PLUGIN.KIND [JSON]  adds a job with that payload, {} if none is given\n"
        "replay ID, --all        a job that was given up (dead) or cancelled begins anew\n"
        "cancel ID               takes a waiting job out, or stops a running one, on whatever server\n"
        "pause, resume           no server begins jobs of that kind, until it is resumed; what runs goes on\n"
        "\n"
        "All work with a server running or without. Times are UTC.\n",
    .options = options,
    .run = run,
};
