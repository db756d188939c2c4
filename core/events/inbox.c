/* inbox.c - what comes in: checked, kept, handed over. inbox_sources.c has who may send. */
#include "events/inbox.h"

#include <openssl/crypto.h>
#include <stdio.h>

#include "events/secrets.h"
#include "events/step.h"
#include "jobs/jobs.h"
#include "log/log.h"
#include "util/json.h"

/* ---- names ---- */

static const char *const verify_names[] = {
    [INBOX_STANDARD_WEBHOOKS] = "standard-webhooks",
    [INBOX_HUB_SHA256] = "hub-sha256",
    [INBOX_HUB_SHA1] = "hub-sha1",
    [INBOX_UNVERIFIED] = "none",
};

const char *inbox_verify_name(enum inbox_verify verify)
{
    return verify_names[verify];
}

enum inbox_verify inbox_verify_from(const char *name)
{
    for (int v = INBOX_STANDARD_WEBHOOKS; v <= INBOX_UNVERIFIED; v++) {
        if (strcmp(verify_names[v], name) == 0)
            return (enum inbox_verify)v;
    }
    return (enum inbox_verify)0;
}

bool inbox_name_is_valid(struct str name)
{
    if (name.n == 0 || name.n > INBOX_NAME_MAX || name.p[0] < 'a' || name.p[0] > 'z')
        return false;
    for (size_t i = 1; i < name.n; i++) {
        char c = name.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
            return false;
    }
    return true;
}

/* One spelling only: the name is compared as a text. */
bool inbox_name_is_connection(struct str name)
{
    char text[UUID_TEXT_SIZE];
    struct uuid id;

    if (uuid_parse(name, &id) != 0)
        return false;
    uuid_format(&id, text);
    return str_equal(name, str_from(text));
}

/* ---- who sends ---- */

struct source {
    const char *id, *tenant, *plugin, *inbox, *id_header;
    enum inbox_verify verify;
    struct str delivery; /* its own id of what it has sent now */
};

static dw_str as_value(struct str s)
{
    return (dw_str){ s.n ? s.p : "", s.n };
}

/* 1 and the source, in the arena; 0: there is none that may send. */
static int find_source(struct db_session *s, struct arena *arena, const struct inbox_request *request,
                       struct source *out)
{
    const char *id = NULL, *tenant = NULL, *inbox = NULL, *id_header = NULL, *verify = NULL;
    int rc;

    if (!inbox_name_is_valid(request->plugin) ||
        !(inbox_name_is_valid(request->source) || inbox_name_is_connection(request->source)))
        return 0;
    rc = db_find(s, DW_TO(&id, &tenant, &inbox, &id_header, &verify), DB_BY_CORE,
                 DW_LIST("SELECT id, tenant_id, inbox, id_header, verify FROM dowel_inbox_sources"
                         " WHERE plugin = $1 AND name = $2 AND enabled",
                         as_value(request->plugin), as_value(request->source)));
    if (rc <= 0)
        return rc;
    *out = (struct source){
        .id = arena_copy(arena, str_from(id)),
        .tenant = arena_copy(arena, str_from(tenant)),
        .plugin = arena_copy(arena, request->plugin),
        .inbox = arena_copy(arena, str_from(inbox)),
        .id_header = arena_copy(arena, str_from(id_header)),
        .verify = inbox_verify_from(verify),
    };
    return out->id && out->tenant && out->plugin && out->inbox && out->id_header ? 1 : DW_ENOMEM;
}

static struct str header(const struct inbox_request *request, const char *name)
{
    for (size_t i = 0; i < request->headers_n; i++) {
        if (str_equal_nocase(request->headers[i].name, str_from(name)))
            return request->headers[i].value;
    }
    return str_from(NULL);
}

static enum webhook_verdict verify_standard(const struct inbox_request *request,
                                            const struct secrets *secrets, int64_t now_us)
{
    const struct webhook_fields fields = {
        .id = header(request, "webhook-id"),
        .timestamp = header(request, "webhook-timestamp"),
        .signature = header(request, "webhook-signature"),
    };
    struct webhook_key keys[SECRETS_MAX];
    enum webhook_verdict verdict;
    size_t n = 0;

    for (size_t i = 0; i < secrets->n; i++) {
        if (!webhook_secret_read(secrets->v[i], &keys[n]))
            n++;
    }
    verdict = webhook_verify(&fields, request->body, keys, n, now_us / 1000000, WEBHOOK_TOLERANCE_S);
    OPENSSL_cleanse(keys, sizeof(keys));
    return verdict;
}

static enum webhook_verdict verify(const struct source *source, const struct inbox_request *request,
                                   const struct secrets *secrets, int64_t now_us)
{
    switch (source->verify) {
    case INBOX_STANDARD_WEBHOOKS: return verify_standard(request, secrets, now_us);
    case INBOX_HUB_SHA256:
        return webhook_hub_verify(DIGEST_SHA256, header(request, "X-Hub-Signature-256"), request->body,
                                  secrets->v, secrets->n);
    case INBOX_HUB_SHA1:
        return webhook_hub_verify(DIGEST_SHA1, header(request, "X-Hub-Signature"), request->body, secrets->v,
                                  secrets->n);
    case INBOX_UNVERIFIED: return WEBHOOK_GENUINE;
    }
    return WEBHOOK_UNVERIFIABLE;
}

/* 0 with the verdict, or an error. */
static int judge(struct db_session *s, const struct keyring *keyring, const struct source *source,
                 const struct inbox_request *request, int64_t now_us, enum webhook_verdict *verdict)
{
    struct secrets secrets;
    int rc = secrets_load(s, keyring, SECRETS_OF_SOURCE, source->id, &secrets);

    if (rc < 0)
        return rc;
    *verdict = verify(source, request, &secrets, now_us);
    secrets_wipe(&secrets);
    return 0;
}

/* ---- what was sent ---- */

/* The sender's id of it; without one ours. False: it should have one. */
static bool delivery_id(const struct source *source, const struct inbox_request *request, const char *ours,
                        struct str *out)
{
    const char *field = source->verify == INBOX_STANDARD_WEBHOOKS ? "webhook-id" : source->id_header;

    *out = *field ? header(request, field) : str_from(ours);
    return out->n > 0 && out->n <= INBOX_ID_MAX && str_is_utf8(*out);
}

/* Bytes that are not UTF-8, which a field may have, are not kept as they are: JSON has no word for them. */
static int write_headers(struct buf *out, const struct inbox_request *request)
{
    buf_add_char(out, '[');
    for (size_t i = 0; i < request->headers_n; i++) {
        buf_add_text(out, i > 0 ? ",[" : "[");
        buf_add_json(out, request->headers[i].name);
        buf_add_char(out, ',');
        buf_add_json(out, request->headers[i].value);
        buf_add_char(out, ']');
    }
    buf_add_char(out, ']');
    return buf_failed(out) ? DW_ENOMEM : 0;
}

static int add_job(struct db_session *s, const char *plugin, const char *inbox, const char *tenant,
                   const char *id, int64_t now_us)
{
    char kind[2 * INBOX_NAME_MAX + sizeof(INBOX_KIND_PREFIX) + 1];
    char payload[UUID_TEXT_SIZE + sizeof("{\"received\":\"\"}")];

    snprintf(kind, sizeof(kind), "%s." INBOX_KIND_PREFIX "%s", plugin, inbox);
    snprintf(payload, sizeof(payload), "{\"received\":\"%s\"}", id);
    return job_add(s, &(struct job_new){ .kind = kind,
                                         .tenant = tenant,
                                         .payload = str_from(payload),
                                         .unique_key = id,
                                         .now_us = now_us });
}

/* 1: kept, 0: it was there. */
static int keep(struct db_session *s, const struct source *source, const struct inbox_request *request,
                const char *id, const char *headers, int64_t now_us)
{
    const dw_bytes body = { request->body.n ? request->body.p : "", request->body.n };
    int64_t repeats = 0;
    int rc = db_find(
        s, DW_TO(&repeats), DB_BY_CORE,
        DW_LIST("INSERT INTO dowel_inbox (id, source_id, delivery_id, headers, body, state, repeats,"
                " received_at) VALUES ($1, $2, $3, $4, $5, 'waiting', 0, $6)"
                " ON CONFLICT (source_id, delivery_id) DO UPDATE SET repeats = dowel_inbox.repeats + 1"
                " RETURNING repeats",
                id, source->id, as_value(source->delivery), headers, body, ((dw_time){ now_us })));

    return rc < 0 ? rc : repeats == 0;
}

/* In the open transaction: kept, and with it the job. */
static int keep_and_add_job(struct db_session *s, const struct source *source,
                            const struct inbox_request *request, const char *headers, int64_t now_us,
                            struct inbox_received *out)
{
    const char *plugin = source->plugin;
    int rc = keep(s, source, request, out->id, headers, now_us);

    out->answer = rc == 0 ? INBOX_REPEATED : INBOX_TAKEN;
    return rc > 0 ? add_job(s, plugin, source->inbox, source->tenant, out->id, now_us) : rc;
}

static int keep_and_hand_over(struct db_session *s, const struct source *source,
                              const struct inbox_request *request, int64_t now_us, struct inbox_received *out)
{
    struct buf headers = BUF_INIT;
    struct step step;
    int rc = write_headers(&headers, request);

    if (rc != 0)
        goto done;
    rc = step_begin(&step, s);
    if (rc >= 0)
        rc = step_end(&step, keep_and_add_job(s, source, request, buf_text(&headers), now_us, out));
done:
    buf_finish(&headers);
    return rc;
}

static int receive(struct db_session *s, struct arena *arena, const struct keyring *keyring,
                   const struct inbox_request *request, int64_t now_us, struct inbox_received *out)
{
    struct source source;
    struct uuid made;
    int rc = find_source(s, arena, request, &source);

    if (rc == 0)
        out->answer = INBOX_UNKNOWN;
    if (rc > 0)
        rc = judge(s, keyring, &source, request, now_us, &out->verdict);
    else
        return rc;
    if (rc < 0)
        return rc;
    if (out->verdict == WEBHOOK_UNVERIFIABLE)
        return DW_EUNAVAILABLE;
    if (out->verdict != WEBHOOK_GENUINE) {
        out->answer = INBOX_REFUSED;
        return 0;
    }
    if (uuid_make(&made) != 0)
        return DW_EINTERNAL;
    uuid_format(&made, out->id);
    if (!delivery_id(&source, request, out->id, &source.delivery)) {
        out->answer = INBOX_WRONG;
        return 0;
    }
    return keep_and_hand_over(s, &source, request, now_us, out);
}

int inbox_receive(struct db_session *s, const struct keyring *keyring, const struct inbox_request *request,
                  int64_t now_us, struct inbox_received *out)
{
    struct arena arena;
    int rc;

    *out = (struct inbox_received){ .answer = INBOX_FAILED };
    arena_init(&arena, NULL, 0, 0);
    rc = receive(s, &arena, keyring, request, now_us, out);
    arena_finish(&arena);
    if (rc < 0)
        out->answer = INBOX_FAILED;
    return rc < 0 ? rc : 0;
}

/* ---- handing over ---- */

int inbox_show(struct db_session *s, struct arena *arena, const char *tenant, const char *id,
               struct inbox_shown *out)
{
    const char *delivery = NULL, *source = NULL, *plugin = NULL, *headers = NULL, *state = NULL, *why = NULL;
    dw_time at = { 0 }, ended = { 0 };
    dw_bytes body = { NULL, 0 };
    int64_t repeats = 0;

    if (uuid_parse(str_from(id), NULL) != 0)
        return 0;
    int rc = db_find(
        s, DW_TO(&delivery, &plugin, &source, &headers, &body, &at, &ended, &state, &why, &repeats),
        DB_BY_CORE,
        DW_LIST(
            "SELECT i.delivery_id, s.plugin, s.name, i.headers, i.body, i.received_at, i.ended_at, i.state,"
            " i.why, i.repeats"
            " FROM dowel_inbox i JOIN dowel_inbox_sources s ON s.id = i.source_id"
            " WHERE i.id = $1 AND (s.tenant_id = $2 OR $2 IS NULL)",
            id, tenant));
    if (rc <= 0)
        return rc;
    *out = (struct inbox_shown){
        .delivery = {
            .id = arena_copy(arena, str_from(id)),
            .delivery = arena_copy(arena, str_from(delivery)),
            .source = arena_copy(arena, str_from(source)),
            .headers = arena_copy(arena, str_from(headers)),
            .body = str_make(arena_copy(arena, str_make(body.p, body.n)), body.n),
            .received_us = at.us,
        },
        .plugin = arena_copy(arena, str_from(plugin)),
        .state = arena_copy(arena, str_from(state)),
        .why = why ? arena_copy(arena, str_from(why)) : NULL,
        .repeats = repeats,
        .ended_us = ended.us,
    };
    const struct inbox_delivery *d = &out->delivery;
    bool is_whole = d->id && d->delivery && d->source && d->headers && d->body.p && out->plugin && out->state;
    return is_whole && (out->why || !why) ? 1 : DW_ENOMEM;
}

int inbox_load(struct db_session *s, struct arena *arena, const char *id, struct inbox_delivery *out)
{
    struct inbox_shown shown;
    int rc = inbox_show(s, arena, NULL, id, &shown);

    if (rc > 0)
        *out = shown.delivery;
    return rc > 0 && strcmp(shown.state, "done") == 0 ? 0 : rc;
}

json_t *inbox_headers_json(const char *text)
{
    struct json_fault fault;
    json_t *headers, *pair;
    size_t i;

    if (json_strict_parse(str_from(text), 0, &headers, &fault) != 0)
        return fault.is_ours ? NULL : json_array();
    json_array_foreach(headers, i, pair)
    {
        const char *name = json_string_value(json_array_get(pair, 0));
        if (!name || !log_name_is_secret(str_from(name)))
            continue;
        if (json_array_set_new(pair, 1, json_string("[redacted]")) != 0) {
            json_decref(headers);
            return NULL;
        }
    }
    return headers;
}

int inbox_settle(struct db_session *s, const char *id, const char *failed_why, int64_t now_us)
{
    int64_t rc = db_exec(s, DB_BY_CORE,
                         DW_LIST("UPDATE dowel_inbox SET state = $2, why = $3, ended_at = $4 WHERE id = $1",
                                 id, failed_why ? "failed" : "done", failed_why, ((dw_time){ now_us })));

    return rc < 0 ? (int)rc : 0;
}

static int replay(struct db_session *s, const char *of_tenant, const char *id, int64_t now_us)
{
    const char *plugin = NULL, *inbox = NULL, *tenant = NULL;
    int64_t changed;
    int rc = db_find(s, DW_TO(&plugin, &inbox, &tenant), DB_BY_CORE,
                     DW_LIST("SELECT s.plugin, s.inbox, s.tenant_id FROM dowel_inbox i"
                             " JOIN dowel_inbox_sources s ON s.id = i.source_id"
                             " WHERE i.id = $1 AND (s.tenant_id = $2 OR $2 IS NULL)",
                             id, of_tenant));

    if (rc <= 0)
        return rc < 0 ? rc : DW_ENOTFOUND;
    changed = db_exec(
        s, DB_BY_CORE,
        DW_LIST("UPDATE dowel_inbox SET state = 'waiting', why = NULL, ended_at = NULL WHERE id = $1", id));
    return changed < 0 ? (int)changed : add_job(s, plugin, inbox, tenant, id, now_us);
}

int inbox_replay(struct db_session *s, const char *tenant, const char *id, int64_t now_us)
{
    struct step step;
    int rc;

    if (uuid_parse(str_from(id), NULL) != 0)
        return DW_ENOTFOUND;
    rc = step_begin(&step, s);
    if (rc >= 0)
        rc = step_end(&step, replay(s, tenant, id, now_us));
    return rc < 0 ? rc : 0;
}

int inbox_query(struct db_session *s, struct db_rows **out, const struct inbox_filter *filter)
{
    return db_query(
        s, out, DB_BY_CORE,
        DW_LIST(
            "SELECT i.id, s.plugin, s.name AS source, i.delivery_id AS delivery, i.state, i.why, i.repeats,"
            " length(i.body) AS size, i.received_at, i.ended_at"
            " FROM dowel_inbox i JOIN dowel_inbox_sources s ON s.id = i.source_id"
            " WHERE (s.plugin = $1 OR $1 IS NULL) AND (s.name = $2 OR $2 IS NULL)"
            " AND (i.state = $3 OR $3 IS NULL) AND (s.tenant_id = $5 OR $5 IS NULL)"
            " AND (i.id < $6 OR $6 IS NULL)"
            " ORDER BY i.id DESC LIMIT $4",
            filter->plugin, filter->source, filter->state, filter->limit, filter->tenant, filter->before));
}
