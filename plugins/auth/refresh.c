#include "refresh.h"

#include <string.h>

#include "auth.h"

#define PREFIX "dwr_" /* so that who finds one in a log knows what it is */

static const char *hash_of(dw_call *c, const char *token)
{
    return dw_digest_hex(c, DW_SHA256, (dw_bytes){ token, strlen(token) });
}

static const char *make(dw_call *c)
{
    return dw_format(c, PREFIX "%s", dw_random_token(c, 32));
}

static int insert(dw_call *c, const struct session *s, const char *token)
{
    return dw_db_exec(
        c, "INSERT INTO auth_refresh (hash, session_id, created_at, ends_at) VALUES ($1, $2, :now, $3)",
        hash_of(c, token), s->id, s->ends_at);
}

int refresh_begin(dw_call *c, const struct session *s, const char **token)
{
    *token = make(c);
    return insert(c, s, *token);
}

int refresh_session(dw_call *c, const char *token, const char **session)
{
    return dw_db_find(c, DW_TO(session), "SELECT session_id FROM auth_refresh WHERE hash = $1",
                      hash_of(c, token));
}

/* ---- what became of one ---- */

struct member {
    const char *hash, *session, *successor;
    dw_time used_at, ends_at;
};

static int not_good(dw_call *c)
{
    return dw_fail(c, DW_EAUTH, "the refresh token is not good any longer; sign in again");
}

static int find(dw_call *c, const char *token, struct member *m)
{
    *m = (struct member){ .hash = hash_of(c, token) };
    return dw_db_find(c, DW_TO(&m->session, &m->successor, &m->used_at, &m->ends_at),
                      "SELECT session_id, successor, used_at, ends_at FROM auth_refresh WHERE hash = $1",
                      m->hash);
}

/* It was used before: by a neighbour just now, or by nobody knows whom. */
static int give_again(dw_call *c, const struct member *m, const char **next)
{
    dw_str text;

    DW_TRY(dw_unseal(c, m->successor, &text));
    *next = dw_copy(c, text);
    return 0;
}

static int end_family(dw_call *c, const struct session *s)
{
    DW_TRY(dw_tx_begin(c));
    DW_TRY(session_end(c, s->id, "reuse"));
    DW_TRY(audit(c, "auth.session.reused", s->id, "user", s->user, "client", s->client_id));
    DW_TRY(dw_tx_commit(c));
    dw_warn(c, "a refresh token was used twice, so its session was ended", "session", s->id, "user", s->user);
    return not_good(c);
}

static bool is_in_grace(dw_call *c, const struct member *m)
{
    return m->successor && dw_now(c).us - m->used_at.us <= REFRESH_GRACE.us;
}

/* ---- the next one ---- */

/* 1: done; 0: somebody else used it in between, and *m says how. Read in the transaction, and committed with it: what the other
 * one has written may not be committed yet, and then both are, or neither. */
static int replace(dw_call *c, const char *token, struct member *m, struct session *s, const char **next)
{
    const char *sealed;

    *next = make(c);
    DW_TRY(dw_seal(c, (dw_str){ *next, strlen(*next) }, &sealed));
    DW_TRY(dw_tx_begin(c));
    int n = dw_db_exec(
        c, "UPDATE auth_refresh SET used_at = :now, successor = $2 WHERE hash = $1 AND used_at IS NULL",
        m->hash, sealed);
    if (n > 0) {
        DW_TRY(session_renew(c, s));
        DW_TRY(insert(c, s, *next));
    } else if (n == 0)
        DW_TRY(find(c, token, m));
    else
        return n;
    DW_TRY(dw_tx_commit(c));
    return n > 0;
}

int refresh_rotate(dw_call *c, const char *token, const char *client_id, struct session *s, const char **next)
{
    struct member m;
    int rc = find(c, token, &m);

    if (rc > 0)
        rc = session_by_id(c, m.session, s);
    if (rc < 0)
        return rc;
    bool is_anothers = rc > 0 && s->client_id && (!client_id || strcmp(s->client_id, client_id) != 0);
    if (rc == 0 || is_anothers)
        return not_good(c);
    if (!m.used_at.us && m.ends_at.us <= dw_now(c).us)
        return not_good(c);
    if (!m.used_at.us) {
        rc = replace(c, token, &m, s, next);
        if (rc != 0)
            return rc < 0 ? rc : 0;
    }
    if (is_in_grace(c, &m))
        return give_again(c, &m, next);
    return m.used_at.us ? end_family(c, s) : not_good(c); /* else it went with its session */
}
