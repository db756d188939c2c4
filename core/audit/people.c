#include "audit/people.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "secure/random.h"
#include "util/clock.h"
#include "util/compiler.h"

/* By how much clocks may be off. */
static const int64_t slack_us = INT64_C(60) * CLOCK_SECOND, remembered_us = INT64_C(10) * CLOCK_SECOND;
enum { PLACES = 1024, PERSON_SIZE = 64 };

struct remembered {
    char person[PERSON_SIZE]; /* "": free */
    struct fernet_key key;
    int64_t until_us; /* monotonic */
};

struct people {
    const struct keyring *keyring;
    int64_t young_us; /* the transaction that made a key has ended when it is older */
    pthread_mutex_t lock;
    struct remembered places[PLACES]; /* guarded by lock; a person has one place, and drives out who has it */
};

int people_create(struct people **out, const struct keyring *keyring, int64_t transaction_us)
{
    struct people *p = calloc(1, sizeof(*p));

    *out = p;
    if (!p)
        return -1;
    p->keyring = keyring;
    p->young_us = transaction_us + slack_us;
    pthread_mutex_init(&p->lock, NULL);
    return 0;
}

void people_destroy(struct people *p)
{
    if (!p)
        return;
    pthread_mutex_destroy(&p->lock);
    OPENSSL_cleanse(p->places, sizeof(p->places));
    free(p);
}

/* ---- in memory ---- */

static struct remembered *place_of(struct people *p, const char *person)
{
    uint32_t h = 2166136261u;

    for (const char *c = person; *c; c++)
        h = (h ^ (unsigned char)*c) * 16777619u;
    return &p->places[h % PLACES];
}

static bool recall(struct people *p, const char *person, struct fernet_key *out)
{
    struct remembered *r = place_of(p, person);
    bool found;

    pthread_mutex_lock(&p->lock);
    found = strcmp(r->person, person) == 0 && clock_monotonic_us() < r->until_us;
    if (found)
        *out = r->key;
    pthread_mutex_unlock(&p->lock);
    return found;
}

static void remember(struct people *p, const char *person, const struct fernet_key *key)
{
    struct remembered *r = place_of(p, person);
    size_t n = strlen(person);

    if (n >= sizeof(r->person))
        return;
    pthread_mutex_lock(&p->lock);
    memcpy(r->person, person, n + 1);
    r->key = *key;
    r->until_us = clock_monotonic_us() + remembered_us;
    pthread_mutex_unlock(&p->lock);
}

static void forget(struct people *p, const char *person)
{
    struct remembered *r = place_of(p, person);

    pthread_mutex_lock(&p->lock);
    if (strcmp(r->person, person) == 0)
        OPENSSL_cleanse(r, sizeof(*r));
    pthread_mutex_unlock(&p->lock);
}

/* ---- in the database ---- */

/* 1 and the key; 0: there is no such person; the state of one that there is in *opened otherwise. */
static int load(struct people *p, struct db_session *s, const char *person, struct fernet_key *out,
                enum people_opened *opened)
{
    char room[512];
    const char *token = NULL;
    struct fernet_opened plain;
    dw_time made = { 0 };
    int rc = db_find(s, DW_TO(&token, &made), DB_BY_CORE,
                     DW_LIST("SELECT token, made_at FROM dowel_audit_keys WHERE person = $1", person));

    if (rc <= 0)
        return rc;
    *opened = PEOPLE_ERASED;
    if (!*token)
        return 1;
    *opened = PEOPLE_UNREADABLE;
    if (strlen(token) <= sizeof(room) && keyring_unseal(p->keyring, str_from(token), -1, room, &plain) == 0 &&
        fernet_key_parse(plain.plain, out) == 0)
        *opened = PEOPLE_OPENED;
    OPENSSL_cleanse(room, sizeof(room));
    if (*opened == PEOPLE_OPENED && clock_wall_us() - made.us > p->young_us)
        remember(p, person, out);
    return 1;
}

/* Somebody else may make it at the same time: the first one counts, so it is read again afterwards. */
static int make(struct people *p, struct db_session *s, const char *person, const char **wrong)
{
    char text[FERNET_KEY_TEXT + 1], token[512];
    struct fernet_key key;
    int rc = DW_EINTERNAL;

    if (random_bytes(key.bytes, sizeof(key.bytes)) == 0) {
        fernet_key_format(&key, text);
        rc = keyring_seal(p->keyring, str_make(text, FERNET_KEY_TEXT), token) == 0 ? 0 : DW_EINTERNAL;
    }
    OPENSSL_cleanse(&key, sizeof(key));
    OPENSSL_cleanse(text, sizeof(text));
    if (rc != 0) {
        *wrong = "a person's key cannot be made: no memory, or no random bytes";
        return rc;
    }
    return (int)db_exec(s, DB_BY_CORE,
                        DW_LIST("INSERT INTO dowel_audit_keys (person, token, made_at) VALUES ($1, $2, $3)"
                                " ON CONFLICT (person) DO NOTHING",
                                person, (const char *)token, ((dw_time){ clock_wall_us() })));
}

static int find_or_make(struct people *p, struct db_session *s, const char *person, struct fernet_key *out,
                        enum people_opened *opened, const char **wrong)
{
    int rc = load(p, s, person, out, opened);

    if (rc == 0)
        rc = make(p, s, person, wrong);
    else
        return rc;
    return rc < 0 ? rc : load(p, s, person, out, opened);
}

/* ---- sealing ---- */

static int seal_with(const struct fernet_key *key, struct str plain, struct buf *out, const char **wrong)
{
    size_t n = fernet_sealed_size(plain.n);

    if (buf_reserve(out, n + 1) &&
        fernet_seal(key, plain, clock_wall_us() / CLOCK_SECOND, out->p + out->n) == 0) {
        out->n += n;
        return 0;
    }
    *wrong = "out of memory, or of random bytes";
    return DW_ENOMEM;
}

int people_seal(struct people *p, struct db_session *s, const char *person, struct str plain, struct buf *out,
                const char **wrong)
{
    enum people_opened opened = PEOPLE_OPENED;
    struct fernet_key key;
    int rc = recall(p, person, &key) ? 1 : find_or_make(p, s, person, &key, &opened, wrong);

    if (rc > 0 && opened == PEOPLE_OPENED)
        rc = seal_with(&key, plain, out, wrong);
    else if (rc > 0 && opened == PEOPLE_UNREADABLE) {
        *wrong =
            "the person's key was sealed with a key that this server does not have: add that one to its keys";
        rc = DW_EINTERNAL;
    } else if (rc == 0) { /* not even after it was made */
        *wrong = "the person's key is not there";
        rc = DW_EINTERNAL;
    }
    OPENSSL_cleanse(&key, sizeof(key));
    return rc < 0 ? rc : 0;
}

int people_unseal(struct people *p, struct db_session *s, const char *person, struct str token,
                  struct buf *out)
{
    struct fernet_opened plain;
    struct fernet_key key;
    bool is_known = recall(p, person, &key);
    enum people_opened opened = is_known ? PEOPLE_OPENED : PEOPLE_ERASED;
    int rc = is_known ? 1 : load(p, s, person, &key, &opened);

    if (rc > 0 && opened == PEOPLE_OPENED) {
        if (!buf_reserve(out, token.n))
            rc = DW_ENOMEM;
        else if (fernet_unseal(&key, 1, token, NULL, out->p + out->n, &plain) == 0) {
            memmove(out->p + out->n, plain.plain.p, plain.plain.n);
            out->n += plain.plain.n;
        } else
            opened = PEOPLE_UNREADABLE;
    }
    OPENSSL_cleanse(&key, sizeof(key));
    return rc < 0 ? rc : (int)opened;
}

/* The row stays, so that nobody makes another one. */
int people_erase(struct people *p, struct db_session *s, const char *person, int64_t now_us)
{
    int64_t n = db_exec(s, DB_BY_CORE,
                        DW_LIST("INSERT INTO dowel_audit_keys (person, token, made_at, erased_at)"
                                " VALUES ($1, '', $2, $2) ON CONFLICT (person) DO UPDATE"
                                " SET token = '', erased_at = excluded.erased_at"
                                " WHERE dowel_audit_keys.token <> ''",
                                person, ((dw_time){ now_us })));
    forget(p, person);
    return n < 0 ? (int)n : n > 0;
}
