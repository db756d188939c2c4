/* Who is let in: an authenticator of the test's own behind a real server, asked by a client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "metrics/metrics.h"
#include "plugin/access.h"
#include "plugin/remembered.h"
#include "plugin/request.h"
#include "plugin_rig.h"

#define TENANT "0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"

const dw_asset dw_assets_[] = { { 0 } };

/* ---- the plugin ---- */

static struct {
    _Atomic int asked;
    _Atomic int code; /* what the authenticator answers, if not 0 */
    _Atomic bool once, has_no_tenant, says_nonsense, forgets;
    _Atomic int64_t expires_us, passed_us;
} world;

static int64_t now_us(void *ud)
{
    (void)ud;
    return CLOCK_SECOND + world.passed_us;
}

static int who_is(dw_call *c, dw_credential *credential)
{
    static const char *const reader[] = { "door.look", "other.*" }, *const all[] = { "*" };
    bool is_ann = credential->text.n == 3 && memcmp(credential->text.p, "ann", 3) == 0;

    world.asked++;
    if (world.forgets)
        access_forget(rig.process.access, "somebody else");
    if (world.code)
        return dw_fail(c, world.code, "the stars are wrong");
    if (!is_ann && !(credential->text.n == 4 && memcmp(credential->text.p, "root", 4) == 0))
        return DW_EAUTH;
    credential->id = is_ann ? "u-ann" : "u-root";
    credential->name = dw_copy(c, (dw_str){ credential->text.p, credential->text.n });
    credential->credential = "s-1";
    credential->tenant = world.says_nonsense ? "nowhere" : world.has_no_tenant ? NULL : TENANT;
    credential->permissions = is_ann ? reader : all;
    credential->permissions_n = is_ann ? 2 : 1;
    credential->csrf = credential->kind == DW_COOKIE ? "c5" : NULL;
    credential->expires.us = world.expires_us;
    credential->once = world.once;
    return 0;
}

static int list_tenants(dw_call *c, int (*take)(void *ud, const char *tenant), void *ud)
{
    (void)c;
    DW_TRY(take(ud, TENANT));
    return take(ud, "0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1c");
}

static int look(dw_call *c, dw_request *req)
{
    const dw_principal *p = dw_principal_of(c);

    return dw_reply(req, 200, "kind", (int)p->kind, "id", p->id, "name", p->name, "credential", p->credential,
                    "tenant", dw_tenant(c), "opens", dw_require(c, "door.open"), "looks",
                    dw_require(c, "door.look"), "unknown", dw_require(c, "door.fly"));
}

DOWEL_PLUGIN(.name = "door", .version = "1.0.0",
             .operations = (const dw_operation[]){ { "look", look },
                                                   { "open", look },
                                                   { "any", look },
                                                   { "me", look },
                                                   { "free", look },
                                                   { 0 } },
             .authenticator = DW_AUTHENTICATOR(.cookie = "__Host-door", .authenticate = who_is,
                                               .tenants = list_tenants));

static const char api[] = "openapi: 3.1.0\ninfo: { title: Doors, version: \"1\" }\n"
                          "x-permissions: { door.lock: { summary: Lock it, roles: [admin] } }\n"
                          "paths:\n"
                          "  /look: { get: { operationId: look, x-permission: door.look }, post: { "
                          "operationId: open, x-permission: "
                          "door.open } }\n"
                          "  /any: { get: { operationId: any, x-public: true } }\n"
                          "  /me: { get: { operationId: me, x-permission: signed_in }, post: { operationId: "
                          "free, x-permission: signed_in, "
                          "x-tenant: none } }\n";

/* ---- the rig ---- */

static int start(void **state)
{
    struct buf why = BUF_INIT;

    (void)state;
    assert_int_equal(access_create(&rig.process.access, 64), 0);
    rig.process.monotonic_us = now_us;
    rig_start(&dw_plugin_, api, NULL);
    assert_int_equal(access_set_authenticator(rig.process.access, rig.instance, &why), 0);
    assert_int_equal(access_declare(rig.process.access, "door", rig.document), 0);
    buf_finish(&why);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    rig_stop();
    access_destroy(rig.process.access);
    return 0;
}

static int anew(void **state)
{
    (void)state;
    memset(&world, 0, sizeof(world));
    atomic_store(&rig.instance->missing, false);
    access_forget(rig.process.access, NULL);
    rig_forget_log();
    return 0;
}

static const char *with(const char *method, const char *path, const char *fields)
{
    return rig_ask(method, path, fields, "");
}

#define ANN  "Authorization: Bearer ann\r\n"
#define ROOT "Authorization: bearer  root\r\n"

/* ---- deciding ---- */

static void nobody_gets_in_without(void **state)
{
    (void)state;
    const char *a = rig_get("/api/v1/look");
    assert_int_equal(rig_status(a), 401);
    RIG_HAS(a, "WWW-Authenticate: Bearer\r\n");
    RIG_HAS(a, "application/problem+json");
    assert_int_equal(rig_status(rig_get("/api/v1/me")), 401);
    static const char *const wrong[] = {
        "Authorization: Bearer bob\r\n",   "Authorization: Bearer ann, root\r\n",
        "Authorization: Basic ann\r\n",    "Authorization: Bearer\r\n",
        "Authorization: Bearerann\r\n",    "Cookie: ann\r\n",
        "Cookie: a__Host-door=ann\r\n",    "Cookie: __Host-Door=ann\r\n",
        "Cookie: x=1; __Host-door=bob\r\n"
    };
    for (size_t i = 0; i < DW_COUNT_OF(wrong); i++)
        assert_int_equal(rig_status(with("GET", "/api/v1/look", wrong[i])), 401);
    RIG_HAS(with("GET", "/api/v1/look", wrong[0]), "error=\"invalid_token\"");
}

static void who_is_known_acts_as_themselves(void **state)
{
    (void)state;
    const char *a = with("GET", "/api/v1/look", ANN);
    assert_int_equal(rig_status(a), 200);
    RIG_HAS(a,
            "{\"kind\":1,\"id\":\"u-ann\",\"name\":\"ann\",\"credential\":\"s-1\",\"tenant\":\"" TENANT "\"");
    RIG_HAS(a, "\"opens\":-3,\"looks\":0,\"unknown\":-");
    assert_true(rig_log_has("no api.yaml declares that permission"));
    a = with("POST", "/api/v1/look", ANN);
    assert_int_equal(rig_status(a), 403);
    RIG_HAS(a, "the permission door.open");
    assert_int_equal(rig_status(with("POST", "/api/v1/look", ROOT)), 200);
    assert_int_equal(rig_status(with("GET", "/api/v1/me", ANN)), 200);
}

static void a_public_one_knows_who_asks_if_it_can(void **state)
{
    (void)state;
    RIG_HAS(with("GET", "/api/v1/any", ANN), "\"kind\":1,\"id\":\"u-ann\"");
    RIG_HAS(rig_get("/api/v1/any"),
            "\"kind\":0,\"id\":\"\",\"name\":\"\",\"credential\":\"\",\"tenant\":null,\"opens\":-2");
    RIG_HAS(with("GET", "/api/v1/any", "Authorization: Bearer bob\r\n"), "\"kind\":0");
    world.code = DW_EUNAVAILABLE;
    access_forget(rig.process.access, NULL);
    RIG_HAS(with("GET", "/api/v1/any", ANN), "\"kind\":0");
}

static void without_a_tenant_there_is_little(void **state)
{
    (void)state;
    world.has_no_tenant = true;
    assert_int_equal(rig_status(with("GET", "/api/v1/me", ANN)), 403);
    assert_int_equal(rig_status(with("POST", "/api/v1/me", ANN)), 200);
    world.has_no_tenant = false;
    access_forget(rig.process.access, NULL);
    RIG_HAS(with("POST", "/api/v1/me", ANN), "\"tenant\":null"); /* x-tenant: none */
}

static void what_comes_by_itself_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(rig_status(with("GET", "/api/v1/look", "Cookie: a=b; __Host-door=root\r\n")), 200);
    const char *a = with("POST", "/api/v1/look", "Cookie: __Host-door=root\r\n");
    assert_int_equal(rig_status(a), 403);
    RIG_HAS(a, "X-CSRF-Token");
    assert_int_equal(
        rig_status(with("POST", "/api/v1/look", "Cookie: __Host-door=root\r\nX-CSRF-Token: c6\r\n")), 403);
    assert_int_equal(
        rig_status(with("POST", "/api/v1/look", "Cookie: __Host-door=root\r\nX-CSRF-Token: c5\r\n")), 200);
    /* A header says it on purpose, whatever cookies come along. */
    assert_int_equal(rig_status(with("POST", "/api/v1/look", ROOT "Cookie: __Host-door=ann\r\n")), 200);
}

static void what_cannot_be_told_is_refused(void **state)
{
    (void)state;
    world.code = DW_EUNAVAILABLE;
    const char *a = with("GET", "/api/v1/look", ANN);
    assert_int_equal(rig_status(a), 503);
    RIG_HAS(a, "Retry-After: 1");
    world.code = DW_EAUTH;
    RIG_HAS(with("GET", "/api/v1/look", ANN), "the stars are wrong");
    world.code = 0;
    world.says_nonsense = true;
    assert_int_equal(rig_status(with("GET", "/api/v1/look", ANN)), 503);
    assert_true(rig_log_has("its tenant is no UUID"));
    world.says_nonsense = false;
    atomic_store(&rig.instance->missing, true);
    assert_int_equal(rig_status(with("GET", "/api/v1/look", ANN)), 503);
}

/* ---- remembering ---- */

static int asked_for(const char *fields)
{
    int before = world.asked;

    assert_int_equal(rig_status(with("GET", "/api/v1/look", fields)), 200);
    return world.asked - before;
}

static void it_is_asked_once(void **state)
{
    (void)state;
    access_heard(rig.process.access);
    assert_int_equal(asked_for(ANN), 1);
    world.passed_us = ACCESS_HEARD_US - 1;
    assert_int_equal(asked_for(ANN), 0);
    assert_int_equal(asked_for(ROOT), 1);
    assert_int_equal(asked_for("Cookie: __Host-door=ann\r\n"),
                     1); /* the same text as a cookie is another thing */
    world.once = true;
    access_forget(rig.process.access, "");
    access_heard(rig.process.access);
    assert_int_equal(asked_for(ANN), 1);
    assert_int_equal(asked_for(ANN), 1);
}

static void what_is_forgotten_is_asked_again(void **state)
{
    static const char *const about[] = { "u-ann", "s-1", TENANT, "" };

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(about); i++) {
        access_heard(rig.process.access);
        (void)asked_for(ANN);
        access_forget(rig.process.access, "u-root");
        access_heard(rig.process.access);
        assert_int_equal(asked_for(ANN), 0);
        access_forget(rig.process.access, about[i]);
        access_heard(rig.process.access);
        assert_int_equal(asked_for(ANN), 1);
    }
    world.forgets = true; /* while it is found out: who changed what is not known */
    access_forget(rig.process.access, NULL);
    access_heard(rig.process.access);
    assert_int_equal(asked_for(ANN), 1);
    assert_int_equal(asked_for(ANN), 1);
}

static void unheard_nothing_is_remembered(void **state)
{
    struct access *before = rig.process.access, *deaf;
    struct buf why = BUF_INIT;

    (void)state;
    assert_int_equal(access_create(&deaf, 64), 0);
    assert_int_equal(access_set_authenticator(deaf, rig.instance, &why), 0);
    rig.process.access = deaf;
    assert_int_equal(asked_for(ANN), 1);
    assert_int_equal(asked_for(ANN), 1);
    access_heard(deaf);
    assert_int_equal(asked_for(ANN), 1);
    assert_int_equal(asked_for(ANN), 0);
    world.passed_us = ACCESS_HEARD_US;
    assert_int_equal(asked_for(ANN), 1);
    rig.process.access = before;
    access_destroy(deaf);
    buf_finish(&why);
}

static void it_expires(void **state)
{
    (void)state;
    world.expires_us = clock_wall_us() + CLOCK_SECOND; /* by then it is asked */
    access_heard(rig.process.access);
    assert_int_equal(asked_for(ANN), 1);
    RIG_UNTIL(clock_wall_us() > world.expires_us);
    assert_int_equal(rig_status(with("GET", "/api/v1/look", ANN)),
                     503); /* the test's is stubborn, the host is not */
    assert_true(rig_log_has("it has expired"));
}

/* ---- the rest ---- */

static int count(void *ud, const char *tenant)
{
    int *n = ud;

    assert_int_equal(strlen(tenant), 36);
    return ++*n == 2 ? 7 : 0;
}

static void tenants_and_permissions_are_told(void **state)
{
    static const char *const names[] = { "door.lock", "door.look", "door.open" };
    struct buf why = BUF_INIT;
    int n = 0;

    (void)state;
    assert_int_equal(access_each_tenant(rig.process.access, count, &n), 7);
    assert_int_equal(n, 2);
    for (size_t i = 0; i < DW_COUNT_OF(names); i++)
        assert_string_equal(access_permission(rig.process.access, i)->name, names[i]);
    assert_null(access_permission(rig.process.access, DW_COUNT_OF(names)));
    const dw_permission *p = access_find_permission(rig.process.access, "door.lock");
    assert_string_equal(p->summary, "Lock it");
    assert_string_equal(p->roles, "admin");
    assert_string_equal(p->plugin, "door");
    assert_int_equal(access_set_authenticator(rig.process.access, rig.instance, &why), -1);
    RIG_HAS(buf_text(&why), "the plugin door does so already");
    buf_finish(&why);
}

static void a_name_stands_for_itself_and_more(void **state)
{
    const char *const names[] = { "notes.*", "b.x", "a.x", "b.x" };
    dw_credential found = { .struct_size = sizeof(found),
                            .principal_kind = DW_KEY,
                            .id = "1",
                            .permissions = names,
                            .permissions_n = 4 };
    struct identity *i;
    const char *why;

    (void)state;
    assert_int_equal(identity_create(&i, &found, 0, &why), 0);
    assert_true(identity_may(i, "a.x") && identity_may(i, "b.x") && identity_may(i, "notes.read"));
    assert_false(identity_may(i, "a.y") || identity_may(i, "note.read") || identity_may(i, "notesx.read") ||
                 identity_may(i, "a") || identity_may(i, "") || identity_may(i, "notes"));
    assert_int_equal(i->permissions_n, 3);
    identity_drop(i);
    found.id = "";
    assert_int_equal(identity_create(&i, &found, 0, &why), DW_EINVALID);
    found.id = "1";
    found.kind = DW_COOKIE;
    assert_int_equal(identity_create(&i, &found, 0, &why), DW_EINVALID);
    found.csrf = "\xff";
    assert_int_equal(identity_create(&i, &found, 0, &why), DW_EINVALID);
}

static void the_oldest_make_room(void **state)
{
    const char *const none[] = { NULL };
    dw_credential found = {
        .struct_size = sizeof(found), .principal_kind = DW_USER, .id = "1", .permissions = none
    };
    unsigned char key[REMEMBERED_KEY_SIZE] = { 0 };
    struct remembered *r;
    struct identity *i, *seen;
    const char *why;
    uint64_t since;

    (void)state;
    assert_int_equal(remembered_create(&r, 32), 0);
    assert_int_equal(identity_create(&i, &found, 0, &why), 0);
    for (int n = 0; n < 1000; n++) {
        key[0] = (unsigned char)(n % 7);
        key[1] = (unsigned char)(n % 5);
        key[2] = (unsigned char)n;
        key[3] = (unsigned char)(n >> 8);
        assert_null(remembered_find(r, key, 1, &since));
        remembered_add(r, key, i, since);
        remembered_add(r, key, i, since);
        seen = remembered_find(r, key, 1, &since);
        assert_ptr_equal(seen, i);
        identity_drop(seen);
    }
    assert_true(remembered_count(r) <= 48);
    remembered_forget(r, "2");
    assert_true(remembered_count(r) > 0);
    remembered_forget(r, "1");
    assert_int_equal(remembered_count(r), 0);
    assert_int_equal(i->references, 1);
    identity_drop(i);
    remembered_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nobody_gets_in_without, anew),
        cmocka_unit_test_setup(who_is_known_acts_as_themselves, anew),
        cmocka_unit_test_setup(a_public_one_knows_who_asks_if_it_can, anew),
        cmocka_unit_test_setup(without_a_tenant_there_is_little, anew),
        cmocka_unit_test_setup(what_comes_by_itself_changes_nothing, anew),
        cmocka_unit_test_setup(what_cannot_be_told_is_refused, anew),
        cmocka_unit_test_setup(it_is_asked_once, anew),
        cmocka_unit_test_setup(what_is_forgotten_is_asked_again, anew),
        cmocka_unit_test_setup(unheard_nothing_is_remembered, anew),
        cmocka_unit_test_setup(it_expires, anew),
        cmocka_unit_test_setup(tenants_and_permissions_are_told, anew),
        cmocka_unit_test(a_name_stands_for_itself_and_more),
        cmocka_unit_test(the_oldest_make_room),
    };

    return cmocka_run_group_tests_name("access", tests, start, stop);
}
