/* webhook.c - `dowel webhook`: to whom events are sent, and what became of each. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "cli/note.h"
#include "cli/rows.h"
#include "cli/settings.h"
#include "events/post.h"
#include "events/webhooks.h"
#include "util/clock.h"
#include "util/compiler.h"

/* ---- what is given ---- */

/* The values of a repeatable option, with spaces between. */
static void join(struct buf *out, const struct cli *c, const char *option)
{
    const char *value;

    for (size_t i = 0; (value = cli_option_value(c, option, i)) != NULL; i++) {
        if (i > 0)
            buf_add_char(out, ' ');
        buf_add_text(out, value);
    }
}

/* With --secret-stdin the other side made it: 0 and *given is `room`, or NULL without the option. */
static int read_given_secret(const struct cli *c, char room[WEBHOOK_SECRET_SIZE], const char **given)
{
    *given = NULL;
    if (!cli_option_value(c, "secret-stdin", 0))
        return 0;
    *given = room;
    return cli_read_secret("Secret (whsec_...)", room, WEBHOOK_SECRET_SIZE);
}

/* The one time that it is shown. */
static int print_secret(const struct cli *c, const char *id, const char *secret, bool was_given)
{
    struct buf out = BUF_INIT;

    if (c->json && was_given)
        buf_add_format(&out, "{\"id\":\"%s\"}\n", id);
    else if (c->json)
        buf_add_format(&out, "{\"id\":\"%s\",\"secret\":\"%s\"}\n", id, secret);
    else if (was_given)
        buf_add_format(&out, "id      %s\n", id);
    else
        buf_add_format(&out,
                       "id      %s\nsecret  %s\n\nGive the secret to the receiver. It is not shown again.\n",
                       id, secret);
    return cli_print(&out);
}

static int print_done(const struct cli *c, const char *text)
{
    struct buf out = BUF_INIT;

    buf_add_text(&out, c->json ? "{}" : text);
    buf_add_char(&out, '\n');
    return cli_print(&out);
}

/* ---- add, rotate ---- */

static int add(const struct cli *c, struct cli_store *s)
{
    struct buf patterns = BUF_INIT, allow = BUF_INIT, why = BUF_INIT;
    char secret[WEBHOOK_SECRET_SIZE] = "", given[WEBHOOK_SECRET_SIZE] = "", id[UUID_TEXT_SIZE];
    struct webhook_new w = {
        .tenant = cli_option_value(c, "tenant", 0),
        .url = c->argv[1],
        .description = cli_option_value(c, "description", 0),
    };
    int result = CLI_FAILED;

    if (!w.tenant)
        return cli_usage(c, "add: --tenant says whose events are sent");
    if (!cli_option_value(c, "events", 0))
        return cli_usage(c, "add: --events says which events are sent, such as timesync.*; '*' is all");
    join(&patterns, c, "events");
    join(&allow, c, "allow");
    w.patterns = buf_text(&patterns);
    w.allow = buf_text(&allow);
    w.description = w.description ? w.description : "";
    if (read_given_secret(c, given, &w.secret) == 0) {
        int rc = cli_note_begin(s->session);
        if (rc >= 0)
            rc = webhook_add(s->session, s->keyring, &w, s->now_us, id, secret, &why);
        rc =
            cli_note_end(s->session, rc,
                         &(struct cli_note){ "core.webhook.added", w.tenant, id,
                                             DW_LIST("url", w.url, "events", w.patterns, "allow", w.allow) });
        result = cli_store_result(s, rc, &why, NULL, NULL);
    }
    if (result == CLI_OK)
        result = print_secret(c, id, secret, w.secret != NULL);
    OPENSSL_cleanse(secret, sizeof(secret));
    OPENSSL_cleanse(given, sizeof(given));
    buf_finish(&patterns);
    buf_finish(&allow);
    return result;
}

static int drop_older(const struct cli *c, struct cli_store *s)
{
    struct buf why = BUF_INIT, out = BUF_INIT;
    int n = cli_note_begin(s->session);

    if (n >= 0)
        n = webhook_drop_secrets(s->session, NULL, c->argv[1]);
    n = cli_note_end(s->session, n,
                     &(struct cli_note){ "core.webhook.secrets_dropped", NULL, c->argv[1], DW_LIST("n", n) });

    if (n < 0)
        return cli_store_result(s, n, &why, "webhook", c->argv[1]);
    if (c->json)
        buf_add_format(&out, "{\"dropped\":%d}\n", n);
    else
        buf_add_format(&out, "%d older secret%s no longer sign%s\n", n, n == 1 ? "" : "s", n == 1 ? "s" : "");
    return cli_print(&out);
}

static int rotate(const struct cli *c, struct cli_store *s)
{
    char secret[WEBHOOK_SECRET_SIZE] = "", given[WEBHOOK_SECRET_SIZE] = "";
    struct buf why = BUF_INIT;
    struct webhook_rotate r = { .id = c->argv[1], .now_us = s->now_us };
    int result = CLI_FAILED;

    if (cli_option_value(c, "drop-older", 0))
        return drop_older(c, s);
    if (read_given_secret(c, given, &r.given) == 0) {
        int rc = cli_note_begin(s->session);
        if (rc >= 0)
            rc = webhook_rotate(s->session, s->keyring, &r, secret, &why);
        rc = cli_note_end(s->session, rc,
                          &(struct cli_note){ .action = "core.webhook.rotated", .target = c->argv[1] });
        result = cli_store_result(s, rc, &why, "webhook", c->argv[1]);
    }
    if (result == CLI_OK)
        result = print_secret(c, c->argv[1], secret, r.given != NULL);
    OPENSSL_cleanse(secret, sizeof(secret));
    OPENSSL_cleanse(given, sizeof(given));
    return result;
}

/* ---- list, show, remove, enable, disable ---- */

static int list(const struct cli *c, struct cli_store *s)
{
    const char *tenant = cli_option_value(c, "tenant", 0);
    struct buf why = BUF_INIT;
    struct db_rows *rows;
    int rc;

    if (tenant && uuid_parse(str_from(tenant), NULL) != 0)
        return cli_usage(c, "--tenant %s: a tenant is a UUID", tenant);
    rc = webhook_query(s->session, &rows, &(struct webhook_filter){ .tenant = tenant });
    return rc < 0 ? cli_store_result(s, rc, &why, NULL, NULL)
                  : cli_print_rows(c, s, rows, "webhooks", "no webhooks");
}

static int show(const struct cli *c, struct cli_store *s)
{
    struct buf why = BUF_INIT;
    struct db_rows *rows;
    const struct webhook_filter filter = { .id = c->argv[1] };
    int rc =
        uuid_parse(str_from(filter.id), NULL) == 0 ? webhook_query(s->session, &rows, &filter) : DW_ENOTFOUND;

    return rc < 0 ? cli_store_result(s, rc, &why, "webhook", c->argv[1])
                  : cli_print_row(c, s, rows, "webhook", c->argv[1]);
}

static int finish(const struct cli *c, struct cli_store *s, int rc, const char *text)
{
    struct buf why = BUF_INIT;
    int result = cli_store_result(s, rc, &why, "webhook", c->argv[1]);

    return result == CLI_OK ? print_done(c, text) : result;
}

/* The tenant and the URL tell more than an id of what is gone. */
static int remove_and_note(struct cli_store *s, const char *id)
{
    const char *tenant = NULL, *url = NULL;
    int rc = cli_note_begin(s->session);

    if (rc >= 0 && uuid_parse(str_from(id), NULL) != 0)
        rc = DW_ENOTFOUND;
    if (rc >= 0)
        rc = db_find(s->session, DW_TO(&tenant, &url), DB_BY_CORE,
                     DW_LIST("SELECT tenant_id, url FROM dowel_webhooks WHERE id = $1", id));
    if (rc >= 0)
        rc = webhook_remove(s->session, NULL, id);
    return cli_note_end(s->session, rc,
                        &(struct cli_note){ "core.webhook.removed", tenant, id, DW_LIST("url", url) });
}

static int remove_it(const struct cli *c, struct cli_store *s)
{
    return finish(c, s, remove_and_note(s, c->argv[1]), "removed, with its deliveries");
}

static int enable_and_note(struct cli_store *s, const char *id, const char *disabled_why)
{
    int rc = cli_note_begin(s->session);

    if (rc >= 0)
        rc = webhook_enable(s->session, NULL, id, disabled_why, s->now_us);
    return cli_note_end(
        s->session, rc,
        &(struct cli_note){ .action = disabled_why ? "core.webhook.disabled" : "core.webhook.enabled",
                            .target = id });
}

static int enable(const struct cli *c, struct cli_store *s)
{
    return finish(c, s, enable_and_note(s, c->argv[1], NULL),
                  "enabled; `dowel webhook replay ID --since TIME` sends what it has missed");
}

static int disable(const struct cli *c, struct cli_store *s)
{
    return finish(c, s, enable_and_note(s, c->argv[1], "by an administrator"), "disabled");
}

/* ---- deliveries ---- */

static int deliveries(const struct cli *c, struct cli_store *s)
{
    struct delivery_filter filter = { .webhook = c->argv[1], .state = cli_option_value(c, "state", 0) };
    struct buf why = BUF_INIT;
    struct db_rows *rows;

    if (cli_read_limit(c, &filter.limit) != 0)
        return CLI_USAGE;
    int rc = uuid_parse(str_from(c->argv[1]), NULL) == 0 ? delivery_query(s->session, &rows, &filter)
                                                         : DW_ENOTFOUND;
    return rc < 0 ? cli_store_result(s, rc, &why, "webhook", c->argv[1])
                  : cli_print_rows(c, s, rows, "deliveries", "no deliveries");
}

static int attempts(const struct cli *c, struct cli_store *s)
{
    struct buf why = BUF_INIT;
    struct db_rows *rows;
    int rc = uuid_parse(str_from(c->argv[1]), NULL) == 0
                 ? delivery_query_attempts(s->session, &rows, NULL, c->argv[1])
                 : DW_ENOTFOUND;

    return rc < 0 ? cli_store_result(s, rc, &why, "delivery", c->argv[1])
                  : cli_print_rows(c, s, rows, "attempts", "no attempts yet");
}

static int replay_since(const struct cli *c, struct cli_store *s, const char *since)
{
    struct webhook_replay what = { .undelivered_only = cli_option_value(c, "undelivered", 0) != NULL };
    struct buf why = BUF_INIT, out = BUF_INIT;
    char from[CLOCK_RFC3339_SIZE];
    int n;

    if (cli_read_since(c, since, s->now_us, &what.since_us) != 0)
        return CLI_USAGE;
    n = cli_note_begin(s->session);
    if (n >= 0)
        n = webhook_replay(s->session, c->argv[1], &what, s->now_us, &why);
    clock_format_rfc3339(what.since_us, from);
    n = cli_note_end(s->session, n,
                     &(struct cli_note){ "core.webhook.replayed", NULL, c->argv[1],
                                         DW_LIST("since", (const char *)from, "undelivered",
                                                 what.undelivered_only, "n", n) });
    if (n < 0)
        return cli_store_result(s, n, &why, "webhook", c->argv[1]);
    buf_finish(&why);
    buf_add_format(&out, c->json ? "{\"deliveries\":%d}\n" : "%d events are sent again\n", n);
    return cli_print(&out);
}

static int replay_delivery(const struct cli *c, struct cli_store *s, struct buf *why)
{
    int rc = cli_note_begin(s->session);

    if (rc >= 0)
        rc = delivery_replay(s->session, NULL, c->argv[1], s->now_us, why);
    return cli_note_end(
        s->session, rc,
        &(struct cli_note){ .action = "core.webhook.delivery_replayed", .target = c->argv[1] });
}

static int replay(const struct cli *c, struct cli_store *s)
{
    const char *since = cli_option_value(c, "since", 0);
    struct buf why = BUF_INIT;
    int result;

    if (since)
        return replay_since(c, s, since);
    if (cli_option_value(c, "undelivered", 0))
        return cli_usage(c, "--undelivered: only with --since");
    result = cli_store_result(s, replay_delivery(c, s, &why), &why,
                              "delivery (of a webhook: say --since as well)", c->argv[1]);
    return result == CLI_OK ? print_done(c, "is sent again") : result;
}

/* ---- test ---- */

static int print_answer(const struct cli *c, const struct client_answer *a)
{
    bool arrived = a->status >= 200 && a->status < 300;
    struct buf out = BUF_INIT;

    if (c->json) {
        buf_add_format(&out, "{\"delivered\":%s,\"status\":%d,\"took_ms\":%lld,\"error\":",
                       arrived ? "true" : "false", a->status, (long long)(a->took_us / CLOCK_MS));
        buf_add_json(&out, str_from(a->message));
        buf_add_text(&out, "}\n");
    } else {
        buf_add_format(&out, "%s", arrived ? "arrived" : "did not arrive");
        if (a->status)
            buf_add_format(&out, ": the answer was %d after %lld ms\n", a->status,
                           (long long)(a->took_us / CLOCK_MS));
        else
            buf_add_format(&out, ": %s\n", a->message);
    }
    int result = cli_print(&out);
    return arrived ? result : CLI_FAILED;
}

static int post(const struct cli *c, struct cli_store *s, struct client *client)
{
    const struct webhook_sender_options options = { .db = s->db, .client = client, .keyring = s->keyring };
    struct buf body = BUF_INIT, why = BUF_INIT;
    struct client_answer *answer = NULL;
    char id[UUID_TEXT_SIZE];
    struct uuid made;
    int rc = DW_EINTERNAL, result;

    webhook_write_body(&body, "core.webhook.test", s->now_us, "{}");
    if (uuid_make(&made) == 0) {
        uuid_format(&made, id);
        rc = webhook_post(&options, s->session, &(struct webhook_target){ NULL, c->argv[1], id },
                          buf_str(&body), &answer, &why);
    }
    result = cli_store_result(s, rc, &why, "webhook", c->argv[1]);
    if (answer)
        result = print_answer(c, answer);
    client_answer_destroy(answer);
    buf_finish(&body);
    return result;
}

static int test(const struct cli *c, struct cli_store *s)
{
    const struct client_options options = {
        .ca_file = s->core->client_ca_file[0] ? s->core->client_ca_file : NULL,
        .proxy = s->core->client_proxy.hidden[0] ? s->core->client_proxy.hidden : NULL,
        .allow = s->core->client_networks.v,
        .allow_n = s->core->client_networks.n,
        .user_agent = "dowel/" DOWEL_VERSION,
    };
    struct client *client;
    int result;

    if (client_create(&client, &options) != 0) {
        fputs("cannot make the client for outbound requests: out of memory\n", stderr);
        return CLI_FAILED;
    }
    result = post(c, s, client);
    client_destroy(client);
    return result;
}

/* ---- the verb ---- */

static const struct action {
    const char *name, *needs; /* what its argument is; NULL: it has none */
    int (*run)(const struct cli *c, struct cli_store *s);
} actions[] = {
    { "add", "an URL", add },
    { "list", NULL, list },
    { "show", "the id of a webhook", show },
    { "remove", "the id of a webhook", remove_it },
    { "enable", "the id of a webhook", enable },
    { "disable", "the id of a webhook", disable },
    { "rotate", "the id of a webhook", rotate },
    { "deliveries", "the id of a webhook", deliveries },
    { "attempts", "the id of a delivery", attempts },
    { "replay", "the id of a delivery, or of a webhook with --since", replay },
    { "test", "the id of a webhook", test },
};

static int run_action(const struct cli *c, const struct action *a)
{
    struct cli_store store;
    int result;

    if (!a->needs && c->argc > 1)
        return cli_usage(c, "%s takes no arguments", a->name);
    if (a->needs && c->argc != 2)
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
            c, "say what to do: add, list, show, remove, enable, disable, rotate, deliveries, attempts, "
               "replay or test");
    for (size_t i = 0; i < DW_COUNT_OF(actions); i++) {
        if (strcmp(c->argv[0], actions[i].name) == 0)
            return run_action(c, &actions[i]);
    }
    return cli_usage(c, "%s: webhook cannot do that", c->argv[0]);
}

static const struct cli_option options[] = {
    { "tenant", "UUID", "add: whose events are sent; list: only that tenant's", false },
    { "events", "PATTERN", "add: which events; a name, timesync.*, or * for all", true },
    { "description", "TEXT", "add: what it is for", false },
    { "allow", "NETWORK", "add: it may be in this inner network: 10.1.2.3, 10.1.0.0/16", true },
    { "secret-stdin", NULL, "add, rotate: the secret is typed, or read from standard input, instead of made",
      false },
    { "drop-older", NULL, "rotate: makes none, but takes all secrets but the newest away", false },
    { "state", "STATE", "deliveries: only waiting, delivered, failed or skipped ones", false },
    { "limit", "N", "deliveries: at most so many, 50 if it is not given", false },
    { "since", "TIME", "replay: all events since then; 2026-11-21T08:05:00Z, or how long ago: 2h", false },
    { "undelivered", NULL, "replay: of those, only what was not delivered", false },
    { NULL, NULL, NULL, false },
};

const struct cli_verb cli_verb_webhook = {
    .name = "webhook",
    .arguments =
        "add URL | list | show ID | remove ID | enable ID | disable ID | rotate ID | deliveries ID | "
        "attempts DELIVERY | replay DELIVERY | replay ID --since TIME | test ID",
    .summary = "Sends events to other servers, by the rules of Standard Webhooks",
    .help = "add URL            events of a tenant are sent there from now on; prints the secret that signs "
            "them, once\n"
            "rotate ID          another secret, with which everything is signed as well; when the receiver "
            "has it, rotate\n"
            "                   with --drop-older\n"
            "deliveries ID      what was sent, and what became of it, the newest first\n"
            "attempts DELIVERY  every attempt: when, how long it took, and how the answer began\n"
            "replay             sends again, with the events' own ids\n"
            "test ID            sends an event core.webhook.test at once, and says what the answer was\n"
            "\n"
            "A delivery is tried for two days. A webhook whose receiver answers 410, or does not take five "
            "events one after\n"
            "the other, is disabled.\n",
    .options = options,
    .run = run,
};
