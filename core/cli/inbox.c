/* inbox.c - `dowel inbox`: who may send webhooks to plugins, and what came. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "cli/note.h"
#include "cli/rows.h"
#include "cli/settings.h"
#include "events/inbox.h"
#include "log/log.h"
#include "util/clock.h"
#include "util/compiler.h"
#include "util/json.h"

/* ---- sources ---- */

static int read_given_secret(const struct cli *c, char room[INBOX_SECRET_SIZE], const char **given)
{
    *given = NULL;
    if (!cli_option_value(c, "secret-stdin", 0))
        return 0;
    *given = room;
    return cli_read_secret("Secret", room, INBOX_SECRET_SIZE);
}

/* The one time that it is shown. A made secret has no character that JSON would escape. */
static int print_source(const struct cli *c, const char *secret, bool was_given)
{
    bool is_shown = *secret && !was_given;
    struct buf out = BUF_INIT;

    if (c->json) {
        buf_add_format(&out, "{\"path\":\"/hooks/%s/%s\"", c->argv[1], c->argv[2]);
        buf_add_format(&out, is_shown ? ",\"secret\":\"%s\"}\n" : "%s}\n", is_shown ? secret : "");
        return cli_print(&out);
    }
    buf_add_format(&out, "path    /hooks/%s/%s\n", c->argv[1], c->argv[2]);
    if (is_shown)
        buf_add_format(&out, "secret  %s\n\nGive the secret to the sender. It is not shown again.\n", secret);
    return cli_print(&out);
}

static int add(const struct cli *c, struct cli_store *s)
{
    const char *verify = cli_option_value(c, "verify", 0), *id_header = cli_option_value(c, "id-header", 0);
    char secret[INBOX_SECRET_SIZE] = "", given[INBOX_SECRET_SIZE] = "", id[UUID_TEXT_SIZE];
    struct inbox_source_new source = {
        .tenant = cli_option_value(c, "tenant", 0),
        .plugin = c->argv[1],
        .name = c->argv[2],
        .inbox = cli_option_value(c, "inbox", 0),
        .verify = verify ? inbox_verify_from(verify) : INBOX_STANDARD_WEBHOOKS,
        .id_header = id_header ? id_header : "",
    };
    struct buf why = BUF_INIT;
    int result = CLI_FAILED;

    if (!source.tenant)
        return cli_usage(c, "add: --tenant says for whom it comes");
    if (!source.inbox)
        return cli_usage(
            c, "add: --inbox says which of the plugin's inboxes takes it; `dowel plugin info %s` lists them",
            c->argv[1]);
    if (!source.verify)
        return cli_usage(c, "--verify %s: say standard-webhooks, hub-sha256, hub-sha1 or none", verify);
    if (read_given_secret(c, given, &source.secret) == 0) {
        int rc = cli_note_begin(s->session);
        if (rc >= 0)
            rc = inbox_source_add(s->session, s->keyring, &source, s->now_us, id, secret, &why);
        rc = cli_note_end(s->session, rc,
                          &(struct cli_note){ "core.inbox.source_added", source.tenant, id,
                                              DW_LIST("plugin", source.plugin, "source", source.name, "inbox",
                                                      source.inbox) });
        result = cli_store_result(s, rc, &why, NULL, NULL);
    }
    if (result == CLI_OK)
        result = print_source(c, secret, source.secret != NULL);
    OPENSSL_cleanse(secret, sizeof(secret));
    OPENSSL_cleanse(given, sizeof(given));
    return result;
}

static int finish(const struct cli *c, struct cli_store *s, int rc, const char *text)
{
    struct buf why = BUF_INIT, out = BUF_INIT;
    int result = cli_store_result(s, rc, &why, "source", c->argv[2]);

    if (result != CLI_OK)
        return result;
    buf_add_format(&out, "%s\n", c->json ? "{}" : text);
    return cli_print(&out);
}

/* What was done to a source is in the audit log with it. */
static int end_change(const struct cli *c, struct cli_store *s, int rc, const char *action)
{
    const char *plugin = c->argv[1], *source = c->argv[2];

    return cli_note_end(
        s->session, rc,
        &(struct cli_note){ .action = action, .values = DW_LIST("plugin", plugin, "source", source) });
}

/* True, and it was said what to do instead. */
static bool is_connections(const struct cli *c, const char *instead)
{
    if (!inbox_name_is_connection(str_from(c->argv[2])))
        return false;
    fprintf(stderr, "%s: it belongs to a connection, and comes and goes with it: dowel connection %s %s\n",
            c->argv[2], instead, c->argv[2]);
    return true;
}

static int remove_it(const struct cli *c, struct cli_store *s)
{
    if (is_connections(c, "remove"))
        return CLI_FAILED;
    int rc = cli_note_begin(s->session);

    if (rc >= 0)
        rc = inbox_source_remove(s->session,
                                 &(struct inbox_source){ .plugin = c->argv[1], .name = c->argv[2] });
    return finish(c, s, end_change(c, s, rc, "core.inbox.source_removed"), "removed, with all that it sent");
}

static int set_enabled(const struct cli *c, struct cli_store *s, bool enabled)
{
    int rc = cli_note_begin(s->session);

    if (rc >= 0)
        rc = inbox_source_enable(s->session,
                                 &(struct inbox_source){ .plugin = c->argv[1], .name = c->argv[2] }, enabled);
    return end_change(c, s, rc, enabled ? "core.inbox.source_enabled" : "core.inbox.source_disabled");
}

static int enable(const struct cli *c, struct cli_store *s)
{
    if (is_connections(c, "enable"))
        return CLI_FAILED;
    return finish(c, s, set_enabled(c, s, true), "enabled");
}

static int disable(const struct cli *c, struct cli_store *s)
{
    if (is_connections(c, "disable"))
        return CLI_FAILED;
    return finish(c, s, set_enabled(c, s, false), "disabled: it gets 404");
}

static int drop_older(const struct cli *c, struct cli_store *s, const struct inbox_source *of)
{
    int rc = cli_note_begin(s->session);

    if (rc >= 0)
        rc = inbox_source_drop_secrets(s->session, of);
    return finish(c, s, end_change(c, s, rc, "core.inbox.secrets_dropped"),
                  "only the newest secret is taken now");
}

static int rotate(const struct cli *c, struct cli_store *s)
{
    struct inbox_rotate r = { .of = { .plugin = c->argv[1], .name = c->argv[2] }, .now_us = s->now_us };
    char secret[INBOX_SECRET_SIZE] = "", given[INBOX_SECRET_SIZE] = "";
    struct buf why = BUF_INIT;
    int result = CLI_FAILED;

    if (cli_option_value(c, "drop-older", 0))
        return drop_older(c, s, &r.of);
    if (read_given_secret(c, given, &r.given) == 0) {
        int rc = cli_note_begin(s->session);
        if (rc >= 0)
            rc = inbox_source_rotate(s->session, s->keyring, &r, secret, &why);
        rc = end_change(c, s, rc, "core.inbox.source_rotated");
        result = cli_store_result(s, rc, &why, "source", r.of.name);
    }
    if (result == CLI_OK)
        result = print_source(c, secret, r.given != NULL);
    OPENSSL_cleanse(secret, sizeof(secret));
    OPENSSL_cleanse(given, sizeof(given));
    return result;
}

static int sources(const struct cli *c, struct cli_store *s)
{
    struct buf why = BUF_INIT;
    struct db_rows *rows;
    int rc = inbox_source_query(s->session, &rows, &(struct inbox_source_filter){ 0 });

    return rc < 0 ? cli_store_result(s, rc, &why, NULL, NULL)
                  : cli_print_rows(c, s, rows, "sources", "nobody may send webhooks");
}

/* ---- what came ---- */

static int list(const struct cli *c, struct cli_store *s)
{
    struct inbox_filter filter = {
        .plugin = cli_option_value(c, "plugin", 0),
        .source = cli_option_value(c, "source", 0),
        .state = cli_option_value(c, "state", 0),
    };
    struct buf why = BUF_INIT;
    struct db_rows *rows;

    if (cli_read_limit(c, &filter.limit) != 0)
        return CLI_USAGE;
    int rc = inbox_query(s->session, &rows, &filter);
    return rc < 0 ? cli_store_result(s, rc, &why, NULL, NULL)
                  : cli_print_rows(c, s, rows, "received", "nothing came");
}

static json_t *delivery_json(const struct inbox_shown *shown)
{
    const struct inbox_delivery *d = &shown->delivery;
    char at[CLOCK_RFC3339_SIZE];
    json_t *body = str_is_utf8(d->body) ? json_stringn(d->body.p, d->body.n) : json_null();

    clock_format_rfc3339(d->received_us, at);
    return json_pack("{s:s, s:s, s:s, s:s, s:s?, s:s, s:o, s:o}", "id", d->id, "source", d->source,
                     "delivery", d->delivery, "state", shown->state, "why", shown->why, "received_at", at,
                     "headers", inbox_headers_json(d->headers), "body", body);
}

static void write_text(struct buf *out, const json_t *d, struct str body)
{
    static const char *const lines[] = { "id", "source", "delivery", "state", "why", "received_at" };
    const json_t *headers = json_object_get(d, "headers"), *pair;
    size_t i;

    for (i = 0; i < DW_COUNT_OF(lines); i++) {
        const char *value = json_string_value(json_object_get(d, lines[i]));
        buf_add_format(out, "%-11s  %s\n", lines[i], value ? value : "-");
    }
    for (i = 0; (pair = json_array_get(headers, i)) != NULL; i++)
        buf_add_format(out, "%-11s  %s: %s\n", i ? "" : "headers", json_string_value(json_array_get(pair, 0)),
                       json_string_value(json_array_get(pair, 1)));
    buf_add_char(out, '\n');
    if (str_is_utf8(body))
        buf_add_str(out, body);
    else
        buf_add_format(out, "(%zu bytes that are no text)", body.n);
    buf_add_char(out, '\n');
}

static int print_delivery(const struct cli *c, const struct inbox_shown *shown)
{
    json_t *json = delivery_json(shown);
    char *text = json && c->json ? json_dumps(json, JSON_COMPACT) : NULL;
    struct buf out = BUF_INIT;

    if (text)
        buf_add_format(&out, "%s\n", text);
    else if (json && !c->json)
        write_text(&out, json, shown->delivery.body);
    else
        out.failed = true;
    free(text);
    json_decref(json);
    return cli_print(&out);
}

static int show(const struct cli *c, struct cli_store *s)
{
    struct buf why = BUF_INIT;
    struct inbox_shown shown;
    struct arena arena;
    int result;

    arena_init(&arena, NULL, 0, 0);
    int rc = inbox_show(s->session, &arena, NULL, c->argv[1], &shown);
    result = rc > 0 ? print_delivery(c, &shown)
                    : cli_store_result(s, rc < 0 ? rc : DW_ENOTFOUND, &why, "webhook that came (any more)",
                                       c->argv[1]);
    arena_finish(&arena);
    return result;
}

static int replay_and_note(const struct cli *c, struct cli_store *s)
{
    int rc = cli_note_begin(s->session);

    if (rc >= 0)
        rc = inbox_replay(s->session, NULL, c->argv[1], s->now_us);
    return cli_note_end(s->session, rc,
                        &(struct cli_note){ .action = "core.inbox.replayed", .target = c->argv[1] });
}

static int replay(const struct cli *c, struct cli_store *s)
{
    struct buf why = BUF_INIT, out = BUF_INIT;
    int result = cli_store_result(s, replay_and_note(c, s), &why, "webhook that came (any more)", c->argv[1]);

    if (result != CLI_OK)
        return result;
    buf_add_text(&out, c->json ? "{}\n" : "the plugin gets it again\n");
    return cli_print(&out);
}

/* ---- the verb ---- */

static const struct action {
    const char *name;
    int arguments;
    const char *needs;
    int (*run)(const struct cli *c, struct cli_store *s);
} actions[] = {
    { "sources", 0, "nothing more", sources },
    { "add", 2, "the plugin and a name for the source", add },
    { "remove", 2, "the plugin and the source", remove_it },
    { "enable", 2, "the plugin and the source", enable },
    { "disable", 2, "the plugin and the source", disable },
    { "rotate", 2, "the plugin and the source", rotate },
    { "list", 0, "nothing more", list },
    { "show", 1, "the id of what came", show },
    { "replay", 1, "the id of what came", replay },
};

static int run_action(const struct cli *c, const struct action *a)
{
    struct cli_store store;
    int result;

    if (c->argc - 1 != a->arguments)
        return cli_usage(c, "%s: say %s", a->name, a->needs);
    result = cli_store_open(&store, c);
    if (result == CLI_OK)
        result = a->run(c, &store);
    cli_store_close(&store);
    return result;
}

static int run(const struct cli *c)
{
    if (c->argc == 0)
        return cli_usage(
            c, "say what to do: sources, add, remove, enable, disable, rotate, list, show or replay");
    for (size_t i = 0; i < DW_COUNT_OF(actions); i++) {
        if (strcmp(c->argv[0], actions[i].name) == 0)
            return run_action(c, &actions[i]);
    }
    return cli_usage(c, "%s: inbox cannot do that", c->argv[0]);
}

static const struct cli_option options[] = {
    { "tenant", "UUID", "add: for whom it comes", false },
    { "inbox", "NAME", "add: which of the plugin's inboxes takes it", false },
    { "verify", "HOW", "add: standard-webhooks (if it is not given), hub-sha256, hub-sha1 or none", false },
    { "id-header", "NAME",
      "add: the field with the sender's own id of a delivery, by which what comes twice is known", false },
    { "secret-stdin", NULL, "add, rotate: the secret is typed, or read from standard input, instead of made",
      false },
    { "drop-older", NULL, "rotate: makes none, but takes all secrets but the newest away", false },
    { "plugin", "NAME", "list: only what came for it", false },
    { "source", "NAME", "list: only what came from it", false },
    { "state", "STATE", "list: only what is waiting, done or failed", false },
    { "limit", "N", "list: at most so many, 50 if it is not given", false },
    { NULL, NULL, NULL, false },
};

const struct cli_verb cli_verb_inbox = {
    .name = "inbox",
    .arguments =
        "sources | add PLUGIN SOURCE | remove PLUGIN SOURCE | enable PLUGIN SOURCE | disable PLUGIN SOURCE | "
        "rotate PLUGIN SOURCE | list | show ID | replay ID",
    .summary = "Takes webhooks of other servers for plugins, and shows what came",
    .help = "add PLUGIN SOURCE     others may send to /hooks/PLUGIN/SOURCE from now on; prints the secret "
            "that they sign\n"
            "                      with, once\n"
            "rotate PLUGIN SOURCE  another secret, which is taken as well; when the sender has it, rotate "
            "with --drop-older\n"
            "list                  what came, the newest first\n"
            "show ID               as it came: fields and content\n"
            "replay ID             the plugin gets it once more\n"
            "\n"
            "Standard Webhooks carry an id of their own. For hub-sha1 and hub-sha256 --id-header names the "
            "field with it, as\n"
            "X-Zammad-Delivery; without one, what is sent twice is handled twice. With --verify none whoever "
            "knows the path\n"
            "can send: choose a name that cannot be guessed.\n",
    .options = options,
    .run = run,
};
