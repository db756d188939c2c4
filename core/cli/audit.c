/* audit.c - `dowel audit`: who did what; and whether the log still is what was written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/query.h"
#include "audit/seal.h"
#include "audit/verify.h"
#include "cli/settings.h"
#include "cli/store.h"
#include "util/clock.h"
#include "util/compiler.h"
#include "util/json.h"

/* The store, and the log in it. */
struct opened {
    const struct cli *c;
    struct cli_store store;
    struct audit *audit;
    struct audit_filter filter;
};

/* ---- what is asked for ---- */

static int read_when(const struct opened *o, const char *option, int64_t *out)
{
    const char *text = cli_option_value(o->c, option, 0);

    if (!text || cli_parse_when(text, o->store.now_us, out))
        return CLI_OK;
    return cli_usage(o->c, "--%s %s: say when, as 2026-11-21T08:05:00Z, or how long ago, as 2h or 7d", option,
                     text);
}

static int read_filter(struct opened *o)
{
    const char *wrong;
    int result;

    o->filter = (struct audit_filter){
        .tenant = cli_option_value(o->c, "tenant", 0),
        .actor = cli_option_value(o->c, "actor", 0),
        .action = cli_option_value(o->c, "action", 0),
        .target = cli_option_value(o->c, "target", 0),
        .request = cli_option_value(o->c, "request", 0),
    };
    wrong = audit_filter_wrong(&o->filter);
    if (wrong)
        return cli_usage(o->c, "%s", wrong);
    result = read_when(o, "since", &o->filter.since_us);
    return result == CLI_OK ? read_when(o, "until", &o->filter.until_us) : result;
}

static int say_failed(struct opened *o, int rc)
{
    struct buf why = BUF_INIT;

    return cli_store_result(&o->store, rc, &why, NULL, NULL);
}

/* ---- list ---- */

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "-";
}

static void add_line(struct buf *out, const json_t *record)
{
    const json_t *actor = json_object_get(record, "actor"), *values = json_object_get(record, "values");
    const char *name = json_string_value(json_object_get(actor, "name")), *id = text_of(actor, "id");
    char *shown = json_dumps(values, JSON_COMPACT);

    buf_add_format(out, "%s  %-9s %-36s  %s  %s", text_of(record, "at"), text_of(actor, "kind"),
                   name ? name : id, text_of(record, "action"), text_of(record, "target"));
    if (shown && strcmp(shown, "{}") != 0)
        buf_add_format(out, "  %s", shown);
    buf_add_text(out, json_is_null(json_object_get(record, "seq")) ? "  (not sealed yet)\n" : "\n");
    free(shown);
}

static int print_lines(const struct buf *text, const char *next)
{
    struct buf out = BUF_INIT;
    struct json_fault fault;
    json_t *records, *record;
    size_t i;

    if (json_strict_parse(buf_str(text), 0, &records, &fault) != 0) {
        fprintf(stderr, "what was found cannot be shown: %s\n", fault.text);
        return CLI_FAILED;
    }
    json_array_foreach(records, i, record)
    {
        add_line(&out, record);
    }
    if (json_array_size(records) == 0)
        buf_add_text(&out, "no records\n");
    if (*next)
        buf_add_format(&out, "older ones: --before %s\n", next);
    json_decref(records);
    return cli_print(&out);
}

static int list(struct opened *o)
{
    const char *before = cli_option_value(o->c, "before", 0);
    struct buf text = BUF_INIT, out = BUF_INIT;
    char next[UUID_TEXT_SIZE];
    int64_t limit;
    int result;

    if (cli_read_limit(o->c, &limit) != 0)
        return CLI_USAGE;
    if (before && uuid_parse(str_from(before), NULL) != 0)
        return cli_usage(o->c, "--before %s: this is no id of a record", before);
    int rc = audit_list(o->audit, o->store.session, &o->filter, before, limit, &text, next);
    if (rc < 0) {
        result = say_failed(o, rc);
    } else if (o->c->json) {
        buf_add_format(&out, "{\"records\":%s,\"next\":", buf_text(&text));
        buf_add_format(&out, *next ? "\"%s\"}\n" : "null}\n", next);
        result = cli_print(&out);
    } else {
        result = print_lines(&text, next);
    }
    buf_finish(&text);
    return result;
}

/* ---- export ---- */

static int write_piece(struct str piece, void *ud)
{
    (void)ud;
    return fwrite(piece.p, 1, piece.n, stdout) == piece.n ? 0 : DW_EGONE;
}

static int export(struct opened *o)
{
    const char *format = cli_option_value(o->c, "format", 0);
    bool is_csv = format && strcmp(format, "csv") == 0;

    if (format && !is_csv && strcmp(format, "ndjson") != 0)
        return cli_usage(o->c, "--format %s: say ndjson or csv", format);
    int64_t n = audit_export(o->audit, o->store.session, &o->filter, is_csv ? AUDIT_CSV : AUDIT_NDJSON,
                             write_piece, NULL);
    if (n == DW_EGONE || (n >= 0 && fflush(stdout) != 0)) {
        fputs("the records cannot be written to standard output\n", stderr);
        return CLI_FAILED;
    }
    return n < 0 ? say_failed(o, (int)n) : CLI_OK;
}

/* ---- verify ---- */

static const char *const kinds[] = {
    [VERIFY_CHANGED] = "changed",       [VERIFY_REMOVED] = "removed", [VERIFY_ADDED] = "added",
    [VERIFY_HEAD_WRONG] = "checkpoint", [VERIFY_OTHER] = "other",
};

struct findings {
    struct buf out;
    bool is_json;
};

static void add_finding(const struct verify_finding *found, void *ud)
{
    struct findings *f = ud;

    if (!f->is_json) {
        buf_add_format(&f->out, "%s\n", found->text);
        return;
    }
    buf_add_format(&f->out, "%s{\"kind\":\"%s\",\"from\":%lld,\"to\":%lld,\"id\":", f->out.n > 0 ? "," : "",
                   kinds[found->kind], (long long)found->seq, (long long)found->until);
    buf_add_json(&f->out, str_from(found->id));
    buf_add_text(&f->out, ",\"text\":");
    buf_add_json(&f->out, str_from(found->text));
    buf_add_char(&f->out, '}');
}

static void tell_json(struct buf *out, const struct verify *v, struct findings *f)
{
    buf_add_format(out,
                   "{\"intact\":%s,\"records\":%lld,\"removed\":%lld,\"unsealed\":%lld,\"seq\":%lld,"
                   "\"hash\":\"%s\",\"findings\":[%s]}\n",
                   v->findings == 0 ? "true" : "false", (long long)v->records, (long long)v->removed,
                   (long long)v->unsealed, (long long)v->seq, v->hash, buf_text(&f->out));
}

static void tell_unsealed(struct buf *out, const struct verify *v)
{
    char at[CLOCK_RFC3339_SIZE];

    if (v->unsealed == 0)
        return;
    clock_format_rfc3339(v->oldest_unsealed_us, at);
    buf_add_format(out, "%lld not sealed yet, the oldest of %s; a server that runs does so within a second\n",
                   (long long)v->unsealed, at);
}

static void tell_text(struct buf *out, const struct verify *v, struct findings *f)
{
    buf_add_text(out, buf_text(&f->out));
    tell_unsealed(out, v);
    if (v->removed > 0)
        buf_add_format(out, "the first %lld were removed, as audit_keep says\n", (long long)v->removed);
    if (v->findings > 0) {
        buf_add_format(out, "the audit log is broken: %lld finding%s in %lld records\n",
                       (long long)v->findings, v->findings == 1 ? "" : "s", (long long)v->records);
        return;
    }
    buf_add_format(out, "%lld records are as they were sealed\n", (long long)v->records);
    if (v->seq > 0)
        buf_add_format(out, "to be noted down, for a later --expect: %lld:%s\n", (long long)v->seq, v->hash);
}

static int verify(struct opened *o)
{
    const char *expected = cli_option_value(o->c, "expect", 0);
    struct findings found = { .is_json = o->c->json };
    struct verify v = { .found = add_finding, .ud = &found };
    struct buf out = BUF_INIT;
    int result;

    if (expected && verify_expected_parse(expected, &v.expected) != 0)
        return cli_usage(o->c, "--expect %s: say what an earlier verify said, as 17:ab01...", expected);
    int rc = audit_verify(&v, o->store.session, o->store.keyring);
    if (rc < 0) {
        result = say_failed(o, rc);
    } else {
        (o->c->json ? tell_json : tell_text)(&out, &v, &found);
        result = cli_print(&out);
    }
    buf_finish(&found.out);
    return result == CLI_OK && v.findings > 0 ? CLI_BROKEN : result;
}

/* ---- accept ---- */

static int confirm(const struct cli *c)
{
    char answer[16] = "";

    if (cli_option_value(c, "yes", 0))
        return CLI_OK;
    if (!isatty(STDIN_FILENO))
        return cli_usage(c, "accept: confirms what this server has not written, so say --yes");
    fputs("The end of the audit log is confirmed as it is; keep a copy of the database first, and what "
          "`dowel audit verify`\nsays. Type yes to go on: ",
          stderr);
    if (fgets(answer, sizeof(answer), stdin) && strcmp(answer, "yes\n") == 0)
        return CLI_OK;
    fputs("nothing was changed\n", stderr);
    return CLI_FAILED;
}

static int accept_end(struct opened *o)
{
    struct buf why = BUF_INIT, out = BUF_INIT;
    int result = confirm(o->c);

    if (result != CLI_OK)
        return result;
    int rc = audit_accept(o->audit, o->store.session, o->store.now_us, &why);
    if (rc < 0)
        return cli_store_result(&o->store, rc, &why, NULL, NULL);
    if (o->c->json)
        buf_add_format(&out, "{\"accepted\":%s}\n", rc > 0 ? "true" : "false");
    else
        buf_add_text(&out, rc > 0 ? "the log goes on from here; this is a record of it\n"
                                  : "nothing is wrong with the end of the log: nothing was changed\n");
    buf_finish(&why);
    return cli_print(&out);
}

/* ---- the verb ---- */

static const struct action {
    const char *name;
    int (*run)(struct opened *o);
} actions[] = {
    { "list", list },
    { "verify", verify },
    { "export", export },
    { "accept", accept_end },
};

static int run_action(const struct cli *c, const struct action *a)
{
    struct opened o = { .c = c };
    int result;

    if (c->argc > 1)
        return cli_usage(c, "%s takes no arguments", a->name);
    result = cli_store_open(&o.store, c);
    if (result == CLI_OK && audit_create(&o.audit, o.store.keyring, 0) != 0) {
        fputs("out of memory\n", stderr);
        result = CLI_FAILED;
    }
    if (result == CLI_OK)
        result = read_filter(&o);
    if (result == CLI_OK)
        result = a->run(&o);
    audit_destroy(o.audit);
    cli_store_close(&o.store);
    return result;
}

static int run(const struct cli *c)
{
    if (c->argc == 0)
        return cli_usage(c, "say what to do: list, verify, export or accept");
    for (size_t i = 0; i < DW_COUNT_OF(actions); i++) {
        if (strcmp(c->argv[0], actions[i].name) == 0)
            return run_action(c, &actions[i]);
    }
    return cli_usage(c, "%s: audit cannot do that", c->argv[0]);
}

static const struct cli_option options[] = {
    { "tenant", "UUID", "list, export: only of that tenant", false },
    { "actor", "ID", "list, export: only what that user did, or that account of the operating system",
      false },
    { "action", "PATTERN", "list, export: only of that name, or whose names begin so: notes.*", false },
    { "target", "ID", "list, export: only what was done to that", false },
    { "request", "ID", "list, export: only of that request", false },
    { "since", "TIME", "list, export: not older; 2026-11-21T08:05:00Z, or how long ago: 2h", false },
    { "until", "TIME", "list, export: only older", false },
    { "limit", "N", "list: at most so many, 50 if it is not given", false },
    { "before", "ID", "list: only those before that record", false },
    { "format", "FORMAT", "export: ndjson, or csv; ndjson if it is not given", false },
    { "expect", "SEQ:HASH", "verify: what an earlier verify said must still be so", false },
    { "yes", NULL, "accept: does not ask", false },
    { NULL, NULL, NULL, false },
};

const struct cli_verb cli_verb_audit = {
    .name = "audit",
    .arguments = "list | verify | export | accept",
    .summary = "Shows who did what, and whether that log is as it was written",
    .help = "list    the newest first\n"
            "verify  reads all of it: says which records were changed, removed or added, and which are not "
            "sealed "
            "yet; exits\n"
            "        with 5 when it is broken. An older copy of all of it shows only with --expect\n"
            "export  writes all records to standard output, the oldest first\n"
            "accept  where the server seals no further, because the end of the log is not what it has "
            "written (its key "
            "was lost,\n"
            "        the log was changed): goes on from there. What verify has found it goes on finding\n",
    .options = options,
    .run = run,
};
