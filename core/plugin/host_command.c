/* host_command.c - the table of what a command does while it runs. */
#include <stdio.h>

#include "db/rows_table.h"
#include "plugin/call_db.h"
#include "plugin/command_output.h"
#include "plugin/host.h"
#include "plugin/rows.h"
#include "plugin/values.h"
#include "util/clock.h"

enum { ROWS_MAX = 10000, STAGED_MAX = 64 << 20 };

static const int64_t progress_every_us = 100 * (int64_t)CLOCK_MS;

/* ---- what was typed ---- */

static const dw_argument *declared(const dw_command *command, struct str name)
{
    const dw_argument *a = command->arguments;

    while (a->name && !str_equal(str_from(argument_key(a)), name))
        a++;
    return a->name ? a : NULL;
}

static int store(struct command_handle *h, struct str name, const dw_value *target)
{
    const dw_argument *a = declared(h->request->command, name);
    const char *expected;
    int rc;

    if (!a)
        return call_misuse(h->c, "dw_command_read: %.*s is no argument of the command %s", STR_ARG(name),
                           h->request->command->name);
    const json_t *value = json_object_get(h->request->typed.values, argument_key(a));
    if (json_is_string(value) && target->type != DW_TO_JSON)
        rc = value_store_text(target, str_make(json_string_value(value), json_string_length(value)),
                              &expected);
    else
        rc = value_store_json(target, value, &expected);
    if (rc == 0)
        return 0;
    if (!value_is_target(target))
        return call_misuse(h->c, "dw_command_read: %.*s has no %s", STR_ARG(name), expected);
    return call_fail(h->c, DW_EINVALID, "%s: say %s", a->name, expected);
}

static int read(dw_command_run *run, dw_list pairs)
{
    struct command_handle *h;

    DW_TRY(command_handle_check(run, "dw_command_read", &h));
    const char *wrong = pairs_wrong(pairs);
    if (wrong)
        return call_misuse(h->c, "dw_command_read was given %s", wrong);
    for (size_t i = 0; i < pairs.n; i += 2)
        DW_TRY(store(h, value_text(&pairs.v[i]), &pairs.v[i + 1]));
    return 0;
}

/* The handle, of a step that cannot fail; NULL after it was told. */
static struct command_handle *mine(dw_command_run *run, const char *step)
{
    struct command_handle *h = (struct command_handle *)(void *)run;

    if (h && call_is_mine(h->c))
        return h;
    call_stray(h ? h->c : NULL, step);
    return NULL;
}

static dw_secret secret(dw_command_run *run)
{
    const struct command_handle *h = mine(run, "dw_command_secret");

    return (dw_secret){ h && h->request->secret.n > 0 ? h->request->secret.p : NULL };
}

static dw_bytes input(dw_command_run *run)
{
    const struct command_handle *h = mine(run, "dw_command_input");
    struct str bytes = h ? h->request->input : str_make(NULL, 0);

    return (dw_bytes){ bytes.n > 0 ? bytes.p : "", bytes.n };
}

/* ---- printing ---- */

static int added(struct command_handle *h, const char *step, const struct buf *to)
{
    if (buf_failed(to))
        return call_fail(h->c, DW_ENOMEM, "%s: out of memory", step);
    if (to->n > STAGED_MAX)
        return call_fail(h->c, DW_ETOOLARGE,
                         "%s: more than %d MiB are printed that cannot be shown yet; commit in between", step,
                         STAGED_MAX >> 20);
    command_output_added(h->output, h->c);
    return 0;
}

static int add_members(struct command_handle *h, const char *step, json_t *members)
{
    int rc = members ? json_object_update(h->output->members, members) : -1;

    json_decref(members);
    return rc == 0 ? 0 : call_fail(h->c, DW_ENOMEM, "%s: out of memory", step);
}

static int check_pairs(struct command_handle *h, const char *step, dw_list pairs)
{
    const char *wrong = pairs_values_wrong(pairs);

    return wrong ? call_misuse(h->c, "%s was given %s", step, wrong) : 0;
}

/* As a table of rows has it: null is a dash, a time has no quotes. */
static void add_value(struct buf *out, const dw_value *value)
{
    bool is_null =
        value->type == DW_NULL || ((value->type == DW_TEXT || value->type == DW_JSON) && !value->as.p);
    char time[CLOCK_RFC3339_SIZE];
    struct buf plain = BUF_INIT;

    if (is_null || value->type == DW_TIME) {
        if (!is_null)
            clock_format_rfc3339(value->as.i, time);
        buf_add_text(out, is_null ? "-" : time);
        return;
    }

    value_write_plain(&plain, value);
    command_output_plain(out, buf_str(&plain));
    out->failed |= buf_failed(&plain);
    buf_finish(&plain);
}

static int print(dw_command_run *run, dw_list list)
{
    static const char step[] = "dw_command_print";
    const dw_list pairs = { list.v + 1, list.n > 0 ? list.n - 1 : 0 };
    struct command_handle *h;

    DW_TRY(command_handle_check(run, step, &h));
    if (list.n == 0 || list.v[0].type != DW_TEXT || !list.v[0].as.p)
        return call_misuse(h->c, "%s has no text", step);
    DW_TRY(check_pairs(h, step, pairs));
    if (h->output->json)
        return add_members(h, step, pairs_to_json(pairs));
    struct buf *out = command_output_text(h->output, h->c);
    command_output_plain(out, value_text(&list.v[0]));
    for (size_t i = 0; i < pairs.n; i += 2) {
        buf_add_format(out, "%s%.*s: ", i ? ", " : " (", STR_ARG(value_text(&pairs.v[i])));
        add_value(out, &pairs.v[i + 1]);
    }
    buf_add_text(out, pairs.n > 0 ? ")\n" : "\n");
    return added(h, step, out);
}

static int show(dw_command_run *run, dw_list pairs)
{
    static const char step[] = "dw_command_show";
    struct command_handle *h;
    size_t widest = 0;

    DW_TRY(command_handle_check(run, step, &h));
    DW_TRY(check_pairs(h, step, pairs));
    if (h->output->json)
        return add_members(h, step, pairs_to_json(pairs));
    struct buf *out = command_output_text(h->output, h->c);
    for (size_t i = 0; i < pairs.n; i += 2) {
        size_t width = table_width(value_text(&pairs.v[i]));
        widest = width > widest ? width : widest;
    }
    for (size_t i = 0; i < pairs.n; i += 2) {
        struct str name = value_text(&pairs.v[i]);
        buf_add_format(out, "%.*s%*s  ", STR_ARG(name), (int)(widest - table_width(name)), "");
        add_value(out, &pairs.v[i + 1]);
        buf_add_char(out, '\n');
    }
    return added(h, step, out);
}

/* ---- rows ---- */

static int begin_rows(dw_command_run *run, const char *step, dw_rows *rows, struct command_handle **h,
                      struct rows_slot **slot)
{
    DW_TRY(command_handle_check(run, step, h));
    return rows_check(rows, step, slot);
}

static int row_as_json(struct command_handle *h, const char *step, struct db_rows *rows)
{
    struct buf text = BUF_INIT;
    json_t *members = NULL;

    if (db_rows_write_json(rows, &text) == 0 && !buf_failed(&text))
        members = json_loadb(text.p, text.n, 0, NULL);
    buf_finish(&text);
    return add_members(h, step, members);
}

static int row(dw_command_run *run, dw_rows *rows)
{
    static const char step[] = "dw_command_row";
    struct command_handle *h;
    struct rows_slot *s;

    DW_TRY(begin_rows(run, step, rows, &h, &s));
    int rc = rows_next(s, step);
    if (rc == 0)
        return call_fail(h->c, DW_ENOTFOUND, "there is no such thing");
    DW_TRY(rc);
    if (h->output->json)
        return row_as_json(h, step, s->rows);
    struct buf *out = command_output_text(h->output, h->c);
    DW_TRY(call_session_result(s->c, step, table_write_row(out, s->rows)));
    return added(h, step, out);
}

static int too_many(struct command_handle *h, const char *step)
{
    return call_fail(h->c, DW_ETOOLARGE, "%s: these are more than %d rows; let an option say how many", step,
                     ROWS_MAX);
}

static int rows_as_json(struct command_handle *h, const char *step, struct rows_slot *s)
{
    struct command_output *o = h->output;
    int rc, n = 0;

    if (o->has_items)
        return call_misuse(h->c, "%s: a second list; with --output json there is one", step);
    o->has_items = true;
    while ((rc = rows_next(s, step)) > 0) {
        if (n++ == ROWS_MAX)
            return too_many(h, step);
        if (n > 1)
            buf_add_char(&o->items, ',');
        if (db_rows_write_json(s->rows, &o->items) != 0)
            return call_fail(h->c, DW_EINVALID, "%s: a text of the rows is not UTF-8", step);
    }
    return rc < 0 ? rc : added(h, step, &o->items);
}

static int rows_as_table(struct command_handle *h, const char *step, struct rows_slot *s)
{
    struct buf *out = command_output_text(h->output, h->c);
    int rc = s->at_end ? 0 : table_write(out, s->rows, ROWS_MAX);

    if (rc == DW_ETOOLARGE)
        return too_many(h, step);
    if (rc == DW_ENOMEM)
        return call_fail(h->c, rc, "%s: out of memory", step);
    DW_TRY(call_session_result(s->c, step, rc));
    rows_close(s);
    s->at_end = true;
    if (rc == 0)
        buf_add_text(out, "none\n");
    return added(h, step, out);
}

static int rows(dw_command_run *run, dw_rows *handle)
{
    static const char step[] = "dw_command_rows";
    struct command_handle *h;
    struct rows_slot *s;

    DW_TRY(begin_rows(run, step, handle, &h, &s));
    return h->output->json ? rows_as_json(h, step, s) : rows_as_table(h, step, s);
}

/* ---- while it runs ---- */

static int ask(dw_command_run *run, const char *question)
{
    static const char step[] = "dw_command_ask";
    struct command_handle *h;

    DW_TRY(command_handle_check(run, step, &h));
    if (!(h->request->command->flags & DW_COMMAND_ASKS) || !question || !str_is_utf8(str_from(question)))
        return call_misuse(h->c, "%s: %s", step,
                           question
                               ? "the command does not have DW_COMMAND_ASKS, or the question is not UTF-8"
                               : "no question");
    DW_TRY(call_refuse_in_transaction(h->c, step));
    if (h->request->typed.yes)
        return 1;
    if (!h->output->json)
        command_output_flush(h->output);
    call_seen_outside(h->c); /* nobody answers twice */
    enum command_answer answer = h->sink->ask(question, h->c, h->sink->ud);
    if (call_is_cancelled(h->c))
        return call_fail(h->c, DW_ECANCELLED, "it was cancelled");
    if (answer == COMMAND_NOBODY)
        return call_fail(h->c, DW_EINVALID,
                         "it asks before it goes on, and standard input is no terminal: say --yes");
    return answer == COMMAND_YES;
}

static int progress(dw_command_run *run, int64_t done, int64_t total, const char *what)
{
    int64_t now_us = clock_monotonic_us();
    struct command_handle *h;

    DW_TRY(command_handle_check(run, "dw_command_progress", &h));
    if (call_is_cancelled(h->c))
        return call_fail(h->c, DW_ECANCELLED, "it was cancelled");
    if (now_us - h->told_us < progress_every_us && done != total)
        return 0;
    h->told_us = now_us;
    h->sink->progress(done, total, what ? what : "", h->sink->ud);
    return 0;
}

const dw_command_api host_command_api = {
    .struct_size = sizeof(dw_command_api),
    .read = read,
    .secret = secret,
    .input = input,
    .print = print,
    .show = show,
    .row = row,
    .rows = rows,
    .ask = ask,
    .progress = progress,
};
