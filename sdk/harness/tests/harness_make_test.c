/* Connections that a plugin makes for whoever moves here: in its transaction, once each, and only by the machine itself. The test plays a
 * desk, whose connections are made, and a mover, a connector that runs what a test wants to do as a plugin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <dowel/dowel.h>
#include <dowel/harness.h>

DW_HARNESS_PLAYS;

#define TENANT "0190a0a0-0000-7000-8000-00000000000a"

/* ---- the desk ---- */

struct desk {
    const char *url;
    dw_secret token;
    int64_t days;
};

static const dw_item desk_items[] = {
    DW_ITEM(struct desk, url, .pattern = "url", .help = "Where it is"),
    DW_ITEM(struct desk, token, .help = "A token"),
    DW_ITEM(struct desk, days, .fallback = "7", .min = 1, .max = 9, .help = "How many"),
    { 0 },
};

/* It knows one token. */
static int desk_check(dw_call *c, dw_connection *conn, dw_checkup *out)
{
    const struct desk *s = dw_connection_settings(conn);

    if (strcmp(dw_secret_reveal(s->token), "good") != 0)
        return dw_fail_at(c, "/token", "the desk does not know it");
    dw_checked(out, DW_CHECK_GOOD, "token", "it knows the token");
    return 0;
}

static const dw_connector desk = {
    .name = "desk",
    .title = "Desk",
    .settings = DW_ITEMS(struct desk, desk_items),
    .address = "url",
    .check = desk_check,
};

static const dw_connector other = { .name = "other", .title = "Another kind" };

/* ---- the mover ---- */

static struct {
    int (*run)(dw_call *c);
    int got, code;
    char text[500];
    char id[2][40];
} mover;

static int mover_list(dw_call *c, dw_connection *conn, const dw_thing_query *query, dw_found *out)
{
    (void)conn;
    (void)query;
    mover.got = mover.run(c);
    mover.code = dw_error_of(c)->code;
    strncpy(mover.text, dw_error_of(c)->text, sizeof(mover.text) - 1);
    return dw_found_complete(out);
}

static const dw_listing mover_listings[] = { { .name = "run", .list = mover_list }, { 0 } };
static const dw_connector moves = { .name = "mover", .listings = mover_listings };

/* ---- the world ---- */

struct world {
    dw_harness *h;
    const char *mover;
};

static struct world world;

static void made(int rc, dw_harness *h)
{
    if (rc != 0)
        fail_msg("%s", dw_harness_why(h));
}

static int begin(void **state)
{
    struct world *w = &world;

    memset(&mover, 0, sizeof(mover));
    *state = w;
    made(dw_harness_open(&w->h, .plugin = PLUGIN), w->h);
    dw_harness_set_tenant(w->h, TENANT);
    made(dw_harness_play(w->h, &desk), w->h);
    made(dw_harness_play(w->h, &other), w->h);
    made(dw_harness_play(w->h, &moves), w->h);
    made(dw_harness_connection(w->h, "mover", NULL, &w->mover), w->h);
    return 0;
}

static int end(void **state)
{
    struct world *w = *state;

    assert_int_equal(dw_harness_close(w->h), 0);
    return 0;
}

static int run(struct world *w, int (*what)(dw_call *c))
{
    mover.run = what;
    mover.got = -1000;
    if (!dw_harness_things(w->h, w->mover, "run", NULL))
        fail_msg("%s", dw_harness_error(w->h)->text);
    return mover.got;
}

static void refused(struct world *w, int (*what)(dw_call *c), int code, const char *part)
{
    int rc = run(w, what);

    if (rc != code || mover.code != code || !strstr(mover.text, part))
        fail_msg("%d: %s", rc, mover.text);
}

static int64_t desks(struct world *w)
{
    int64_t n = -1;

    assert_int_equal(
        dw_harness_find(w->h, DW_TO(&n), "SELECT count(*) FROM dowel_connections WHERE kind = 'desk'"), 1);
    return n;
}

/* ---- what a plugin does ---- */

static const dw_connection_secret good[] = { { "token", { "good" } }, { NULL, { NULL } } };
static const dw_connection_secret bad[] = { { "token", { "bad" } }, { NULL, { NULL } } };

static const json_t *settings(dw_call *c)
{
    return dw_json(c, "url", "https://desk.example", "days", 3);
}

static int make_desk(dw_call *c, const char **id)
{
    return dw_connection_make(c, id, .kind = "desk", .name = "Helpdesk", .settings = settings(c),
                              .secrets = good);
}

static int make_twice(dw_call *c)
{
    const char *id;

    for (int i = 0; i < 2; i++) {
        DW_TRY(dw_tx_begin(c));
        int rc = make_desk(c, &id);
        DW_TRY(rc);
        assert_int_equal(rc, i == 0);
        strncpy(mover.id[i], id, sizeof(mover.id[i]) - 1);
        DW_TRY(dw_tx_commit(c));
    }
    return 0;
}

static int make_and_take_back(dw_call *c)
{
    const char *id;

    DW_TRY(dw_tx_begin(c));
    assert_int_equal(make_desk(c, &id), 1);
    return dw_tx_rollback(c);
}

static int make_disabled(dw_call *c)
{
    const char *id;

    DW_TRY(dw_tx_begin(c));
    assert_int_equal(dw_connection_make(c, &id, .kind = "desk", .name = "Old", .settings = settings(c),
                                        .secrets = good, .disabled = true, .allow_private = true),
                     1);
    return dw_tx_commit(c);
}

static int make_beside(dw_call *c)
{
    const char *id;

    return make_desk(c, &id);
}

static int rolled_back(dw_call *c, int rc)
{
    dw_tx_rollback(c);
    return rc;
}

static int make_for_somebody(dw_call *c)
{
    const char *id;

    DW_TRY(dw_tx_begin(c));
    return rolled_back(c, make_desk(c, &id));
}

static int make_with_faults(dw_call *c)
{
    const char *id;

    DW_TRY(dw_tx_begin(c));
    return rolled_back(c, dw_connection_make(c, &id, .kind = "desk", .name = "Helpdesk",
                                             .settings = dw_json(c, "url", "nowhere", "days", 20)));
}

static int make_of_no_kind(dw_call *c)
{
    const char *id;

    DW_TRY(dw_tx_begin(c));
    return rolled_back(c, dw_connection_make(c, &id, .kind = "planet", .name = "Helpdesk"));
}

static int make_with_a_taken_name(dw_call *c)
{
    const char *id;

    DW_TRY(dw_tx_begin(c));
    return rolled_back(c, dw_connection_make(c, &id, .kind = "other", .name = "Helpdesk"));
}

static int make_without_a_name(dw_call *c)
{
    const char *id;

    DW_TRY(dw_tx_begin(c));
    return rolled_back(c, dw_connection_make(c, &id, .kind = "other"));
}

static int try_good(dw_call *c)
{
    return dw_connection_try(c, .kind = "desk", .name = "Helpdesk", .settings = settings(c), .secrets = good);
}

static int try_bad(dw_call *c)
{
    return dw_connection_try(c, .kind = "desk", .name = "Helpdesk", .settings = settings(c), .secrets = bad);
}

static int try_inside(dw_call *c)
{
    DW_TRY(dw_tx_begin(c));
    return rolled_back(c, try_good(c));
}

/* ---- tests ---- */

static void one_is_made_once(void **state)
{
    struct world *w = *state;
    const char *url = "", *sealed = "";

    assert_int_equal(run(w, make_twice), 0);
    assert_string_equal(mover.id[0], mover.id[1]);
    assert_int_equal(desks(w), 1);
    assert_int_equal(dw_harness_find(w->h, DW_TO(&url, &sealed),
                                     "SELECT settings, sealed FROM dowel_connections WHERE id = $1",
                                     (const char *)mover.id[0]),
                     1);
    assert_non_null(strstr(url, "desk.example"));
    assert_null(strstr(url, "good"));
    assert_int_equal(strncmp(sealed, "gAAAA", 5), 0);
    const json_t *log = dw_harness_audit(w->h, "core.connection.added");
    assert_int_equal(json_array_size(log), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(log, 0), "plugin")), "core");
}

static void one_may_be_disabled_and_lie_inside(void **state)
{
    struct world *w = *state;
    bool enabled = true, inside = false;

    assert_int_equal(run(w, make_disabled), 0);
    assert_int_equal(
        dw_harness_find(w->h, DW_TO(&enabled, &inside),
                        "SELECT enabled, allow_private FROM dowel_connections WHERE name = 'Old'"),
        1);
    assert_false(enabled);
    assert_true(inside);
}

static void what_is_rolled_back_was_not_made(void **state)
{
    struct world *w = *state;

    assert_int_equal(run(w, make_and_take_back), 0);
    assert_int_equal(desks(w), 0);
}

static void all_that_is_wrong_is_said(void **state)
{
    struct world *w = *state;

    refused(w, make_with_faults, DW_EINVALID, "the connection Helpdesk: ");
    assert_non_null(strstr(mover.text, "settings/url: "));
    assert_non_null(strstr(mover.text, "settings/days: "));
    assert_non_null(strstr(mover.text, "settings/token: "));
    refused(w, make_of_no_kind, DW_EINVALID, "kind");
    assert_int_equal(run(w, make_twice), 0);
    refused(w, make_with_a_taken_name, DW_ECONFLICT,
            "the connection Helpdesk: there is another connection with this name");
    refused(w, make_without_a_name, DW_EMISUSE, "without a kind or a name");
    assert_int_equal(desks(w), 1);
}

static void a_transaction_is_needed_but_not_for_a_try(void **state)
{
    struct world *w = *state;

    refused(w, make_beside, DW_ETX, "dw_tx_begin() first");
    refused(w, try_inside, DW_ETX, "transaction");
    assert_int_equal(desks(w), 0);
}

static void nobody_makes_one_through_a_plugin(void **state)
{
    struct world *w = *state;

    dw_harness_set_principal(w->h, "0190a0a0-0000-7000-8000-0000000000ff");
    refused(w, try_good, DW_EDENIED, "only what the machine does by itself");
    refused(w, make_for_somebody, DW_EDENIED, "people do it by POST /api/v1/connections");
    assert_int_equal(desks(w), 0);
}

static void one_is_tried_before(void **state)
{
    struct world *w = *state;

    assert_int_equal(run(w, try_good), 0);
    refused(w, try_bad, DW_EINVALID, "the connection Helpdesk: settings/token: the desk does not know it");
    assert_int_equal(desks(w), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_is_made_once, begin, end),
        cmocka_unit_test_setup_teardown(one_may_be_disabled_and_lie_inside, begin, end),
        cmocka_unit_test_setup_teardown(what_is_rolled_back_was_not_made, begin, end),
        cmocka_unit_test_setup_teardown(all_that_is_wrong_is_said, begin, end),
        cmocka_unit_test_setup_teardown(a_transaction_is_needed_but_not_for_a_try, begin, end),
        cmocka_unit_test_setup_teardown(nobody_makes_one_through_a_plugin, begin, end),
        cmocka_unit_test_setup_teardown(one_is_tried_before, begin, end),
    };

    return cmocka_run_group_tests_name("harness_make", tests, NULL, NULL);
}
