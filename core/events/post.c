#include "events/post.h"

#include <openssl/crypto.h>

#include "events/webhooks.h"
#include "util/clock.h"

enum { ANSWER_READ = 64 << 10 };

void webhook_write_body(struct buf *out, const char *name, int64_t at_us, const char *data)
{
    char at[CLOCK_RFC3339_SIZE];

    clock_format_rfc3339(at_us, at);
    buf_add_text(out, "{\"type\":");
    buf_add_json(out, str_from(name));
    buf_add_format(out, ",\"timestamp\":\"%s\",\"data\":", at);
    buf_add_text(out, data);
    buf_add_char(out, '}');
}

/* NULL, or why nothing can be signed. */
static const char *read_keys(const struct secrets *secrets, struct webhook_key keys[SECRETS_MAX])
{
    if (secrets->n == 0)
        return secrets->unreadable > 0 ? "its secrets were sealed with a key that this server does not have; "
                                         "put that key into secret_key, "
                                         "or rotate the webhook's secret"
                                       : "it has no secret; rotate it to make one";
    for (size_t i = 0; i < secrets->n; i++) {
        const char *wrong = webhook_secret_read(secrets->v[i], &keys[i]);
        if (wrong)
            return wrong;
    }
    return NULL;
}

struct signature {
    struct buf of_all, second;
};

static int send_signed(const struct webhook_sender_options *o, const struct endpoint *to,
                       const char *event_id, struct str body, struct signature *signature,
                       struct client_token *token, struct client_answer **answer)
{
    struct network allow[WEBHOOK_ALLOW_MAX];
    int allow_n = webhook_networks(str_from(to->allow), allow);
    const struct client_header headers[] = {
        { .name = "webhook-id", .value = str_from(event_id) },
        { .name = "webhook-timestamp", .value = buf_str(&signature->second) },
        { .name = "webhook-signature", .value = buf_str(&signature->of_all) },
    };
    const struct client_request request = {
        .method = "POST",
        .url = to->url,
        .headers = headers,
        .headers_n = DW_COUNT_OF(headers),
        .body = body,
        .content_type = "application/json",
        .timeout_us = o->timeout_us ? o->timeout_us : WEBHOOK_TIMEOUT_US,
        .max_bytes = ANSWER_READ,
        .attempts = 1,
        .any_status = true,
        .allow = allow,
        .allow_n = allow_n > 0 ? (size_t)allow_n : 0,
        .token = token,
    };

    /* What is wrong stands in the answer; without one memory was out. */
    client_fetch(o->client, answer, &request);
    return *answer ? 0 : DW_ENOMEM;
}

int endpoint_post(const struct webhook_sender_options *o, const struct endpoint *to, const char *event_id,
                  struct str body, struct client_token *token, struct client_answer **answer, struct buf *why)
{
    struct webhook_key keys[SECRETS_MAX];
    struct signature signature = { BUF_INIT, BUF_INIT };
    int64_t sent_s = (o->wall_us ? o->wall_us(o->clock_ud) : clock_wall_us()) / CLOCK_SECOND;
    const char *wrong = read_keys(&to->secrets, keys);
    int rc = DW_ENOMEM;

    *answer = NULL;
    buf_add_int(&signature.second, sent_s);
    if (wrong) {
        buf_add_text(why, wrong);
        rc = DW_EINVALID;
    } else if (webhook_sign(&signature.of_all, keys, to->secrets.n, str_from(event_id), sent_s, body) == 0 &&
               !buf_failed(&signature.second)) {
        rc = send_signed(o, to, event_id, body, &signature, token, answer);
    }
    OPENSSL_cleanse(keys, sizeof(keys));
    buf_finish(&signature.of_all);
    buf_finish(&signature.second);
    return rc;
}

int endpoint_load(const struct webhook_sender_options *o, struct db_session *s, struct arena *arena,
                  const char *tenant, const char *id, struct endpoint *out)
{
    const char *url = NULL, *allow = NULL;
    int rc;

    *out = (struct endpoint){ .id = id };
    rc = db_find(s, DW_TO(&url, &allow, &out->enabled), DB_BY_CORE,
                 DW_LIST("SELECT url, allow, enabled FROM dowel_webhooks"
                         " WHERE id = $1 AND (tenant_id = $2 OR $2 IS NULL)",
                         id, tenant));
    if (rc <= 0)
        return rc;
    out->url = arena_copy(arena, str_from(url));
    out->allow = arena_copy(arena, str_from(allow));
    if (!out->url || !out->allow)
        return DW_ENOMEM;
    rc = secrets_load(s, o->keyring, SECRETS_OF_WEBHOOK, id, &out->secrets);
    return rc < 0 ? rc : 1;
}

int webhook_post(const struct webhook_sender_options *o, struct db_session *s,
                 const struct webhook_target *to, struct str body, struct client_answer **answer,
                 struct buf *why)
{
    struct endpoint endpoint = { .id = NULL };
    struct arena arena;
    int rc = DW_ENOTFOUND;

    *answer = NULL;
    arena_init(&arena, NULL, 0, 0);
    if (uuid_parse(str_from(to->id), NULL) == 0)
        rc = endpoint_load(o, s, &arena, to->tenant, to->id, &endpoint);
    if (rc > 0)
        rc = endpoint_post(o, &endpoint, to->event_id, body, NULL, answer, why);
    else if (rc == 0)
        rc = DW_ENOTFOUND;
    secrets_wipe(&endpoint.secrets);
    arena_finish(&arena);
    return rc;
}
