/* What proves who somebody is, as time goes by: tokens, sessions, API keys, the keys that sign. What a request may with
 * them, tests/e2e/auth.test.mjs sees. */
#include "accounts_rig.h"

#include <dowel/auth.h>

#include "../public/auth.h"

#define JANUARY INT64_C(1796083200000000)

static int signed_up(void **state)
{
    int rc = people(state);

    dw_harness_set_now(h, (dw_time){ JANUARY });
    return rc;
}

static dw_harness_reply post_form(const char *target, const char *form)
{
    return dw_harness_request(h, .target = target, .body = { form, strlen(form) },
                              .content_type = "application/x-www-form-urlencoded");
}

static dw_harness_reply by_password(void)
{
    as(NULL, NULL);
    return post_form("/api/v1/auth/token",
                     "grant_type=password&username=ann@example.org&password=correct+horse+battery");
}

static const char *refresh_token(dw_harness_reply reply)
{
    assert_status(reply, 200);
    return kept(dw_harness_text(reply, "/refresh_token"));
}

static dw_harness_reply refresh(const char *token)
{
    char form[200];

    snprintf(form, sizeof(form), "grant_type=refresh_token&refresh_token=%s", token);
    return post_form("/api/v1/auth/token", form);
}

static void assert_refused(dw_harness_reply reply, const char *error)
{
    assert_status(reply, 400);
    assert_string_equal(dw_harness_text(reply, "/error"), error);
}

static int64_t count(const char *sql)
{
    int64_t n = -1;

    if (dw_harness_find(h, DW_TO(&n), sql) != 1)
        fail_msg("%s: %s", sql, dw_harness_why(h));
    return n;
}

/* ---- refresh tokens ---- */

static void a_refresh_token_is_good_once_and_a_little_longer(void **state)
{
    const char *first, *second, *third;

    (void)state;
    first = refresh_token(by_password());
    second = refresh_token(refresh(first));
    assert_string_not_equal(first, second);
    dw_harness_advance(h, DW_SECONDS(10));
    assert_string_equal(refresh_token(refresh(first)), second); /* a tab that was slower */
    third = refresh_token(refresh(second));
    assert_int_equal(count("SELECT count(*) FROM auth_refresh WHERE used_at IS NULL"), 1);
    dw_harness_advance(h, DW_SECONDS(1));
    assert_refused(refresh(first), "invalid_grant"); /* a thief, or his victim */
    assert_refused(refresh(third), "invalid_grant");
    assert_true(dw_harness_logged(h, DW_LOG_WARN, "used twice"));
    assert_false(dw_harness_logged(h, DW_LOG_DEBUG, third));
    assert_int_equal(count("SELECT count(*) FROM auth_sessions WHERE ended_at IS NULL"), 0);
}

static void who_does_nothing_has_left(void **state)
{
    const char *token;

    (void)state;
    token = refresh_token(by_password());
    dw_harness_advance(h, DW_HOURS(13 * 24));
    token = refresh_token(refresh(token));
    dw_harness_advance(h, DW_HOURS(14 * 24));
    assert_refused(refresh(token), "invalid_grant");
}

static void nobody_stays_for_ever(void **state)
{
    const char *token;

    (void)state;
    token = refresh_token(by_password());
    for (int day = 0; day < 29; day++) {
        dw_harness_advance(h, DW_HOURS(24));
        token = refresh_token(refresh(token));
    }
    dw_harness_advance(h, DW_HOURS(24));
    assert_refused(refresh(token), "invalid_grant");
}

static void what_the_engine_wants_repeated_is(void **state)
{
    const char *token;

    (void)state;
    token = refresh_token(by_password());
    dw_harness_repeat(h, 1);
    token = refresh_token(refresh(token));
    dw_harness_repeat(h, 2); /* the first one counts the try */
    refresh_token(by_password());
    refresh_token(refresh(token));
}

/* ---- the authenticator ---- */

static dw_harness_who who(int kind, const char *text)
{
    return dw_harness_authenticate(h, kind, text);
}

static const char *text_of(dw_harness_reply reply, const char *pointer)
{
    const char *text = dw_harness_text(reply, pointer);
    char *copy = malloc(strlen(text) + 1);

    assert_non_null(copy);
    memcpy(copy, text, strlen(text) + 1);
    return copy;
}

static void an_access_token_ends_with_its_time(void **state)
{
    const char *token;
    dw_harness_who w;

    (void)state;
    token = text_of(by_password(), "/access_token");
    w = who(DW_BEARER, token);
    assert_int_equal(w.code, 0);
    assert_string_equal(w.id, ann);
    assert_string_equal(w.tenant, acme);
    assert_int_equal(w.kind, DW_USER);
    assert_non_null(strstr(w.permissions, "users.manage"));
    assert_true(w.expires.us <= JANUARY + DW_MINUTES(1).us); /* asked about again: use is written down */
    dw_harness_advance(h, DW_MINUTES(14));
    assert_int_equal(who(DW_BEARER, token).code, 0);
    assert_int_equal(count("SELECT count(*) FROM auth_sessions WHERE seen_at > created_at"), 1);
    dw_harness_advance(h, DW_MINUTES(1));
    dw_harness_advance(h, DW_SECONDS(5)); /* by which clocks may differ */
    assert_int_equal(who(DW_BEARER, token).code, DW_EAUTH);
    assert_non_null(strstr(dw_harness_why(h), "expired"));
    assert_int_equal(who(DW_COOKIE, token).code, DW_EAUTH);
    assert_int_equal(who(DW_BEARER, "what is this?").code, DW_EAUTH);
    free((void *)(uintptr_t)token);
}

static void a_cookie_ends_when_nobody_uses_it(void **state)
{
    dw_harness_reply reply;
    dw_harness_who w;
    char cookie[100];

    (void)state;
    as(NULL, NULL);
    reply = dw_harness_post(h, "/api/v1/auth/login",
                            "{\"email\":\"ann@example.org\",\"password\":\"" PASSWORD "\",\"cookie\":true}");
    assert_status(reply, 200);
    const char *at = strstr(reply.headers, "__Host-dowel=");
    assert_non_null(at);
    at += strlen("__Host-dowel=");
    snprintf(cookie, sizeof(cookie), "%.*s", (int)strcspn(at, ";"), at);
    w = who(DW_COOKIE, cookie);
    assert_int_equal(w.code, 0);
    assert_string_equal(w.csrf, dw_harness_text(reply, "/csrf_token"));
    assert_int_equal(who(DW_BEARER, cookie).code, DW_EAUTH);
    dw_harness_advance(h, DW_HOURS(13 * 24));
    assert_int_equal(who(DW_COOKIE, cookie).code, 0); /* which makes it last */
    dw_harness_advance(h, DW_HOURS(13 * 24));
    assert_int_equal(who(DW_COOKIE, cookie).code, 0);
    dw_harness_advance(h, DW_HOURS(4 * 24)); /* thirty days are the most there is */
    assert_int_equal(who(DW_COOKIE, cookie).code, DW_EAUTH);
}

static void an_api_key_does_as_its_user_may(void **state)
{
    dw_harness_reply reply;
    const char *key;
    dw_harness_who w;

    (void)state;
    as(ann, acme);
    reply = dw_harness_post(h, "/api/v1/auth/keys",
                            "{\"name\":\"x\",\"scopes\":[\"users.*\"],\"ends_at\":\"2026-12-02T00:00:00Z\"}");
    assert_status(reply, 201);
    key = kept(dw_harness_text(reply, "/key"));
    w = who(DW_BEARER, key);
    assert_int_equal(w.code, 0);
    assert_int_equal(w.kind, DW_KEY);
    assert_string_equal(w.permissions, "users.manage users.read");
    dw_harness_sql(h, "UPDATE auth_members SET active = $2 WHERE user_id = $1", ann, DW_FALSE);
    assert_int_equal(who(DW_BEARER, key).code, DW_EAUTH);
    dw_harness_sql(h, "UPDATE auth_members SET active = $2 WHERE user_id = $1", ann, DW_TRUE);
    dw_harness_sql(h, "UPDATE auth_tenants SET active = $2 WHERE id = $1", acme, DW_FALSE);
    assert_int_equal(who(DW_BEARER, key).code, DW_EAUTH);
    dw_harness_sql(h, "UPDATE auth_tenants SET active = $2 WHERE id = $1", acme, DW_TRUE);
    assert_int_equal(who(DW_BEARER, key).code, 0);
    dw_harness_advance(h, DW_HOURS(24));
    assert_int_equal(who(DW_BEARER, key).code, DW_EAUTH);
    assert_false(dw_harness_logged(h, DW_LOG_DEBUG, key));
}

/* A plugin that knows others. */
static int recognise(void *question, void *ud)
{
    auth_authenticate *q = question;

    (void)ud;
    if (q->token.n != 5 || memcmp(q->token.p, "badge", 5) != 0)
        return 0;
    q->user = bob;
    q->scopes = "*";
    q->expires.us = JANUARY + 1;
    return 1;
}

static void others_may_know_it(void **state)
{
    dw_harness_who w;

    (void)state;
    assert_int_equal(dw_harness_answer(h, AUTH_AUTHENTICATE, recognise, NULL), 0);
    w = who(DW_BEARER, "badge");
    assert_int_equal(w.code, 0);
    assert_string_equal(w.id, bob);
    assert_string_equal(w.tenant, acme);
    assert_int_equal(w.expires.us, JANUARY + 1);
    assert_int_equal(who(DW_BEARER, "ticket").code, DW_EAUTH);
    dw_harness_sql(h, "UPDATE auth_users SET active = $2 WHERE id = $1", bob, DW_FALSE);
    assert_int_equal(who(DW_BEARER, "badge").code, DW_EAUTH);
}

/* ---- the keys that sign ---- */

static size_t keys_that_verify(void)
{
    dw_harness_reply reply = dw_harness_get(h, "/.well-known/jwks.json");

    assert_status(reply, 200);
    return json_array_size(json_object_get(reply.json, "keys"));
}

static void rotate(const char *line)
{
    dw_harness_outcome o = dw_harness_command(h, .line = line);

    if (o.code != 0)
        fail_msg("%d: %s", o.code, o.error);
}

static void an_old_key_verifies_what_it_has_signed(void **state)
{
    (void)state;
    as(NULL, NULL);
    assert_int_equal(keys_that_verify(), 1);
    rotate("key rotate");
    assert_int_equal(keys_that_verify(), 2);
    assert_int_equal(count("SELECT count(*) FROM auth_signing_keys WHERE is_current"), 1);
    dw_harness_advance(h, DW_MINUTES(17)); /* access_token_ttl, and a minute for clocks */
    assert_int_equal(keys_that_verify(), 1);
    rotate("key rotate --now");
    assert_int_equal(keys_that_verify(), 1);
}

static void a_key_that_cannot_be_opened_is_replaced(void **state)
{
    (void)state;
    refresh_token(by_password());
    dw_harness_sql(h, "UPDATE auth_signing_keys SET secret = 'of another server', id = 'another'");
    assert_status(by_password(), 503);
    assert_true(dw_harness_logged(h, DW_LOG_ERROR, "dowel key rotate"));
    rotate("key rotate");
    refresh_token(by_password());
}

static void a_secret_is_never_published(void **state)
{
    (void)state;
    start("algorithm: HS256\n");
    as(NULL, NULL);
    assert_int_equal(keys_that_verify(), 0);
    assert_int_equal(count("SELECT count(*) FROM auth_signing_keys"), 1);
}

static void the_algorithm_is_a_setting(void **state)
{
    static const char *const conf[] = { "algorithm: RS256\n", "algorithm: EdDSA\n" }, *const kty[] = {
        "RSA", "OKP"
    };

    for (size_t i = 0; i < 2; i++) {
        start(conf[i]);
        as(NULL, NULL);
        assert_string_equal(dw_harness_text(dw_harness_get(h, "/.well-known/jwks.json"), "/keys/0/kty"),
                            kty[i]);
        assert_int_equal(finish(state), 0);
    }
}

/* ---- API keys ---- */

static void api_keys_that_end_soon_are_told(void **state)
{
    dw_harness_reply reply;

    (void)state;
    as(ann, acme);
    assert_status(
        dw_harness_post(h, "/api/v1/auth/keys", "{\"name\":\"export\",\"ends_at\":\"2027-01-01T00:00:00Z\"}"),
        201);
    assert_status(dw_harness_post(h, "/api/v1/auth/keys", "{\"name\":\"for ever\"}"), 201);
    reply = dw_harness_get(h, "/api/v1/auth/keys?sort=name");
    assert_string_equal(dw_harness_text(reply, "/items/0/ends_soon"), "false");
    dw_harness_run_jobs(h); /* from here on time counts */
    dw_harness_advance(h, DW_HOURS(20 * 24));
    reply = dw_harness_get(h, "/api/v1/auth/keys?sort=name");
    assert_string_equal(dw_harness_text(reply, "/items/0/ends_soon"), "true");
    assert_string_equal(dw_harness_text(reply, "/items/1/ends_soon"), "false");
    assert_true(dw_harness_run_jobs(h) > 0);
    assert_true(dw_harness_logged(h, DW_LOG_WARN, "an API key ends soon"));
    dw_harness_forget_log(h);
    dw_harness_advance(h, DW_HOURS(2));
    assert_true(dw_harness_run_jobs(h) > 0);
    assert_false(dw_harness_logged(h, DW_LOG_WARN, "an API key ends soon")); /* said once */
}

static void what_is_long_over_is_swept(void **state)
{
    (void)state;
    refresh_token(by_password());
    as(ann, acme);
    assert_status(
        dw_harness_post(h, "/api/v1/auth/keys", "{\"name\":\"x\",\"ends_at\":\"2026-12-02T00:00:00Z\"}"),
        201);
    dw_harness_run_jobs(h);
    dw_harness_advance(h, DW_HOURS(40 * 24));
    assert_true(dw_harness_run_jobs(h) > 0);
    assert_int_equal(count("SELECT count(*) FROM auth_sessions"), 1); /* for who looks what there was */
    dw_harness_advance(h, DW_HOURS(40 * 24));
    assert_true(dw_harness_run_jobs(h) > 0);
    assert_int_equal(count("SELECT count(*) FROM auth_sessions"), 0);
    assert_int_equal(count("SELECT count(*) FROM auth_refresh"), 0);
    assert_int_equal(count("SELECT count(*) FROM auth_keys"), 0);
}

/* ---- verbs ---- */

static dw_harness_outcome run(const char *line, int wanted)
{
    dw_harness_outcome o = dw_harness_command(h, .line = line, .json = true);

    if (o.code != wanted)
        fail_msg("%s: %d instead of %d: %s%s", line, o.code, wanted, o.output, o.error);
    return o;
}

static const char *member(dw_harness_outcome o, const char *name)
{
    const char *text = json_string_value(json_object_get(o.json, name));

    assert_non_null(text);
    return kept(text);
}

static void api_keys_on_the_command_line(void **state)
{
    dw_harness_outcome o;
    const char *key;
    char line[200];

    (void)state;
    o = run("key add ann@example.org export --scope roles.read --scope users.* --days 30 --in acme", 0);
    key = member(o, "key");
    assert_int_equal(strlen(key), 50);
    o = run("key list --user ann@example.org", 0);
    assert_int_equal(json_array_size(json_object_get(o.json, "items")), 1);
    assert_null(strstr(o.output, key));
    run("key add ann@example.org x --scope no.such", DW_EINVALID);
    run("key add bob@example.org x --scope users.manage", DW_EINVALID); /* he may not */
    run("key add bob@example.org x --in globex", DW_EINVALID);
    run("key add nobody@example.org x", DW_ENOTFOUND);
    snprintf(line, sizeof(line), "key revoke %.8s", key);
    run(line, 0);
    run(line, DW_ENOTFOUND);
    assert_int_equal(json_array_size(json_object_get(run("key list", 0).json, "items")), 0);
    assert_int_equal(json_array_size(json_object_get(run("key list --all", 0).json, "items")), 1);
}

static void clients_on_the_command_line(void **state)
{
    char line[200];
    const char *id;

    (void)state;
    run("client add Desk https://desk.example.org/#x", DW_EINVALID);
    id = member(run("client add Desk https://desk.example.org/cb http://127.0.0.1/cb", 0), "client_id");
    assert_int_equal(json_array_size(json_object_get(run("client list", 0).json, "items")), 1);
    snprintf(line, sizeof(line), "client remove %s", id);
    run(line, 0);
    run(line, DW_ENOTFOUND);
}

/* ---- the page ---- */

static void who_tries_too_often_is_told_to_wait(void **state)
{
    char target[400], headers[200], form[600];
    dw_harness_reply page;
    const char *id;
    int status = 0;

    (void)state;
    id = member(run("client add Desk http://127.0.0.1/cb", 0), "client_id");
    as(NULL, NULL);
    snprintf(target, sizeof(target),
             "response_type=code&client_id=%s&redirect_uri=http://127.0.0.1/cb&code_challenge_method=S256"
             "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
             id);
    char first[500];
    snprintf(first, sizeof(first), "/api/v1/auth/authorize?%s", target);
    page = dw_harness_get(h, first);
    assert_status(page, 200);
    const char *csrf = strstr(page.body.p, "name=\"csrf\" value=\""),
               *cookie = strstr(page.headers, "__Host-dowel-login=");
    assert_non_null(csrf);
    assert_non_null(cookie);
    csrf += strlen("name=\"csrf\" value=\"");
    snprintf(headers, sizeof(headers), "Cookie: %.*s\r\n", (int)strcspn(cookie, ";"), cookie);
    snprintf(form, sizeof(form), "%s&csrf=%.64s&action=password&email=ann@example.org&password=wrong", target,
             csrf);
    for (int tries = 0; tries < 10 && status != 429; tries++) {
        page = dw_harness_request(h, .target = "/api/v1/auth/authorize", .body = { form, strlen(form) },
                                  .content_type = "application/x-www-form-urlencoded", .headers = headers);
        status = page.status;
        assert_true(status == 401 || status == 429);
    }
    assert_int_equal(status, 429);
    assert_string_equal(page.content_type, "text/html; charset=utf-8");
    assert_non_null(dw_harness_header(page, "Retry-After"));
    assert_non_null(strstr(page.body.p, "Too many tries"));
}

/* ---- torture ---- */

static void play(dw_harness *harness, void *ud)
{
    (void)ud;
    dw_harness_reply reply = by_password();
    const char *token = dw_harness_text(reply, "/refresh_token");

    (void)harness;
    refresh(*token ? kept(token) : "dwr_none");
    as(ann, acme);
    dw_harness_get(h, "/api/v1/auth/me");
    dw_harness_post(h, "/api/v1/auth/keys", "{\"name\":\"x\",\"scopes\":[\"users.read\"]}");
    dw_harness_get(h, "/api/v1/auth/keys");
    dw_harness_get(h, "/api/v1/auth/sessions");
    dw_harness_post(h, "/api/v1/auth/switch", "{\"tenant\":\"globex\"}");
    dw_harness_post(h, "/api/v1/auth/login",
                    "{\"email\":\"ann@example.org\",\"password\":\"correct horse battery\",\"cookie\":true}");
}

static void nothing_is_left_behind(void **state)
{
    int plays;

    (void)state;
    plays = dw_harness_torture(h, play, NULL);
    if (plays <= 0)
        fail_msg("%s", dw_harness_failed_step(h));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_refresh_token_is_good_once_and_a_little_longer, signed_up, finish),
        cmocka_unit_test_setup_teardown(who_does_nothing_has_left, signed_up, finish),
        cmocka_unit_test_setup_teardown(nobody_stays_for_ever, signed_up, finish),
        cmocka_unit_test_setup_teardown(what_the_engine_wants_repeated_is, signed_up, finish),
        cmocka_unit_test_setup_teardown(an_access_token_ends_with_its_time, signed_up, finish),
        cmocka_unit_test_setup_teardown(a_cookie_ends_when_nobody_uses_it, signed_up, finish),
        cmocka_unit_test_setup_teardown(an_api_key_does_as_its_user_may, signed_up, finish),
        cmocka_unit_test_setup_teardown(others_may_know_it, signed_up, finish),
        cmocka_unit_test_setup_teardown(an_old_key_verifies_what_it_has_signed, signed_up, finish),
        cmocka_unit_test_setup_teardown(a_key_that_cannot_be_opened_is_replaced, signed_up, finish),
        cmocka_unit_test_teardown(a_secret_is_never_published, finish),
        cmocka_unit_test(the_algorithm_is_a_setting),
        cmocka_unit_test_setup_teardown(api_keys_that_end_soon_are_told, signed_up, finish),
        cmocka_unit_test_setup_teardown(what_is_long_over_is_swept, signed_up, finish),
        cmocka_unit_test_setup_teardown(api_keys_on_the_command_line, signed_up, finish),
        cmocka_unit_test_setup_teardown(clients_on_the_command_line, signed_up, finish),
        cmocka_unit_test_setup_teardown(who_tries_too_often_is_told_to_wait, signed_up, finish),
        cmocka_unit_test_setup_teardown(nothing_is_left_behind, signed_up, finish),
    };

    return ON_EVERY_ENGINE("tokens", tests);
}
