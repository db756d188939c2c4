#include "signing.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "auth.h"

struct signing {
    pthread_mutex_t lock; /* of both below, never held while the database is asked */
    struct key_set *set;
    char *known; /* the rows that the set was made of, as a text */
};

int signing_create(struct signing **out)
{
    struct signing *s = calloc(1, sizeof(*s));

    *out = NULL;
    if (!s)
        return DW_ENOMEM;
    if (pthread_mutex_init(&s->lock, NULL) != 0) {
        free(s);
        return DW_ENOMEM;
    }
    *out = s;
    return 0;
}

void signing_destroy(struct signing *s)
{
    if (!s)
        return;
    key_set_release(s->set);
    free(s->known);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* ---- what the instance has read ---- */

static struct key_set *hold_known(struct signing *s, const char *rows)
{
    struct key_set *set = NULL;

    pthread_mutex_lock(&s->lock);
    if (s->known && strcmp(s->known, rows) == 0)
        set = key_set_hold(s->set);
    pthread_mutex_unlock(&s->lock);
    return set;
}

/* Without memory for it, it is read again next time. */
static void keep(struct signing *s, struct key_set *set, const char *rows)
{
    char *copy = strdup(rows);

    pthread_mutex_lock(&s->lock);
    key_set_release(s->set);
    free(s->known);
    s->set = copy ? key_set_hold(set) : NULL;
    s->known = copy;
    pthread_mutex_unlock(&s->lock);
}

static void release(void *set)
{
    key_set_release(set);
}

/* ---- reading ---- */

#define VALID " FROM auth_signing_keys WHERE ends_at IS NULL OR ends_at > :now ORDER BY id"

/* Which keys there are, which one of them signs, until when: without their secrets. */
static int describe(dw_call *c, const char *algorithm, const char **out)
{
    const char *id, *its;
    bool is_current;
    dw_time ends_at;
    dw_rows *rows;
    int rc;

    dw_text *text = dw_text_new(c);
    dw_text_add(text, algorithm);
    DW_TRY(dw_db_query(c, &rows, "SELECT id, algorithm, is_current, ends_at" VALID));
    while ((rc = dw_rows_next(rows, &id, &its, &is_current, &ends_at)) > 0)
        dw_text_add(text, dw_format(c, "\n%s %s %d %lld", id, its, is_current, (long long)ends_at.us));
    *out = dw_text_get(text).p;
    return rc;
}

/* A key that cannot be opened (another server's data folder, a lost key file) must not keep the others from working. */
static int add_key(dw_call *c, struct key_set *set, const char *id, const char *sealed, dw_time ends_at)
{
    const char *problem = "it was not sealed by this server, or its key is no longer known";
    struct signing_key *key = NULL;
    dw_str pem;
    int rc = dw_unseal(c, sealed, &pem);

    if (rc != 0 && rc != DW_EINVALID)
        return rc;
    if (rc != 0 || signing_key_read(&key, pem.p, pem.n, id, &problem) != 0) {
        dw_error(c, "a signing key cannot be read; `dowel key rotate` makes a new one", "key", id, "why",
                 problem);
        return 0;
    }
    int64_t until_s = ends_at.us ? ends_at.us / DW_SECONDS(1).us : KEY_SET_FOR_EVER;
    if (key_set_add_take(set, key, until_s) != 0)
        return dw_fail(c, DW_ENOMEM, "the signing keys cannot be kept: memory is out, or there are too many");
    return 0;
}

static int read_keys(dw_call *c, const char *algorithm, struct key_set *set)
{
    const char *id, *its, *sealed;
    bool is_current;
    dw_time ends_at;
    dw_rows *rows;
    int rc;

    DW_TRY(dw_db_query(c, &rows, "SELECT id, algorithm, is_current, ends_at, secret" VALID));
    while ((rc = dw_rows_next(rows, &id, &its, &is_current, &ends_at, &sealed)) > 0) {
        DW_TRY(add_key(c, set, id, sealed, ends_at));
        if (is_current && strcmp(its, algorithm) == 0)
            (void)key_set_use(set, id); /* fails for one that could not be read: then none signs */
    }
    return rc;
}

static int load(dw_call *c, struct signing *s, const char *algorithm, const char *rows, struct key_set **out)
{
    struct key_set *set = key_set_create();

    if (!set)
        return dw_fail(c, DW_ENOMEM, "there is no memory for the signing keys");
    DW_TRY(dw_defer(c, release, set));
    DW_TRY(read_keys(c, algorithm, set));
    keep(s, set, rows);
    *out = set;
    return 0;
}

int signing_verifiers(dw_call *c, struct key_set **out)
{
    struct signing *s = auth_of(c)->signing;
    const char *algorithm = auth_conf(c)->algorithm, *rows;

    DW_TRY(describe(c, algorithm, &rows));
    struct key_set *set = hold_known(s, rows);
    if (!set)
        return load(c, s, algorithm, rows, out);
    *out = set;
    return dw_defer(c, release, set);
}

/* ---- making ---- */

static void destroy_key(void *key)
{
    signing_key_destroy(key);
}

static void free_pem(void *pem)
{
    signing_key_pem_free(pem);
}

/* The number of rows: 0 where another server was quicker. */
static int insert_key(dw_call *c, const char **kid)
{
    const char *algorithm = auth_conf(c)->algorithm, *sealed;
    struct signing_key *key = NULL;

    if (signing_key_generate(&key, signing_alg_of(algorithm)) != 0)
        return dw_fail(c, DW_ENOMEM, "a signing key cannot be made", "algorithm", algorithm);
    DW_TRY(dw_defer(c, destroy_key, key));
    char *pem = signing_key_pem(key);
    if (!pem)
        return dw_fail(c, DW_ENOMEM, "there is no memory for a signing key");
    DW_TRY(dw_defer(c, free_pem, pem));
    DW_TRY(dw_seal(c, (dw_str){ pem, strlen(pem) }, &sealed));
    *kid = dw_format(c, "%s", signing_key_kid(key));
    return dw_db_exec(c,
                      "INSERT INTO auth_signing_keys (id, algorithm, secret, is_current, created_at)"
                      " VALUES ($1, $2, $3, $4, :now) ON CONFLICT DO NOTHING",
                      *kid, algorithm, sealed, DW_TRUE);
}

int signing_signers(dw_call *c, struct key_set **out)
{
    const char *kid = "";

    DW_TRY(signing_verifiers(c, out));
    if (key_set_current(*out))
        return 0;
    int made = insert_key(c, &kid);
    if (made < 0)
        return made;
    if (made > 0)
        dw_info(c, "a signing key was made", "key", kid, "algorithm", auth_conf(c)->algorithm);
    DW_TRY(signing_verifiers(c, out));
    if (!key_set_current(*out))
        return dw_fail(c, DW_EUNAVAILABLE,
                       "the signing key cannot be read; `dowel key rotate` makes a new one");
    return 0;
}

int signing_rotate(dw_call *c, bool is_urgent, const char **kid)
{
    const struct auth_conf *conf = auth_conf(c);
    /* A minute more than the longest token: the clocks of servers differ. */
    dw_time ends_at = { is_urgent ? dw_now(c).us
                                  : dw_now(c).us + conf->access_token_ttl.us + DW_MINUTES(1).us };

    DW_TRY(dw_db_exec(c,
                      "UPDATE auth_signing_keys SET is_current = $1, ends_at = $2"
                      " WHERE ends_at IS NULL OR ends_at > $2",
                      DW_FALSE, ends_at));
    DW_TRY(insert_key(c, kid));
    DW_TRY(audit(c, "auth.signing_key.rotated", *kid, "algorithm", conf->algorithm, "urgent", is_urgent));
    return is_urgent ? auth_forget(c, "") : 0;
}
