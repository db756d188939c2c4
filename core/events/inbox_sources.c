/* inbox_sources.c - who may send to plugins. */
#include <openssl/crypto.h>
#include <stdio.h>

#include "events/inbox.h"
#include "events/secrets.h"
#include "events/step.h"
#include "secure/random.h"

enum { SECRET_BYTES = 32, SECRET_MIN = 8 };

/* ---- what is given ---- */

static bool is_field_name(const char *name)
{
    struct str text = str_from(name);

    if (text.n > INBOX_NAME_MAX)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
              c == '_'))
            return false;
    }
    return true;
}

/* The id of a connection is no name for others, also where it begins with a letter. */
static bool is_name(const struct inbox_source_new *source)
{
    struct str name = str_from(source->name);

    return source->is_connection == inbox_name_is_connection(name) &&
           (source->is_connection || inbox_name_is_valid(name));
}

static int check(const struct inbox_source_new *source, struct buf *why)
{
    const char *wrong = NULL;

    if (!source->tenant || uuid_parse(str_from(source->tenant), NULL) != 0)
        wrong = "the tenant is no UUID";
    else if (!inbox_name_is_valid(str_from(source->plugin)) || !is_name(source) ||
             !inbox_name_is_valid(str_from(source->inbox)))
        wrong = "a plugin's, a source's or an inbox's name has a-z, 0-9, - and _, begins with a letter, and "
                "is at most 64 "
                "characters long";
    else if (!is_field_name(source->id_header))
        wrong = "the name of the field with the sender's id is none, such as X-Zammad-Delivery";
    if (!wrong)
        return 0;
    buf_add_text(why, wrong);
    return DW_EINVALID;
}

static const char *secret_wrong(enum inbox_verify verify, const char *secret)
{
    struct str text = str_from(secret);

    if (verify == INBOX_STANDARD_WEBHOOKS) {
        struct webhook_key key;
        const char *wrong = webhook_secret_read(text, &key);
        OPENSSL_cleanse(&key, sizeof(key));
        return wrong;
    }
    if (text.n < SECRET_MIN)
        return "the secret has less than 8 characters and could be guessed";
    return text.n >= INBOX_SECRET_SIZE ? "the secret has more than 1024 bytes" : NULL;
}

/* The secret that was given, checked, or a new one; "" where nothing is verified. */
static int choose_secret(enum inbox_verify verify, const char *given, char out[INBOX_SECRET_SIZE],
                         struct buf *why)
{
    const char *wrong = NULL;

    out[0] = 0;
    if (verify == INBOX_UNVERIFIED)
        wrong = given ? "a source that is not verified has no secret" : NULL;
    else if (given)
        wrong = secret_wrong(verify, given);
    if (wrong) {
        buf_add_text(why, wrong);
        return DW_EINVALID;
    }
    if (given)
        snprintf(out, INBOX_SECRET_SIZE, "%s", given);
    else if (verify == INBOX_STANDARD_WEBHOOKS)
        return webhook_secret_make(out) == 0 ? 0 : DW_EINTERNAL;
    else if (verify != INBOX_UNVERIFIED)
        return random_token(out, SECRET_BYTES) == 0 ? 0 : DW_EINTERNAL;
    return 0;
}

/* ---- adding ---- */

static int insert(struct db_session *s, const struct keyring *keyring, const struct inbox_source_new *source,
                  int64_t now_us, const char *id, const char *secret)
{
    int64_t rc = db_exec(
        s, DB_BY_CORE,
        DW_LIST("INSERT INTO dowel_inbox_sources (id, tenant_id, plugin, name, inbox, verify, id_header,"
                " enabled, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                id, source->tenant, source->plugin, source->name, source->inbox,
                inbox_verify_name(source->verify), source->id_header, DW_TRUE, ((dw_time){ now_us })));

    if (rc >= 0 && *secret)
        rc = secrets_add(s, keyring, SECRETS_OF_SOURCE, id, str_from(secret), now_us);
    return rc < 0 ? (int)rc : 0;
}

int inbox_source_add(struct db_session *s, const struct keyring *keyring,
                     const struct inbox_source_new *source, int64_t now_us, char id[UUID_TEXT_SIZE],
                     char secret[INBOX_SECRET_SIZE], struct buf *why)
{
    struct step step;
    struct uuid made;
    int rc = check(source, why);

    if (rc == 0)
        rc = choose_secret(source->verify, source->secret, secret, why);
    if (rc != 0)
        return rc;
    if (uuid_make(&made) != 0)
        return DW_EINTERNAL;
    uuid_format(&made, id);
    rc = step_begin(&step, s);
    if (rc >= 0)
        rc = step_end(&step, insert(s, keyring, source, now_us, id, secret));
    if (rc == DW_ECONFLICT)
        buf_add_format(why, "the plugin %s has a source %s already", source->plugin, source->name);
    return rc;
}

/* ---- changing ---- */

static int found(int64_t rows)
{
    return rows == 0 ? DW_ENOTFOUND : rows < 0 ? (int)rows : 0;
}

int inbox_source_remove(struct db_session *s, const struct inbox_source *which)
{
    return found(db_exec(s, DB_BY_CORE,
                         DW_LIST("DELETE FROM dowel_inbox_sources"
                                 " WHERE (plugin = $1 OR $1 IS NULL) AND name = $2"
                                 " AND (tenant_id = $3 OR $3 IS NULL)",
                                 which->plugin, which->name, which->tenant)));
}

int inbox_source_enable(struct db_session *s, const struct inbox_source *which, bool enabled)
{
    return found(db_exec(s, DB_BY_CORE,
                         DW_LIST("UPDATE dowel_inbox_sources SET enabled = $4"
                                 " WHERE (plugin = $1 OR $1 IS NULL) AND name = $2"
                                 " AND (tenant_id = $3 OR $3 IS NULL)",
                                 which->plugin, which->name, which->tenant, enabled)));
}

/* 0 and its id, or DW_ENOTFOUND. */
static int find(struct db_session *s, const struct inbox_source *which, char id[UUID_TEXT_SIZE],
                enum inbox_verify *verify)
{
    const char *found_id = NULL, *found_verify = NULL;
    int rc = db_find(s, DW_TO(&found_id, &found_verify), DB_BY_CORE,
                     DW_LIST("SELECT id, verify FROM dowel_inbox_sources"
                             " WHERE (plugin = $1 OR $1 IS NULL) AND name = $2"
                             " AND (tenant_id = $3 OR $3 IS NULL)",
                             which->plugin, which->name, which->tenant));

    if (rc <= 0)
        return rc < 0 ? rc : DW_ENOTFOUND;
    snprintf(id, UUID_TEXT_SIZE, "%s", found_id);
    *verify = inbox_verify_from(found_verify);
    return 0;
}

static int rotate(struct db_session *s, const struct keyring *keyring, const struct inbox_rotate *r,
                  char secret[INBOX_SECRET_SIZE], struct buf *why)
{
    enum inbox_verify verify;
    char id[UUID_TEXT_SIZE];
    int rc = find(s, &r->of, id, &verify);

    if (rc == 0 && verify == INBOX_UNVERIFIED) {
        buf_add_text(why, "a source that is not verified has no secret");
        return DW_ECONFLICT;
    }
    if (rc == 0)
        rc = choose_secret(verify, r->given, secret, why);
    if (rc == 0)
        rc = secrets_add(s, keyring, SECRETS_OF_SOURCE, id, str_from(secret), r->now_us);
    if (rc == DW_ECONFLICT)
        buf_add_text(why, "it has all the secrets that it may have; take the older ones away first");
    return rc;
}

int inbox_source_rotate(struct db_session *s, const struct keyring *keyring, const struct inbox_rotate *r,
                        char secret[INBOX_SECRET_SIZE], struct buf *why)
{
    struct step step;
    int rc = step_begin(&step, s);

    return rc < 0 ? rc : step_end(&step, rotate(s, keyring, r, secret, why));
}

int inbox_source_drop_secrets(struct db_session *s, const struct inbox_source *which)
{
    enum inbox_verify verify;
    char id[UUID_TEXT_SIZE];
    int rc = find(s, which, id, &verify);

    return rc < 0 ? rc : secrets_drop_older(s, SECRETS_OF_SOURCE, id);
}

/* Two orders: that of names is for people, that of ids for pages. */
#define SELECT_SOURCES(order)                                                                          \
    "SELECT s.id, s.tenant_id AS tenant, s.plugin, s.name, s.inbox, s.verify, s.id_header, s.enabled," \
    " (SELECT count(*) FROM dowel_inbox_secrets k WHERE k.source_id = s.id) AS secrets,"               \
    " (SELECT count(*) FROM dowel_inbox i"                                                             \
    "  WHERE i.source_id = s.id AND i.state = 'waiting') AS waiting,"                                  \
    " s.created_at FROM dowel_inbox_sources s"                                                         \
    " WHERE (s.tenant_id = $1 OR $1 IS NULL) AND (s.id > $2 OR $2 IS NULL)"                            \
    " ORDER BY " order " LIMIT $3"

int inbox_source_query(struct db_session *s, struct db_rows **out, const struct inbox_source_filter *filter)
{
    const char *sql = filter->by_id ? SELECT_SOURCES("s.id") : SELECT_SOURCES("s.plugin, s.name");

    return db_query(s, out, DB_BY_CORE,
                    DW_LIST(sql, filter->tenant, filter->after, filter->limit ? filter->limit : INT64_MAX));
}
