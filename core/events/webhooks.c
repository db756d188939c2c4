#include "events/webhooks.h"

#include <openssl/crypto.h>
#include <stdio.h>

#include "client/url.h"
#include "events/secrets.h"
#include "events/step.h"

/* ---- what is given ---- */

const char *webhook_url_wrong(const char *text)
{
    const char *why = NULL;
    struct url url;

    if (strlen(text) > WEBHOOK_URL_MAX)
        return "the URL is longer than 2000 characters";
    if (url_parse(&url, text, NULL, &why) == 0)
        why = NULL;
    else if (!why)
        why = "the URL cannot be read";
    url_finish(&url);
    return why;
}

const char *webhook_patterns_wrong(const char *patterns)
{
    struct str rest = str_from(patterns), pattern;
    size_t n = 0;

    if (rest.n > WEBHOOK_PATTERNS_MAX)
        return "the patterns are longer than 2000 characters";
    while (str_split(&rest, ' ', &pattern)) {
        if (pattern.n == 0)
            continue;
        if (!event_pattern_is_valid(pattern))
            return "a pattern is neither an event's name such as timesync.entry.pushed, nor the beginning of "
                   "names such "
                   "as timesync.*, nor *";
        n++;
    }
    return n == 0 ? "no pattern says which events it gets; * is all" : NULL;
}

int webhook_networks(struct str allow, struct network out[WEBHOOK_ALLOW_MAX])
{
    struct str network;
    int n = 0;

    while (str_split(&allow, ' ', &network)) {
        if (network.n == 0)
            continue;
        if (n == WEBHOOK_ALLOW_MAX || network_parse(network, &out[n]) != 0)
            return -1;
        n++;
    }
    return n;
}

static const char networks_wrong[] =
    "the allowed networks are none, or more than 16; write them as 10.1.2.3 or 10.1.0.0/16";

const char *webhook_description_wrong(const char *text)
{
    return strlen(text) > WEBHOOK_DESCRIPTION_MAX || !str_is_utf8(str_from(text))
               ? "the description is longer than 500 bytes, or not UTF-8"
               : NULL;
}

static int check(const struct webhook_new *w, struct buf *why)
{
    struct network networks[WEBHOOK_ALLOW_MAX];
    const char *wrong = webhook_url_wrong(w->url);

    if (!wrong)
        wrong = webhook_patterns_wrong(w->patterns);
    if (!wrong && (!w->tenant || uuid_parse(str_from(w->tenant), NULL) != 0))
        wrong = "the tenant is no UUID";
    if (!wrong)
        wrong = webhook_description_wrong(w->description);
    if (!wrong && webhook_networks(str_from(w->allow), networks) < 0)
        wrong = networks_wrong;
    if (!wrong)
        return 0;
    buf_add_text(why, wrong);
    return DW_EINVALID;
}

/* ---- secrets ---- */

/* The secret that was given, checked, or a new one. */
static int choose_secret(const char *given, char out[WEBHOOK_SECRET_SIZE], struct buf *why)
{
    struct webhook_key key;
    const char *wrong;

    if (!given)
        return webhook_secret_make(out) == 0 ? 0 : DW_EINTERNAL;
    wrong = webhook_secret_read(str_from(given), &key);
    OPENSSL_cleanse(&key, sizeof(key));
    if (wrong) {
        buf_add_text(why, wrong);
        return DW_EINVALID;
    }
    snprintf(out, WEBHOOK_SECRET_SIZE, "%s", given);
    return 0;
}

/* ---- adding ---- */

static int insert(struct db_session *s, const struct keyring *keyring, const struct webhook_new *w,
                  int64_t now_us, const char *id, const char *secret)
{
    dw_time now = { now_us };
    int64_t rc =
        db_exec(s, DB_BY_CORE,
                DW_LIST("INSERT INTO dowel_webhooks (id, tenant_id, url, patterns, description, allow,"
                        " enabled, failures, created_at, changed_at)"
                        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
                        id, w->tenant, w->url, w->patterns, w->description, w->allow, DW_TRUE, 0, now));

    return rc < 0 ? (int)rc : secrets_add(s, keyring, SECRETS_OF_WEBHOOK, id, str_from(secret), now_us);
}

int webhook_add(struct db_session *s, const struct keyring *keyring, const struct webhook_new *w,
                int64_t now_us, char id[UUID_TEXT_SIZE], char secret[WEBHOOK_SECRET_SIZE], struct buf *why)
{
    struct step step;
    struct uuid made;
    int rc = check(w, why);

    if (rc == 0)
        rc = choose_secret(w->secret, secret, why);
    if (rc != 0)
        return rc;
    if (uuid_make(&made) != 0)
        return DW_EINTERNAL;
    uuid_format(&made, id);
    rc = step_begin(&step, s);
    if (rc >= 0)
        rc = step_end(&step, insert(s, keyring, w, now_us, id, secret));
    return rc;
}

/* ---- changing ---- */

static int found(int64_t rows)
{
    return rows == 0 ? DW_ENOTFOUND : rows < 0 ? (int)rows : 0;
}

/* No id is as good as none that is there; an engine may refuse to compare it. */
static bool is_id(const char *id)
{
    return uuid_parse(str_from(id), NULL) == 0;
}

int webhook_remove(struct db_session *s, const char *tenant, const char *id)
{
    if (!is_id(id))
        return DW_ENOTFOUND;
    return found(db_exec(
        s, DB_BY_CORE,
        DW_LIST("DELETE FROM dowel_webhooks WHERE id = $1 AND (tenant_id = $2 OR $2 IS NULL)", id, tenant)));
}

int webhook_enable(struct db_session *s, const char *tenant, const char *id, const char *disabled_why,
                   int64_t now_us)
{
    bool enabled = !disabled_why;

    if (!is_id(id))
        return DW_ENOTFOUND;
    return found(db_exec(s, DB_BY_CORE,
                         DW_LIST("UPDATE dowel_webhooks SET enabled = $2, disabled_why = $3, failures = $4,"
                                 " changed_at = $5 WHERE id = $1 AND (tenant_id = $6 OR $6 IS NULL)",
                                 id, enabled, disabled_why, 0, ((dw_time){ now_us }), tenant)));
}

static int is_there(struct db_session *s, const char *tenant, const char *id)
{
    int64_t one = 0;
    int rc;

    if (!is_id(id))
        return DW_ENOTFOUND;
    rc = db_find(
        s, DW_TO(&one), DB_BY_CORE,
        DW_LIST("SELECT 1 FROM dowel_webhooks WHERE id = $1 AND (tenant_id = $2 OR $2 IS NULL)", id, tenant));
    return rc == 0 ? DW_ENOTFOUND : rc < 0 ? rc : 0;
}

static int add_secret(struct db_session *s, const struct keyring *keyring, const struct webhook_rotate *r,
                      const char *secret, struct buf *why)
{
    int rc = is_there(s, r->tenant, r->id);

    if (rc == 0)
        rc = secrets_add(s, keyring, SECRETS_OF_WEBHOOK, r->id, str_from(secret), r->now_us);
    if (rc == DW_ECONFLICT)
        buf_add_text(why, "it has all the secrets that it may have; take the older ones away first");
    return rc;
}

int webhook_rotate(struct db_session *s, const struct keyring *keyring, const struct webhook_rotate *r,
                   char secret[WEBHOOK_SECRET_SIZE], struct buf *why)
{
    struct step step;
    int rc = choose_secret(r->given, secret, why);

    if (rc != 0)
        return rc;
    rc = step_begin(&step, s);
    return rc < 0 ? rc : step_end(&step, add_secret(s, keyring, r, secret, why));
}

int webhook_drop_secrets(struct db_session *s, const char *tenant, const char *id)
{
    int rc = is_there(s, tenant, id);

    return rc < 0 ? rc : secrets_drop_older(s, SECRETS_OF_WEBHOOK, id);
}

static const char *change_wrong(const struct webhook_change *change)
{
    struct network networks[WEBHOOK_ALLOW_MAX];
    const char *wrong = change->url ? webhook_url_wrong(change->url) : NULL;

    if (!wrong && change->patterns)
        wrong = webhook_patterns_wrong(change->patterns);
    if (!wrong && change->description)
        wrong = webhook_description_wrong(change->description);
    if (!wrong && change->allow && webhook_networks(str_from(change->allow), networks) < 0)
        wrong = networks_wrong;
    return wrong;
}

/* Whoever may not open the inner network may not point elsewhere what somebody opened it for. The statement asks, so that
 * nobody opens it between a look and the change. */
static int change_row(struct db_session *s, const char *tenant, const char *id,
                      const struct webhook_change *change, int64_t now_us)
{
    bool opens = change->allow && *change->allow && !change->may_allow;
    bool may = change->may_allow || !change->url;

    if (opens)
        return DW_EDENIED;
    int64_t n = db_exec(s, DB_BY_CORE,
                        DW_LIST("UPDATE dowel_webhooks SET url = coalesce($3, url),"
                                " patterns = coalesce($4, patterns), description = coalesce($5, description),"
                                " allow = coalesce($6, allow), changed_at = $7"
                                " WHERE id = $1 AND (tenant_id = $2 OR $2 IS NULL) AND (allow = '' OR $8)",
                                id, tenant, change->url, change->patterns, change->description, change->allow,
                                ((dw_time){ now_us }), may));
    if (n != 0)
        return n < 0 ? (int)n : 0;
    int rc = is_there(s, tenant, id);
    return rc == 0 ? DW_EDENIED : rc;
}

int webhook_change(struct db_session *s, const char *tenant, const char *id,
                   const struct webhook_change *change, int64_t now_us, struct buf *why)
{
    const char *wrong = change_wrong(change);

    if (wrong) {
        buf_add_text(why, wrong);
        return DW_EINVALID;
    }
    return is_id(id) ? change_row(s, tenant, id, change, now_us) : DW_ENOTFOUND;
}

/* ---- looking ---- */

int webhook_query(struct db_session *s, struct db_rows **out, const struct webhook_filter *filter)
{
    return db_query(
        s, out, DB_BY_CORE,
        DW_LIST("SELECT w.id, w.tenant_id AS tenant, w.url, w.patterns, w.description, w.allow, w.enabled,"
                " w.disabled_why, w.failures,"
                " (SELECT count(*) FROM dowel_webhook_secrets k WHERE k.webhook_id = w.id) AS secrets,"
                " (SELECT count(*) FROM dowel_webhook_deliveries d"
                "  WHERE d.webhook_id = w.id AND d.state = 'waiting') AS waiting,"
                " w.created_at"
                " FROM dowel_webhooks w"
                " WHERE (w.id = $1 OR $1 IS NULL) AND (w.tenant_id = $2 OR $2 IS NULL)"
                " AND (w.id > $3 OR $3 IS NULL)"
                " ORDER BY w.id LIMIT $4",
                filter->id, filter->tenant, filter->after, filter->limit ? filter->limit : INT64_MAX));
}
