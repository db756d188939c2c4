#include "throttle.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "email.h"

enum { PLACES_MAX = 20 }; /* of one user; the newest stay */

#define PLACE_TTL DW_HOURS(24 * 90)

/* ---- where from ---- */

/* What one line of a home or an office has: an IPv4 address, or the first 64 bits of an IPv6 one. */
static const char *network_of(dw_call *c, const char *address)
{
    unsigned char bytes[16];
    char text[sizeof(bytes) + 1];

    if (inet_pton(AF_INET6, address, bytes) != 1)
        return address;
    for (size_t i = 0; i < sizeof(bytes) / 2; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return dw_copy(c, (dw_str){ text, strlen(text) });
}

/* An address that everybody may have tells nothing: a Unix socket, or a proxy on this machine that is not trusted. */
static const char *telling_network(dw_call *c, const char *address)
{
    if (strcmp(address, "unix") == 0 || strcmp(address, "::1") == 0 || strncmp(address, "127.", 4) == 0)
        return NULL;
    return network_of(c, address);
}

static const char *hash(dw_call *c, const char *kind, const char *a, const char *b)
{
    const char *text = dw_format(c, "%s\n%s\n%s", kind, a, b);
    const char *hex = dw_digest_hex(c, DW_SHA256, (dw_bytes){ text, strlen(text) });

    return hex ? dw_format(c, "%s:%.40s", kind, hex) : NULL;
}

/* 1 when this account was signed in to from there. */
static int is_known(dw_call *c, const char *email_key, const char *place)
{
    const dw_time since = { dw_now(c).us - PLACE_TTL.us };
    int64_t one;

    if (!place)
        return 0;
    return dw_db_find(c, DW_TO(&one),
                      "SELECT 1 FROM auth_places p JOIN auth_users u ON u.id = p.user_id"
                      " WHERE u.email_key = $1 AND p.place = $2 AND p.seen_at > $3",
                      email_key, place, since);
}

static const char *key_or_text(dw_call *c, const char *email)
{
    const char *key = account_email_key(c, email);

    return key ? key : dw_copy(c, (dw_str){ email, strnlen(email, EMAIL_MAX) });
}

/* ---- counting ---- */

struct counter {
    int64_t tries;
    dw_time open_at, forget_at;
};

/* Takes the row, so that two who come at once are counted one after the other. */
static int take(dw_call *c, const char *id, struct counter *out)
{
    return dw_db_get(c, DW_TO(&out->tries, &out->open_at, &out->forget_at),
                     "INSERT INTO auth_throttle (id, tries, open_at, forget_at) VALUES ($1, 0, :now, :now)"
                     " ON CONFLICT (id) DO UPDATE SET tries = auth_throttle.tries"
                     " RETURNING tries, open_at, forget_at",
                     id);
}

static int64_t delay_of(const struct auth_conf *conf, int64_t over)
{
    int64_t us = conf->lockout_first.us;

    for (int64_t i = 1; i < over && us < conf->lockout_max.us; i++)
        us *= 2;
    return us < conf->lockout_max.us ? us : conf->lockout_max.us;
}

/* Counts one. *wait_us > 0: not now, and it was not counted: who goes on knocking does not make it longer. */
static int count(dw_call *c, const char *id, int64_t free_tries, int64_t *tries, int64_t *wait_us)
{
    const struct auth_conf *conf = auth_conf(c);
    const int64_t now = dw_now(c).us;
    struct counter counter = { 0 };
    dw_time open_at, forget_at;

    DW_TRY(take(c, id, &counter));
    if (counter.open_at.us > now) {
        *wait_us = counter.open_at.us - now > *wait_us ? counter.open_at.us - now : *wait_us;
        return 0;
    }
    *tries = counter.forget_at.us <= now ? 1 : counter.tries + 1;
    open_at.us = *tries > free_tries ? now + delay_of(conf, *tries - free_tries) : now;
    forget_at.us = open_at.us + conf->lockout_forget.us;
    return dw_db_change(c, "UPDATE auth_throttle SET tries = $2, open_at = $3, forget_at = $4 WHERE id = $1",
                        id, *tries, open_at, forget_at);
}

static int count_all(dw_call *c, struct throttle *t, int64_t *wait_us)
{
    const struct auth_conf *conf = auth_conf(c);
    const int64_t free_tries[THROTTLE_COUNTERS] = { conf->lockout_free, conf->lockout_free_address };

    for (size_t i = 0; i < THROTTLE_COUNTERS && t->counters[i]; i++)
        DW_TRY(count(c, t->counters[i], free_tries[i], &t->tries[i], wait_us));
    return 0;
}

static int refuse(dw_call *c, int64_t wait_us)
{
    const dw_span wait = { (wait_us + 999999) / 1000000 *
                           1000000 }; /* whole seconds, as people read it too */

    dw_tx_rollback(c);
    dw_count(c, "throttled", 1);
    return dw_fail(c, DW_ERATE, "too many wrong passwords came before; try again after that many seconds",
                   "retry_after", wait);
}

static int choose(dw_call *c, const char *key, const char *network, const char *device, struct throttle *t)
{
    int knows_device, knows_address;

    t->address_place = network ? hash(c, "address", network, "") : NULL;
    t->device_place = device && *device ? hash(c, "device", device, "") : NULL;
    DW_TRY(knows_device = is_known(c, key, t->device_place));
    DW_TRY(knows_address = is_known(c, key, t->address_place));
    if (knows_device) {
        t->counters[0] = hash(c, "d", key, device);
    } else if (knows_address) {
        t->counters[0] = hash(c, "k", key, network);
    } else {
        t->counters[0] = hash(c, "s", key, "");
        t->counters[1] = network ? hash(c, "a", network, "") : NULL;
    }
    if (!knows_device)
        t->device_place = NULL; /* whoever makes one up does not choose it */
    return t->counters[0] ? 0 : dw_fail(c, DW_ENOMEM, "no memory for a hash");
}

int throttle_enter(dw_call *c, dw_request *req, const char *email, const char *device, struct throttle *out)
{
    int64_t wait_us = 0;

    *out = (struct throttle){ 0 };
    DW_TRY(choose(c, key_or_text(c, email), telling_network(c, dw_request_address(req)), device, out));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(count_all(c, out, &wait_us));
    if (wait_us > 0)
        return refuse(c, wait_us);
    return dw_tx_commit(c);
}

/* ---- it was right ---- */

static int give_back(dw_call *c, const struct throttle *t)
{
    DW_TRY(dw_db_exec(c, "DELETE FROM auth_throttle WHERE id = $1", t->counters[0]));
    if (!t->counters[1])
        return 0;
    /* Of the address only this try: else one good password of his own would set an attacker back to none. */
    return dw_db_exec(c,
                      "UPDATE auth_throttle SET tries = tries - 1,"
                      "  open_at = CASE WHEN tries = $2 THEN :now ELSE open_at END"
                      " WHERE id = $1 AND tries > 0",
                      t->counters[1], t->tries[1]);
}

static int remember(dw_call *c, const char *user, const char *place)
{
    if (!place)
        return 0;
    return dw_db_exec(c,
                      "INSERT INTO auth_places (user_id, place, seen_at) VALUES ($1, $2, :now)"
                      " ON CONFLICT (user_id, place) DO UPDATE SET seen_at = :now",
                      user, place);
}

static int forget_oldest(dw_call *c, const char *user)
{
    return dw_db_exec(
        c,
        "DELETE FROM auth_places WHERE user_id = $1 AND place NOT IN"
        " (SELECT place FROM auth_places WHERE user_id = $1 ORDER BY seen_at DESC, place LIMIT $2)",
        user, PLACES_MAX);
}

int throttle_good(dw_call *c, const struct throttle *t, const char *user, const char **device)
{
    const char *place = t->device_place;

    if (device)
        *device = NULL;
    if (!place && device) {
        *device = dw_random_token(c, 16);
        place = hash(c, "device", *device, "");
    }
    DW_TRY(give_back(c, t));
    DW_TRY(remember(c, user, t->address_place));
    DW_TRY(remember(c, user, place));
    return forget_oldest(c, user);
}

/* ---- cleaning ---- */

int throttle_sweep(dw_call *c, dw_job *job)
{
    const dw_time since = { dw_now(c).us - PLACE_TTL.us };

    DW_TRY(dw_db_exec(c, "DELETE FROM auth_throttle WHERE forget_at <= :now"));
    DW_TRY(dw_db_exec(c, "DELETE FROM auth_places WHERE seen_at <= $1", since));
    return dw_job_done(job);
}
