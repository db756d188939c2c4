#include "conf.h"

#include <string.h>

#define ITEM(...) DW_ITEM(struct auth_conf, __VA_ARGS__)
#define SECOND    INT64_C(1000000)
#define DAY       (86400 * SECOND)

const dw_item auth_items[] = {
    ITEM(registration, .fallback = "closed", .one_of = "closed open",
         .help =
             "`open`: anybody makes an account by himself, the first one becomes administrator. `closed`: "
             "administrators make them"),
    ITEM(setup_ttl, .fallback = "24h", .min = 60 * SECOND, .max = 30 * DAY,
         .help = "How long a link for the first setup is good"),
    ITEM(temporary_password_ttl, .fallback = "3d", .min = 60 * SECOND, .max = 90 * DAY,
         .help =
             "How long a password is good that an administrator has given; it has to be changed before it "
             "opens anything"),
    ITEM(password_least, .fallback = "8", .min = 8, .max = 128,
         .help = "How many characters a new password has at least"),
    ITEM(public_url, .fallback = "\"\"", .pattern = "/^(https?://[^/?# ]+)?$/",
         .help =
             "What clients call this server, `https://dowel.example.org`: the issuer of its tokens. "
             "Empty: OAuth's metadata name what each request calls it, and the issuer in tokens is `dowel`"),
    ITEM(audience, .fallback = "\"\"", .max = 200, .help = "For whom access tokens are; empty: their issuer"),
    ITEM(algorithm, .fallback = "ES256", .one_of = "ES256 EdDSA RS256 HS256",
         .help =
             "How access tokens are signed. Only HS256 has no public key that others can check them with"),
    ITEM(access_token_ttl, .fallback = "15m", .min = 10 * SECOND, .max = DAY,
         .help = "How long an access token is good"),
    ITEM(refresh_ttl, .fallback = "30d", .min = 60 * SECOND, .max = 400 * DAY,
         .help = "How long somebody stays signed in at most"),
    ITEM(session_idle, .fallback = "14d", .min = 60 * SECOND, .max = 400 * DAY,
         .help = "How long somebody stays signed in who does nothing"),
    ITEM(argon2_memory, .fallback = "19456", .min = 8, .max = 4194304,
         .help = "Memory that a password's hash takes, in KiB"),
    ITEM(argon2_passes, .fallback = "2", .min = 1, .max = 100,
         .help = "How often it goes through that memory"),
    ITEM(argon2_lanes, .fallback = "1", .min = 1, .max = 64, .help = "In how many lanes"),
    ITEM(argon2_threads, .fallback = "2", .min = 1, .max = 64,
         .help = "How many passwords are hashed at once: so many times argon2_memory is the most that takes"),
    ITEM(argon2_queue, .fallback = "64", .min = 0, .max = 10000,
         .help = "How many more may wait for that; others are told to come back in a second"),
    ITEM(lockout_free, .fallback = "5", .min = 1, .max = 1000,
         .help = "So many wrong passwords for one account cost nothing but a line in the log"),
    ITEM(lockout_free_address, .fallback = "20", .min = 1, .max = 100000,
         .help = "The same from one address, for whatever accounts"),
    ITEM(lockout_first, .fallback = "1s", .min = SECOND / 10, .max = DAY,
         .help = "How long the next try then has to wait; each further one twice as long"),
    ITEM(lockout_max, .fallback = "15m", .min = SECOND / 10, .max = DAY,
         .help = "But never longer than this"),
    ITEM(lockout_forget, .fallback = "1h", .min = SECOND, .max = 30 * DAY,
         .help = "Wrong passwords are forgotten when none came for so long"),
    { 0 },
};

struct password_cost auth_cost(const struct auth_conf *conf)
{
    return (struct password_cost){
        .memory_kib = (uint32_t)conf->argon2_memory,
        .passes = (uint32_t)conf->argon2_passes,
        .lanes = (uint32_t)conf->argon2_lanes,
    };
}

int auth_check(dw_call *c, const void *ud)
{
    const struct auth_conf *conf = ud;
    const struct password_cost cost = auth_cost(conf);
    const char *problem = password_cost_problem(&cost);

    if (problem)
        dw_fail_at(c, "/argon2_memory", problem);
    if (conf->lockout_first.us > conf->lockout_max.us)
        dw_fail_at(c, "/lockout_first", "is longer than lockout_max");
    if (conf->lockout_forget.us < conf->lockout_max.us)
        dw_fail_at(c, "/lockout_forget",
                   "is shorter than lockout_max: who waits would be forgotten meanwhile");
    if (conf->session_idle.us > conf->refresh_ttl.us)
        dw_fail_at(c, "/session_idle", "is longer than refresh_ttl");
    return dw_error_of(c)->code;
}
