/* Users and tenants: the first one, making, changing, who sees whom. */
#include "accounts_rig.h"

#define NOBODY "0190a0a0-0000-7000-8000-00000000000f"

static int64_t count(const char *table)
{
    char sql[100];
    int64_t n = -1;

    snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
    if (dw_harness_find(h, DW_TO(&n), sql) != 1)
        fail_msg("%s", dw_harness_why(h));
    return n;
}

/* ---- the first one ---- */

static void the_first_start_makes_an_administrator_once(void **state)
{
    dw_harness_reply reply;

    (void)state;
    start("");
    assert_status(set_up("wrong", "ann@example.org"), 403);
    assert_status(set_up(setup_token(), "not an address"), 422);
    assert_int_equal(count("auth_tenants"), 0);
    reply = set_up(setup_token(), "ann@example.org");
    assert_status(reply, 201);
    assert_status(set_up(setup_token(), "eve@example.org"), 409);
    assert_int_equal(count("auth_users"), 1);
    assert_int_equal(count("auth_setup_tokens"), 0);
    as(kept(dw_harness_text(reply, "/user_id")), kept(dw_harness_text(reply, "/tenant_id")));
    reply = dw_harness_get(h, "/api/v1/users");
    assert_status(reply, 200);
    assert_string_equal(dw_harness_text(reply, "/items/0/email"), "ann@example.org");
    assert_string_equal(dw_harness_text(reply, "/items/0/roles/0"), "admin");
    assert_string_equal(dw_harness_text(reply, "/items/0/is_operator"), "true");
    assert_string_equal(dw_harness_text(reply, "/items/0/is_home"), "true");
    assert_string_equal(dw_harness_text(dw_harness_get(h, "/api/v1/tenant"), "/slug"), "acme");
}

static void a_setup_link_is_good_for_a_day(void **state)
{
    (void)state;
    start("");
    dw_harness_advance(h, DW_HOURS(25));
    assert_status(set_up(setup_token(), "ann@example.org"), 403);
}

/* Of two who claim it in the same moment, the second one's transaction is begun anew after the first one's commit. */
static void a_setup_that_is_repeated_sees_the_other_one(void **state)
{
    (void)state;
    start("");
    dw_harness_repeat(h, 1);
    assert_status(set_up(setup_token(), "ann@example.org"), 201);
    assert_int_equal(count("auth_users"), 1);
    assert_int_equal(count("auth_tenants"), 1);
}

/* ---- the same in a browser ---- */

static dw_harness_reply send_form(const char *token, const char *email, const char *password,
                                  const char *language)
{
    char body[400];

    snprintf(body, sizeof(body), "token=%s&email=%s&password=%s&name=%s&tenant=Acme", token, email, password,
             "%3Cb%3EAnn");
    return dw_harness_request(h, .target = "/setup", .body = { body, strlen(body) },
                              .content_type = "application/x-www-form-urlencoded", .headers = language);
}

static void the_link_opens_a_page(void **state)
{
    const char *token;
    dw_harness_reply reply;

    (void)state;
    start("");
    token = kept(setup_token());
    reply = dw_harness_get(h, path("/setup?token=%s", token));
    assert_status(reply, 200);
    assert_string_equal(reply.content_type, "text/html; charset=utf-8");
    assert_non_null(strstr(reply.body.p, token));
    assert_string_equal(dw_harness_header(reply, "Referrer-Policy"), "no-referrer");
    assert_status(dw_harness_get(h, "/setup?token=wrong"), 403);
    assert_status(dw_harness_get(h, "/setup"), 403);

    reply = send_form(token, "ann%40example.org", "password1", NULL);
    assert_status(reply, 422);
    assert_non_null(strstr(reply.body.p, "The password is one of"));
    assert_non_null(strstr(reply.body.p, "&lt;b&gt;Ann")); /* what was typed is there again, and harmless */
    assert_null(strstr(reply.body.p, "password1"));
    reply = send_form(token, "ann", "correct+horse+battery", "Accept-Language: de\r\n");
    assert_status(reply, 422);
    assert_non_null(strstr(reply.body.p, "keine E-Mail-Adresse"));
    assert_int_equal(count("auth_tenants"), 0);

    reply = send_form(token, "ann%40example.org", "correct+horse+battery", NULL);
    assert_status(reply, 201);
    assert_non_null(strstr(reply.body.p, "ann@example.org can sign in now"));
    assert_status(send_form(token, "eve%40example.org", "correct+horse+battery", NULL), 403);
    assert_status(dw_harness_get(h, path("/setup?token=%s", token)), 403);
    assert_int_equal(count("auth_users"), 1);
}

static void what_is_no_form_is_refused(void **state)
{
    static const char *const wrong[] = { "",          "token",       "token=",        "&&&=",      "token=%",
                                         "token=%4",  "token=%zz",   "token=%00",     "token=%ff", "xtoken=a",
                                         "token%3Da", "token=a%00b", "token=+&token", "=token=a" };
    const char *token;
    char body[200];

    (void)state;
    start("");
    token = kept(setup_token());
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_status(dw_harness_request(h, .method = "POST", .target = "/setup",
                                         .body = { wrong[i], strlen(wrong[i]) },
                                         .content_type = "application/x-www-form-urlencoded"),
                      403);
    snprintf(body, sizeof(body), "email=%%c3%%28@example.org&token=%s&password=correct+horse+battery", token);
    assert_status(dw_harness_request(h, .target = "/setup", .body = { body, strlen(body) },
                                     .content_type = "application/x-www-form-urlencoded"),
                  422);
    assert_int_equal(count("auth_users"), 0);
}

static dw_harness_reply registering(const char *email)
{
    char json[300];

    snprintf(json, sizeof(json), "{\"email\":\"%s\",\"password\":\"" PASSWORD "\",\"name\":\"X\"}", email);
    return dw_harness_post(h, "/api/v1/auth/register", json);
}

static void nobody_registers_where_it_is_closed(void **state)
{
    (void)state;
    start("");
    assert_status(registering("ann@example.org"), 403);
    assert_int_equal(count("auth_users"), 0);
}

static void the_first_who_registers_is_administrator(void **state)
{
    dw_harness_reply first, second, list;

    (void)state;
    start("registration: open\n");
    first = registering("ann@example.org");
    assert_status(first, 201);
    second = registering("bob@example.org");
    assert_status(second, 201);
    assert_string_equal(dw_harness_text(first, "/tenant_id"), dw_harness_text(second, "/tenant_id"));
    assert_status(set_up(setup_token(), "eve@example.org"), 409);
    as(kept(dw_harness_text(first, "/user_id")), kept(dw_harness_text(first, "/tenant_id")));
    list = dw_harness_get(h, "/api/v1/users?sort=email");
    assert_status(list, 200);
    assert_string_equal(dw_harness_text(list, "/items/0/roles/0"), "admin");
    assert_string_equal(dw_harness_text(list, "/items/0/is_operator"), "true");
    assert_string_equal(dw_harness_text(list, "/items/1/roles/0"), "member");
    assert_string_equal(dw_harness_text(list, "/items/1/is_operator"), "false");
}

static void an_address_is_registered_once_however_it_is_spelled(void **state)
{
    static const char *const again[] = {
        "J\xc3\xbcrgen@example.org",  "J\xc3\x9cRGEN@EXAMPLE.ORG",
        "ju\xcc\x88rgen@example.org", "\xef\xbd\x8a\xc3\xbcrgen@example.org",
        "j\xc3\xbcrgen@Example.Org",
    };

    (void)state;
    start("registration: open\n");
    assert_status(registering("j\xc3\xbcrgen@example.org"), 201);
    for (size_t i = 0; i < sizeof(again) / sizeof(*again); i++)
        assert_status(registering(again[i]), 409);
    assert_status(registering("jurgen@example.org"), 201);
    assert_status(registering("ann@b\xc3\xbc"
                              "cher.example"),
                  201);
    assert_status(registering("ann@xn--bcher-kva.example"), 409);
    assert_int_equal(count("auth_users"), 3);
}

static void passwords_that_everybody_tries_are_refused(void **state)
{
    static const char *const wrong[] = { "password123", "PASSWORT1",       "aaaaaaaaaa",
                                         "12345678",    "ann@example.org", "short" };
    char json[300];

    (void)state;
    start("registration: open\n");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        snprintf(json, sizeof(json), "{\"email\":\"ann@example.org\",\"password\":\"%s\"}", wrong[i]);
        dw_harness_reply reply = dw_harness_post(h, "/api/v1/auth/register", json);
        assert_status(reply, 422);
        assert_string_equal(dw_harness_text(reply, "/errors/0/pointer"), "#/password");
    }
    assert_int_equal(count("auth_users"), 0);
}

/* ---- who there is ---- */

static size_t listed(const char *query)
{
    dw_harness_reply reply = dw_harness_get(h, path("/api/v1/users%s", query));

    assert_status(reply, 200);
    return json_array_size(json_object_get(reply.json, "items"));
}

static void people_are_listed_sorted_and_filtered(void **state)
{
    dw_harness_reply reply;

    (void)state;
    reply = dw_harness_get(h, "/api/v1/users?sort=-email&limit=1");
    assert_status(reply, 200);
    assert_string_equal(dw_harness_text(reply, "/items/0/email"), "bob@example.org");
    reply = dw_harness_get(
        h, path("/api/v1/users?sort=-email&limit=1&cursor=%s", dw_harness_text(reply, "/next")));
    assert_status(reply, 200);
    assert_string_equal(dw_harness_text(reply, "/items/0/email"), "ann@example.org");
    assert_string_equal(dw_harness_text(reply, "/next"), "null");
    assert_int_equal(listed("?q=BOB"), 1);
    assert_int_equal(listed("?q=example.org"), 2);
    assert_int_equal(listed("?q=%25"), 0);
    assert_int_equal(listed("?q=_ob"), 0);
    assert_int_equal(listed("?role=member"), 1);
    assert_int_equal(listed("?role=admin&active=true"), 1);
    assert_int_equal(listed("?active=false"), 0);
    assert_status(dw_harness_get(h, "/api/v1/users?sort=password"), 422);
    assert_status(dw_harness_get(h, "/api/v1/users?colour=red"), 400);
}

static void what_is_shown_has_no_secret(void **state)
{
    dw_harness_reply reply = dw_harness_get(h, path("/api/v1/users/%s", ann));

    (void)state;
    assert_status(reply, 200);
    assert_null(strstr(reply.body.p, "argon2"));
    assert_null(json_object_get(reply.json, "password"));
}

/* ---- foreign ids ---- */

struct foreign {
    const char *method, *target, *json;
};

/* But for the request's id they say the same. */
static void assert_same_refusal(const struct foreign *f, const char *theirs, const char *nobodys)
{
    dw_harness_reply one = with_version(f->method, path(f->target, theirs), "\"1\"", f->json),
                     other = with_version(f->method, path(f->target, nobodys), "\"1\"", f->json);
    json_t *a = json_copy((json_t *)(uintptr_t)one.json), *b = json_copy((json_t *)(uintptr_t)other.json);

    assert_status(one, 404);
    assert_status(other, 404);
    json_object_del(a, "instance");
    json_object_del(b, "instance");
    assert_true(json_equal(a, b));
    json_decref(a);
    json_decref(b);
}

static void foreign_ids_are_as_unknown_ones(void **state)
{
    static const struct foreign users[] = {
        { "GET", "/api/v1/users/%s", NULL },      { "PATCH", "/api/v1/users/%s", "{\"name\":\"X\"}" },
        { "DELETE", "/api/v1/users/%s", NULL },   { "POST", "/api/v1/users/%s/password", "{}" },
        { "GET", "/api/v1/members/%s", NULL },    { "PATCH", "/api/v1/members/%s", "{\"active\":false}" },
        { "DELETE", "/api/v1/members/%s", NULL },
    };
    static const struct foreign roles[] = {
        { "GET", "/api/v1/roles/%s", NULL },
        { "PATCH", "/api/v1/roles/%s", "{\"summary\":\"X\"}" },
        { "DELETE", "/api/v1/roles/%s", NULL },
    };
    const char *role;

    (void)state;
    for (size_t i = 0; i < sizeof(users) / sizeof(*users); i++)
        assert_same_refusal(&users[i], gil, NOBODY);
    as(gil, globex);
    role = user_id(dw_harness_post(h, "/api/v1/roles", "{\"name\":\"auditor\"}"));
    as(ann, acme);
    for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++)
        assert_same_refusal(&roles[i], role, NOBODY);
    as(gil, globex);
    assert_status(dw_harness_get(h, path("/api/v1/roles/%s", role)), 200);
    assert_status(dw_harness_get(h, path("/api/v1/users/%s", gil)), 200);
}

/* Whatever step fails on the way: nobody is let through because something could not be asked. */
static void what_cannot_be_asked_opens_nothing(void **state)
{
    static const struct foreign tried[] = {
        { "GET", "/api/v1/users/%s", NULL },           { "PATCH", "/api/v1/users/%s", "{\"name\":\"X\"}" },
        { "POST", "/api/v1/users/%s/password", "{}" }, { "DELETE", "/api/v1/users/%s", NULL },
        { "DELETE", "/api/v1/members/%s", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(tried) / sizeof(*tried); i++) {
        for (unsigned n = 1; n <= 20; n++) {
            dw_harness_fail(h, n, DW_EUNAVAILABLE);
            dw_harness_reply reply =
                with_version(tried[i].method, path(tried[i].target, gil), "\"1\"", tried[i].json);
            if (reply.status != 404 && reply.status != 503)
                fail_msg("%s %s, where step %u fails: %d", tried[i].method, tried[i].target, n, reply.status);
        }
    }
    dw_harness_fail(h, 0, DW_EUNAVAILABLE);
    as(gil, globex);
    assert_string_equal(dw_harness_text(dw_harness_get(h, path("/api/v1/users/%s", gil)), "/name"), "Gil");
}

/* ---- changing ---- */

static void a_user_is_changed_by_who_has_seen_him(void **state)
{
    const char *target = path("/api/v1/users/%s", bob);
    dw_harness_reply reply;

    (void)state;
    assert_status(dw_harness_request(h, .method = "PATCH", .target = target, .json = "{\"name\":\"Rob\"}"),
                  428);
    reply = with_version("PATCH", target, "\"1\"", "{\"name\":\"Rob\",\"locale\":\"de\"}");
    assert_status(reply, 200);
    assert_string_equal(dw_harness_text(reply, "/name"), "Rob");
    assert_string_equal(dw_harness_text(reply, "/locale"), "de");
    assert_string_equal(dw_harness_header(reply, "ETag"), "\"2\"");
    assert_status(with_version("PATCH", target, "\"1\"", "{\"name\":\"Bert\"}"), 412);
    assert_status(patch(target, "{\"email\":\"ANN@example.org\"}"), 409);
    assert_status(patch(target, "{\"email\":\"BOB@example.org\"}"), 200); /* his own, in capitals */
    assert_status(patch(target, "{\"is_operator\":true}"), 422);
    assert_status(patch(target, "{}"), 422);
    assert_int_equal(listed("?q=rob"), 1);
}

/* What is about somebody lies under a key of his own, so that it can be made unreadable later. */
static void the_log_keeps_what_is_about_somebody_apart(void **state)
{
    static const char *const actions[] = { "auth.user.created", "auth.user.changed", "auth.password.reset",
                                           "auth.user.deleted" };
    const char *target = path("/api/v1/users/%s", bob);
    const json_t *record, *values;

    (void)state;
    assert_status(patch(target, "{\"name\":\"Rob\",\"email\":\"rob@example.org\"}"), 200);
    record = json_array_get(dw_harness_audit(h, "auth.user.changed"), 0);
    assert_string_equal(json_string_value(json_object_get(record, "person")), bob);
    values = json_object_get(json_object_get(record, "personal"), "email");
    assert_string_equal(json_string_value(json_object_get(values, "old")), "bob@example.org");
    assert_string_equal(json_string_value(json_object_get(values, "new")), "rob@example.org");
    assert_status(dw_harness_post(h, path("/api/v1/users/%s/password", bob), "{}"), 200);
    assert_status(erase(target), 204);
    for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
        record = json_array_get(dw_harness_audit(h, actions[i]), 0);
        assert_non_null(json_object_get(json_object_get(record, "personal"), "email"));
        assert_null(json_object_get(json_object_get(record, "values"), "email"));
        assert_null(json_object_get(json_object_get(record, "values"), "name"));
    }
}

static void nobody_deactivates_himself(void **state)
{
    dw_harness_reply reply;

    (void)state;
    assert_status(patch(path("/api/v1/users/%s", ann), "{\"active\":false}"), 409);
    assert_status(patch(path("/api/v1/members/%s", ann), "{\"active\":false}"), 409);
    assert_status(erase(path("/api/v1/users/%s", ann)), 409);
    reply = erase(path("/api/v1/members/%s", ann));
    assert_status(reply, 409);
    reply = dw_harness_get(h, path("/api/v1/users/%s", ann));
    assert_string_equal(dw_harness_text(reply, "/active"), "true");
    assert_status(patch(path("/api/v1/users/%s", bob), "{\"active\":false}"), 200);
    assert_int_equal(listed("?active=false"), 1);
    assert_status(patch(path("/api/v1/users/%s", bob), "{\"active\":true}"), 200);
    assert_status(erase(path("/api/v1/users/%s", bob)), 204);
    assert_status(dw_harness_get(h, path("/api/v1/users/%s", bob)), 404);
    assert_int_equal(listed(""), 1);
}

/* Gil of Globex works for Acme as well: his account stays Globex's. */
static void a_guest_is_given_roles_and_nothing_else(void **state)
{
    dw_harness_reply reply;

    (void)state;
    assert_status(dw_harness_post(h, "/api/v1/members", "{\"email\":\"nobody@example.org\"}"), 422);
    assert_status(
        dw_harness_post(h, "/api/v1/members", "{\"email\":\"GIL@example.org\",\"roles\":[\"viewer\"]}"), 201);
    assert_status(dw_harness_post(h, "/api/v1/members", "{\"email\":\"gil@example.org\"}"), 409);
    const char *kim =
        user_id(dw_harness_post(h, "/api/v1/users", "{\"email\":\"kim@example.org\",\"roles\":[\"admin\"]}"));
    as(kim, acme); /* an administrator, but no operator */
    reply = dw_harness_get(h, path("/api/v1/users/%s", gil));
    assert_status(reply, 200);
    assert_string_equal(dw_harness_text(reply, "/is_home"), "false");
    assert_string_equal(dw_harness_text(reply, "/roles/0"), "viewer");
    assert_status(patch(path("/api/v1/users/%s", gil), "{\"email\":\"mine@example.org\"}"), 403);
    assert_status(dw_harness_post(h, path("/api/v1/users/%s/password", gil), "{}"), 403);
    assert_status(erase(path("/api/v1/users/%s", gil)), 403);
    reply = patch(path("/api/v1/members/%s", gil), "{\"roles\":[\"member\",\"viewer\"]}");
    assert_status(reply, 200);
    assert_string_equal(dw_harness_text(reply, "/roles/0"), "member");
    assert_status(erase(path("/api/v1/members/%s", gil)), 204);
    assert_status(dw_harness_get(h, path("/api/v1/users/%s", gil)), 404);
    assert_status(erase(path("/api/v1/members/%s", bob)), 409); /* who is at home here */
}

/* ---- passwords ---- */

static dw_harness_reply change_password(const char *email, const char *old, const char *new)
{
    char json[400];

    snprintf(json, sizeof(json), "{\"email\":\"%s\",\"password\":\"%s\",\"new_password\":\"%s\"}", email, old,
             new);
    as(NULL, NULL);
    dw_harness_reply reply = dw_harness_post(h, "/api/v1/auth/password", json);
    as(ann, acme);
    return reply;
}

static void a_temporary_password_has_to_be_changed(void **state)
{
    dw_harness_reply reply = dw_harness_post(h, path("/api/v1/users/%s/password", bob), "{}");
    const char *given;

    (void)state;
    assert_status(reply, 200);
    given = kept(dw_harness_text(reply, "/temporary_password"));
    assert_int_equal(strlen(given), 19);
    reply = dw_harness_get(h, path("/api/v1/users/%s", bob));
    assert_string_equal(dw_harness_text(reply, "/has_temporary_password"), "true");
    assert_status(change_password("bob@example.org", "something else", "tin can telephone"), 401);
    assert_status(change_password("bob@example.org", given, given), 422);
    assert_status(change_password("Bob@Example.org", given, "tin can telephone"), 204);
    reply = dw_harness_get(h, path("/api/v1/users/%s", bob));
    assert_string_equal(dw_harness_text(reply, "/has_temporary_password"), "false");
    assert_status(change_password("bob@example.org", given, "another telephone"), 401);
    assert_status(change_password("bob@example.org", "tin can telephone", "another telephone"), 204);
}

static void a_temporary_password_ends(void **state)
{
    dw_harness_reply reply =
        dw_harness_post(h, path("/api/v1/users/%s/password", bob), "{\"password\":\"welcome to the team\"}");

    (void)state;
    assert_status(reply, 200);
    assert_string_equal(dw_harness_text(reply, "/temporary_password"), "");
    dw_harness_advance(h, DW_HOURS(73));
    assert_status(change_password("bob@example.org", "welcome to the team", "tin can telephone"), 401);
}

static void who_is_not_there_is_refused_alike(void **state)
{
    dw_harness_reply nobody = change_password("nobody@example.org", "tin can telephone", "another telephone"),
                     wrong = change_password("ann@example.org", "tin can telephone", "another telephone");

    (void)state;
    assert_status(nobody, 401);
    assert_status(wrong, 401);
    assert_string_equal(dw_harness_text(nobody, "/detail"), dw_harness_text(wrong, "/detail"));
}

static void who_is_signed_in_changes_his_own(void **state)
{
    static const char json[] = "{\"password\":\"" PASSWORD "\",\"new_password\":\"tin can telephone\"}";

    (void)state;
    assert_status(dw_harness_post(h, "/api/v1/auth/password", json), 204);
    assert_status(dw_harness_post(h, "/api/v1/auth/password", json), 401);
    assert_status(dw_harness_post(h, path("/api/v1/users/%s/password", ann), "{}"), 409);
    as(NULL, NULL);
    assert_status(dw_harness_post(h, "/api/v1/auth/password", json), 422); /* whose? */
    as(ann, acme);
    assert_status(patch(path("/api/v1/users/%s", bob), "{\"active\":false}"), 200);
    assert_status(
        dw_harness_post(h, path("/api/v1/users/%s/password", bob), "{\"password\":\"welcome to the team\"}"),
        200);
    assert_status(change_password("bob@example.org", "welcome to the team", "tin can telephone"), 403);
}

/* ---- tenants ---- */

static void operators_keep_tenants(void **state)
{
    dw_harness_reply reply = dw_harness_get(h, "/api/v1/tenants?sort=name");

    (void)state;
    assert_status(reply, 200);
    assert_string_equal(dw_harness_text(reply, "/items/1/slug"), "globex");
    assert_status(dw_harness_post(h, "/api/v1/tenants", "{\"name\":\"Globex\"}"), 201);
    assert_status(dw_harness_post(h, "/api/v1/tenants", "{\"name\":\"X\",\"slug\":\"globex\"}"), 409);
    assert_string_equal(dw_harness_text(dw_harness_get(h, "/api/v1/tenants"), "/items/2/slug"), "globex-2");
    assert_status(patch(path("/api/v1/tenants/%s", globex), "{\"active\":false}"), 200);
    assert_status(patch(path("/api/v1/tenants/%s", acme), "{\"active\":false}"), 409);
    assert_status(patch(path("/api/v1/tenants/%s", globex), "{\"slug\":\"acme\"}"), 409);
    assert_status(dw_harness_get(h, "/api/v1/tenants/" NOBODY), 404);
    reply = patch("/api/v1/tenant", "{\"name\":\"Acme Ltd.\"}");
    assert_status(reply, 200);
    assert_string_equal(dw_harness_text(reply, "/name"), "Acme Ltd.");
}

/* ---- torture ---- */

static void play(dw_harness *harness, void *ud)
{
    (void)ud;
    dw_harness_post(harness, "/api/v1/users", "{\"email\":\"kim@example.org\",\"roles\":[\"member\"]}");
    dw_harness_get(harness, "/api/v1/users?q=kim");
    with_version("PATCH", path("/api/v1/users/%s", bob), "\"1\"", "{\"name\":\"Rob\"}");
    with_version("PATCH", path("/api/v1/members/%s", bob), "\"1\"", "{\"roles\":[\"viewer\"]}");
    change_password("ann@example.org", PASSWORD, "tin can telephone");
}

static void whatever_fails_leaves_nothing_behind(void **state)
{
    (void)state;
    if (dw_harness_torture(h, play, NULL) <= 0)
        fail_msg("%s", dw_harness_failed_step(h));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_first_start_makes_an_administrator_once, finish),
        cmocka_unit_test_teardown(a_setup_link_is_good_for_a_day, finish),
        cmocka_unit_test_teardown(a_setup_that_is_repeated_sees_the_other_one, finish),
        cmocka_unit_test_teardown(the_link_opens_a_page, finish),
        cmocka_unit_test_teardown(what_is_no_form_is_refused, finish),
        cmocka_unit_test_teardown(nobody_registers_where_it_is_closed, finish),
        cmocka_unit_test_teardown(the_first_who_registers_is_administrator, finish),
        cmocka_unit_test_teardown(an_address_is_registered_once_however_it_is_spelled, finish),
        cmocka_unit_test_teardown(passwords_that_everybody_tries_are_refused, finish),
        cmocka_unit_test_setup_teardown(people_are_listed_sorted_and_filtered, people, finish),
        cmocka_unit_test_setup_teardown(what_is_shown_has_no_secret, people, finish),
        cmocka_unit_test_setup_teardown(foreign_ids_are_as_unknown_ones, people, finish),
        cmocka_unit_test_setup_teardown(what_cannot_be_asked_opens_nothing, people, finish),
        cmocka_unit_test_setup_teardown(a_user_is_changed_by_who_has_seen_him, people, finish),
        cmocka_unit_test_setup_teardown(the_log_keeps_what_is_about_somebody_apart, people, finish),
        cmocka_unit_test_setup_teardown(nobody_deactivates_himself, people, finish),
        cmocka_unit_test_setup_teardown(a_guest_is_given_roles_and_nothing_else, people, finish),
        cmocka_unit_test_setup_teardown(a_temporary_password_has_to_be_changed, people, finish),
        cmocka_unit_test_setup_teardown(a_temporary_password_ends, people, finish),
        cmocka_unit_test_setup_teardown(who_is_not_there_is_refused_alike, people, finish),
        cmocka_unit_test_setup_teardown(who_is_signed_in_changes_his_own, people, finish),
        cmocka_unit_test_setup_teardown(operators_keep_tenants, people, finish),
        cmocka_unit_test_setup_teardown(whatever_fails_leaves_nothing_behind, people, finish),
    };

    return ON_EVERY_ENGINE("accounts", tests);
}
