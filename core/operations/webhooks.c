/* webhooks.c - /webhooks: where a tenant's events are sent. deliveries.c has what became of them. */
#include <openssl/crypto.h>
#include <string.h>

#include "client/client.h"
#include "client/guard.h"
#include "events/post.h"
#include "events/webhooks.h"
#include "operations/core_page.h"
#include "operations/tables.h"
#include "plugin/access.h"
#include "util/clock.h"
#include "util/compiler.h"

#define ALLOW_PRIVATE "webhooks.allow_private"

/* Each waits for a stranger's answer and holds a worker meanwhile. */
enum { TESTS_AT_ONCE = 2 };

static const struct core_member members[] = {
    { .column = "id" },
    { .column = "url" },
    { .column = "patterns", .name = "events", .kind = CORE_WORDS },
    { .column = "description" },
    { .column = "allow", .kind = CORE_WORDS },
    { .column = "enabled" },
    { .column = "disabled_why" },
    { .column = "failures" },
    { .column = "secrets" },
    { .column = "waiting" },
    { .column = "created_at" },
    { 0 },
};

/* ---- what is given ---- */

/* Each text is checked, for a blank in one would make two of it. What is absent is NULL. */
struct list {
    const char *name;
    const char *(*wrong)(struct str text);
    struct buf words;
    const char *given; /* they, between blanks; NULL: there was no such list */
};

static const char *pattern_wrong(struct str text)
{
    return event_pattern_is_valid(text) ? NULL
                                        : "is neither an event's name such as timesync.entry.pushed, nor the "
                                          "beginning of names such as "
                                          "timesync.*, nor *";
}

static const char *network_wrong(struct str text)
{
    const struct guard all = { 0 };
    struct network n;

    if (network_parse(text, &n) != 0)
        return "is no network; write it as 10.1.2.3 or 10.1.0.0/16";
    return guard_check(&all, &n.base) == GUARD_NEVER
               ? "is link-local or a cloud's metadata service, which no webhook ever reaches"
               : NULL;
}

static int read_list(struct core_request *r, struct list *list)
{
    const json_t *array = core_json(r, list->name), *item;
    size_t i;

    if (!array)
        return 0;
    json_array_foreach(array, i, item)
    {
        struct str text = str_make(json_string_value(item), json_string_length(item));
        const char *wrong = list->wrong(text);
        if (wrong) {
            const char *pointer = arena_format(http_arena(r->x), "#/%s/%zu", list->name, i);
            return pointer ? core_fail_at(r, pointer, wrong) : DW_ENOMEM;
        }
        buf_add_format(&list->words, "%s%.*s", i > 0 ? " " : "", STR_ARG(text));
    }
    list->given = buf_text(&list->words);
    return buf_failed(&list->words) ? DW_ENOMEM : 0;
}

static int check_text(struct core_request *r, const char *name, const char *(*find_wrong)(const char *text))
{
    const char *text = core_text(r, name), *wrong = text ? find_wrong(text) : NULL;

    if (!wrong)
        return 0;
    const char *pointer = arena_format(http_arena(r->x), "#/%s", name);
    return pointer ? core_fail_at(r, pointer, wrong) : DW_ENOMEM;
}

static const char *secret_wrong(const char *text)
{
    struct webhook_key key;
    const char *wrong = webhook_secret_read(str_from(text), &key);

    OPENSSL_cleanse(&key, sizeof(key));
    return wrong;
}

/* What a webhook is made of or changed by. */
struct given {
    struct list events, allow;
};

#define GIVEN_INIT                                   \
    {                                                \
        { "events", pattern_wrong, BUF_INIT, NULL }, \
        {                                            \
            "allow", network_wrong, BUF_INIT, NULL   \
        }                                            \
    }

static void finish_given(struct given *g)
{
    buf_finish(&g->events.words);
    buf_finish(&g->allow.words);
}

static int read_given(struct core_request *r, struct given *g)
{
    DW_TRY(check_text(r, "url", webhook_url_wrong));
    DW_TRY(check_text(r, "description", webhook_description_wrong));
    DW_TRY(read_list(r, &g->events));
    DW_TRY(read_list(r, &g->allow));
    if (g->events.given && webhook_patterns_wrong(g->events.given))
        return core_fail_at(r, "#/events", webhook_patterns_wrong(g->events.given));
    return 0;
}

static bool may_allow(const struct core_request *r)
{
    return identity_may(r->who, ALLOW_PRIVATE);
}

static int refuse_inner(struct core_request *r)
{
    return core_fail(r, DW_EDENIED,
                     "a webhook into an inner network needs the permission webhooks.allow_private, which you "
                     "do not have in this tenant");
}

/* ---- one ---- */

static int reply_webhook(struct core_request *r, int status, const char *id)
{
    struct db_rows *rows;

    DW_TRY(webhook_query(r->s, &rows, &(struct webhook_filter){ .tenant = r->tenant, .id = id }));
    return core_row_reply(r, status, rows, members);
}

static int get_webhook(struct core_request *r)
{
    const char *id = core_id(r, "id");

    return id ? reply_webhook(r, 200, id) : DW_ENOMEM;
}

static int list_webhooks(struct core_request *r)
{
    struct core_page page;
    struct db_rows *rows;

    DW_TRY(core_page_read(r, &page));
    const struct webhook_filter filter = { .tenant = r->tenant,
                                           .after = page.after,
                                           .limit = page.limit + 1 };
    DW_TRY(webhook_query(r->s, &rows, &filter));
    return core_page_reply(r, &page, rows, members);
}

/* ---- made, changed, removed ---- */

static int add_and_reply(struct core_request *r, const struct webhook_new *w,
                         char secret[WEBHOOK_SECRET_SIZE])
{
    char id[UUID_TEXT_SIZE];

    DW_TRY(db_begin(r->s));
    DW_TRY(webhook_add(r->s, r->process->keyring, w, r->now_us, id, secret, &r->why));
    DW_TRY(core_note(r, "core.webhook.added", id,
                     DW_LIST("url", w->url, "events", w->patterns, "allow", w->allow)));
    DW_TRY(core_reply_secret(r, "id", id, w->secret ? NULL : secret));
    return db_commit(r->s);
}

static int add_webhook(struct core_request *r, const struct given *g)
{
    char secret[WEBHOOK_SECRET_SIZE] = "";
    const char *description = core_text(r, "description");
    const struct webhook_new w = {
        .tenant = r->tenant,
        .url = core_text(r, "url"),
        .patterns = g->events.given,
        .description = description ? description : "",
        .allow = g->allow.given ? g->allow.given : "",
        .secret = core_text(r, "secret"),
    };

    if (*w.allow && !may_allow(r))
        return refuse_inner(r);
    int rc = add_and_reply(r, &w, secret);
    OPENSSL_cleanse(secret, sizeof(secret));
    return rc;
}

static int create_webhook(struct core_request *r)
{
    struct given g = GIVEN_INIT;
    int rc = read_given(r, &g);

    if (rc == 0)
        rc = check_text(r, "secret", secret_wrong);
    if (rc == 0)
        rc = add_webhook(r, &g);
    finish_given(&g);
    return rc;
}

static int note_change(struct core_request *r, const char *id, const struct webhook_change *c)
{
    if (!c->url && !c->patterns && !c->description && !c->allow)
        return 0;
    return core_note(
        r, "core.webhook.changed", id,
        DW_LIST("url", c->url, "events", c->patterns, "description", c->description, "allow", c->allow));
}

static int enable(struct core_request *r, const char *id, bool enabled)
{
    DW_TRY(webhook_enable(r->s, r->tenant, id, enabled ? NULL : "by a user", r->now_us));
    return core_note(r, enabled ? "core.webhook.enabled" : "core.webhook.disabled", id, (dw_list){ NULL, 0 });
}

/* What is absent stays; in one transaction, so that what is refused has changed nothing. */
static int apply(struct core_request *r, const char *id, const struct given *g)
{
    const struct webhook_change change = {
        .url = core_text(r, "url"),
        .patterns = g->events.given,
        .description = core_text(r, "description"),
        .allow = g->allow.given,
        .may_allow = may_allow(r),
    };
    bool enabled;

    int rc = webhook_change(r->s, r->tenant, id, &change, r->now_us, &r->why);
    if (rc == DW_EDENIED)
        return refuse_inner(r);
    DW_TRY(rc);
    DW_TRY(note_change(r, id, &change));
    return core_flag(r, "enabled", &enabled) ? enable(r, id, enabled) : 0;
}

static int change_in_transaction(struct core_request *r, const struct given *g)
{
    const char *id = core_id(r, "id");

    if (!id)
        return DW_ENOMEM;
    DW_TRY(db_begin(r->s));
    DW_TRY(apply(r, id, g));
    DW_TRY(reply_webhook(r, 200, id));
    return db_commit(r->s);
}

static int change_webhook(struct core_request *r)
{
    struct given g = GIVEN_INIT;
    int rc = read_given(r, &g);

    if (rc == 0)
        rc = change_in_transaction(r, &g);
    finish_given(&g);
    return rc;
}

static int delete_webhook(struct core_request *r)
{
    const char *id = core_id(r, "id"), *url = NULL;

    if (!id)
        return DW_ENOMEM;
    DW_TRY(db_begin(r->s));
    DW_TRY(
        db_find(r->s, DW_TO(&url), DB_BY_CORE,
                DW_LIST("SELECT url FROM dowel_webhooks WHERE id = $1 AND tenant_id = $2", id, r->tenant)));
    DW_TRY(webhook_remove(r->s, r->tenant, id));
    DW_TRY(core_note(r, "core.webhook.removed", id, DW_LIST("url", url)));
    DW_TRY(core_reply(r, 204, NULL));
    return db_commit(r->s);
}

/* ---- secrets ---- */

static int rotate_and_reply(struct core_request *r, const struct webhook_rotate *rotate,
                            char secret[WEBHOOK_SECRET_SIZE])
{
    DW_TRY(db_begin(r->s));
    DW_TRY(webhook_rotate(r->s, r->process->keyring, rotate, secret, &r->why));
    DW_TRY(core_note(r, "core.webhook.rotated", rotate->id, (dw_list){ NULL, 0 }));
    DW_TRY(core_reply_secret(r, NULL, NULL, rotate->given ? NULL : secret));
    return db_commit(r->s);
}

static int add_secret(struct core_request *r)
{
    char secret[WEBHOOK_SECRET_SIZE] = "";
    const struct webhook_rotate rotate = {
        .tenant = r->tenant,
        .id = core_id(r, "id"),
        .given = core_text(r, "secret"),
        .now_us = r->now_us,
    };

    if (!rotate.id)
        return DW_ENOMEM;
    DW_TRY(check_text(r, "secret", secret_wrong));
    int rc = rotate_and_reply(r, &rotate, secret);
    OPENSSL_cleanse(secret, sizeof(secret));
    return rc;
}

static int drop_older_secrets(struct core_request *r)
{
    const char *id = core_id(r, "id");

    if (!id)
        return DW_ENOMEM;
    DW_TRY(db_begin(r->s));
    int n = webhook_drop_secrets(r->s, r->tenant, id);
    DW_TRY(n);
    DW_TRY(core_note(r, "core.webhook.secrets_dropped", id, DW_LIST("n", n)));
    DW_TRY(core_reply(r, 204, NULL));
    return db_commit(r->s);
}

/* ---- test ---- */

static int reply_attempt(struct core_request *r, const struct client_answer *a)
{
    char at[CLOCK_RFC3339_SIZE];
    struct buf body = BUF_INIT;

    clock_format_rfc3339(r->now_us, at);
    buf_add_format(&body, "{\"delivered\":%s,\"at\":\"%s\",\"took_ms\":%lld,\"status\":",
                   a->status >= 200 && a->status < 300 ? "true" : "false", at,
                   (long long)(a->took_us / CLOCK_MS));
    if (a->status)
        buf_add_int(&body, a->status);
    else
        buf_add_text(&body, "null");
    buf_add_text(&body, ",\"error\":");
    if (a->status)
        buf_add_text(&body, "null");
    else
        buf_add_json(&body, str_from(a->message));
    buf_add_char(&body, '}');
    return core_reply(r, 200, &body);
}

/* The answer to whoever asked must be there in time. */
static int64_t time_left(const struct core_request *r)
{
    int64_t left = http_request_deadline(r->x) - clock_monotonic_us() - CLOCK_SECOND;

    return left < CLOCK_MS ? CLOCK_MS : left < WEBHOOK_TIMEOUT_US ? left : WEBHOOK_TIMEOUT_US;
}

static int post_test(struct core_request *r, const char *id)
{
    const struct webhook_sender_options options = {
        .db = r->process->db,
        .client = r->process->client,
        .keyring = r->process->keyring,
        .timeout_us = time_left(r),
    };
    struct client_answer *answer = NULL;
    char event[UUID_TEXT_SIZE];
    struct buf body = BUF_INIT;
    struct uuid made;
    int rc = DW_EINTERNAL;

    webhook_write_body(&body, "core.webhook.test", r->now_us, "{}");
    if (buf_failed(&body))
        rc = DW_ENOMEM;
    else if (uuid_make(&made) == 0) {
        uuid_format(&made, event);
        rc = webhook_post(&options, r->s, &(struct webhook_target){ r->tenant, id, event }, buf_str(&body),
                          &answer, &r->why);
    }
    if (rc == DW_EINVALID)
        rc = DW_ECONFLICT; /* nothing of the request: its secrets cannot be used */
    if (rc >= 0)
        rc = reply_attempt(r, answer);
    client_answer_destroy(answer);
    buf_finish(&body);
    return rc;
}

static int test_webhook(struct core_request *r)
{
    static _Atomic int under_way;
    const char *id = core_id(r, "id");
    int rc = DW_ENOMEM;

    if (atomic_fetch_add(&under_way, 1) >= TESTS_AT_ONCE)
        rc = core_fail(r, DW_ERATE, "other webhooks are being tested just now; try again in a moment");
    else if (id)
        rc = post_test(r, id);
    atomic_fetch_sub(&under_way, 1);
    return rc;
}

/* ---- replay ---- */

static int replay_webhook(struct core_request *r)
{
    struct webhook_replay what = { .tenant = r->tenant };
    const char *id = core_id(r, "id");
    struct buf body = BUF_INIT;

    if (!id)
        return DW_ENOMEM;
    DW_TRY(core_time(r, "since", &what.since_us));
    core_flag(r, "undelivered", &what.undelivered_only);
    DW_TRY(db_begin(r->s));
    int n = webhook_replay(r->s, id, &what, r->now_us, &r->why);
    DW_TRY(n);
    DW_TRY(core_note(r, "core.webhook.replayed", id,
                     DW_LIST("since", core_text(r, "since"), "undelivered", what.undelivered_only, "n", n)));
    buf_add_format(&body, "{\"count\":%d}", n);
    DW_TRY(core_reply(r, 202, &body));
    return db_commit(r->s);
}

const struct core_operation core_webhook_operations[] = {
    { "listWebhooks", list_webhooks },
    { "createWebhook", create_webhook },
    { "getWebhook", get_webhook },
    { "changeWebhook", change_webhook },
    { "deleteWebhook", delete_webhook },
    { "addWebhookSecret", add_secret },
    { "dropOlderWebhookSecrets", drop_older_secrets },
    { "testWebhook", test_webhook },
    { "replayWebhook", replay_webhook },
    { 0 },
};
