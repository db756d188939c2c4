/* accounts_rig.h - a server with two tenants and their people, on either engine. */
#ifndef AUTH_ACCOUNTS_RIG_H
#define AUTH_ACCOUNTS_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <dowel/harness.h>

#include "../../../tests/support/plugin_engines.h"

/* Fast: what passwords cost is not what is tested here. */
#define CHEAP "argon2_memory: 8\nargon2_passes: 1\n"

#define PASSWORD "correct horse battery"

static dw_harness *h;

/* ---- the server ---- */

static inline void start(const char *conf)
{
    char text[512];

    snprintf(text, sizeof(text), CHEAP "%s", conf);
    if (dw_harness_open(&h, .plugin = PLUGIN, .conf = text, .database = engine_database()) != 0)
        fail_msg("%s", dw_harness_why(h));
}

static inline int finish(void **state)
{
    unsigned left = dw_harness_close(h);

    (void)state;
    h = NULL;
    engine_database_drop();
    return left == 0 ? 0 : -1;
}

/* ---- who asks ---- */

static inline void as(const char *user, const char *tenant)
{
    dw_harness_set_tenant(h, tenant);
    dw_harness_set_principal(h, user);
}

/* ---- asking ---- */

static inline const char *path(const char *format, const char *id)
{
    static char text[4][600];
    static unsigned at;

    at = (at + 1) % 4;
    snprintf(text[at], sizeof(text[at]), format, id);
    return text[at];
}

static inline dw_harness_reply with_version(const char *method, const char *target, const char *etag,
                                            const char *json)
{
    char headers[80];

    snprintf(headers, sizeof(headers), "If-Match: %s\r\n", etag);
    return dw_harness_request(h, .method = method, .target = target, .json = json, .headers = headers);
}

static inline dw_harness_reply patch(const char *target, const char *json)
{
    dw_harness_reply now = dw_harness_get(h, target);

    if (now.status != 200)
        return now;
    return with_version("PATCH", target, dw_harness_header(now, "ETag"), json);
}

static inline dw_harness_reply erase(const char *target)
{
    return dw_harness_request(h, .method = "DELETE", .target = target);
}

#define assert_status(reply, wanted) assert_status_((reply), (wanted), __LINE__)
static inline void assert_status_(dw_harness_reply reply, int wanted, int line)
{
    if (reply.status != wanted)
        fail_msg("line %d: %d instead of %d: %.*s\n%s", line, reply.status, wanted, (int)reply.body.n,
                 reply.body.p ? reply.body.p : "", dw_harness_log(h));
}

static inline const char *kept(const char *text)
{
    static char room[64][80];
    static unsigned at;

    at = (at + 1) % 64;
    snprintf(room[at], sizeof(room[at]), "%s", text);
    return room[at];
}

/* ---- people: Acme has Ann, administrator and operator, and Bob, member; Globex has Gil, its administrator ---- */

static const char *acme, *globex, *ann, *bob, *gil;

/* The token of the link that was logged. */
static inline const char *setup_token(void)
{
    const char *at = NULL, *next = dw_harness_log(h);
    static char token[64];

    while ((next = strstr(next, "setup?token=")) != NULL)
        at = next += strlen("setup?token=");
    if (!at)
        at = "";
    snprintf(token, sizeof(token), "%.*s",
             (int)strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"), at);
    return token;
}

static inline dw_harness_reply set_up(const char *token, const char *email)
{
    char json[400];

    snprintf(json, sizeof(json),
             "{\"token\":\"%s\",\"email\":\"%s\",\"password\":\"" PASSWORD
             "\",\"name\":\"Ann\",\"tenant\":\"Acme\"}",
             token, email);
    return dw_harness_post(h, "/api/v1/auth/setup", json);
}

static inline const char *user_id(dw_harness_reply made)
{
    assert_status(made, 201);
    return kept(dw_harness_text(made, "/id"));
}

static inline int people(void **state)
{
    dw_harness_reply reply;

    (void)state;
    start("");
    reply = set_up(setup_token(), "ann@example.org");
    assert_status(reply, 201);
    ann = kept(dw_harness_text(reply, "/user_id"));
    acme = kept(dw_harness_text(reply, "/tenant_id"));
    as(ann, acme);
    reply = dw_harness_post(h, "/api/v1/tenants", "{\"name\":\"Globex\"}");
    globex = user_id(reply);
    bob = user_id(dw_harness_post(h, "/api/v1/users",
                                  "{\"email\":\"bob@example.org\",\"name\":\"Bob\",\"roles\":[\"member\"]}"));
    as(ann, globex);
    gil = user_id(dw_harness_post(h, "/api/v1/users",
                                  "{\"email\":\"gil@example.org\",\"name\":\"Gil\",\"roles\":[\"admin\"]}"));
    as(ann, acme);
    return 0;
}

#endif
