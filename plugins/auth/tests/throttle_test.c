/* What wrong passwords cost, and whom. */
#include "accounts_rig.h"

static int guessed(const char *email, const char *from, const char *password)
{
    char json[300];

    snprintf(json, sizeof(json),
             "{\"email\":\"%s\",\"password\":\"%s\",\"new_password\":\"tin can telephone\"}", email,
             password);
    assert_int_equal(dw_harness_set_address(h, from), 0);
    return dw_harness_post(h, "/api/v1/auth/password", json).status;
}

static int guess(const char *email, const char *from)
{
    return guessed(email, from, "a wrong password");
}

static int annoyed(void **state)
{
    int rc = people(state);

    as(NULL, NULL);
    dw_harness_set_now(h, (dw_time){ INT64_C(1796083200000000) });
    return rc;
}

static int64_t wait_of(const char *email, const char *from)
{
    char json[300];

    snprintf(json, sizeof(json),
             "{\"email\":\"%s\",\"password\":\"x\",\"new_password\":\"tin can telephone\"}", email);
    assert_int_equal(dw_harness_set_address(h, from), 0);
    dw_harness_reply reply = dw_harness_post(h, "/api/v1/auth/password", json);
    assert_status(reply, 429);
    return strtoll(dw_harness_header(reply, "Retry-After"), NULL, 10);
}

static void each_try_costs_twice_the_one_before(void **state)
{
    static const int64_t waits[] = { 1, 2, 4, 8, 16 };

    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(guess("ann@example.org", "192.0.2.1"), 401);
    for (size_t i = 0; i < sizeof(waits) / sizeof(*waits); i++) {
        assert_int_equal(guess("ann@example.org", "192.0.2.1"), 401);
        assert_int_equal(wait_of("ann@example.org", "192.0.2.1"), waits[i]);
        assert_int_equal(wait_of("ann@example.org", "192.0.2.1"),
                         waits[i]); /* knocking does not make it longer */
        dw_harness_advance(h, DW_SECONDS(waits[i]));
    }
}

static void strangers_share_one_counter_wherever_they_are(void **state)
{
    char from[20];

    (void)state;
    for (int i = 0; i < 6; i++) {
        snprintf(from, sizeof(from), "192.0.2.%d", i + 1);
        assert_int_equal(guess("ann@example.org", from), 401);
    }
    assert_int_equal(guess("ann@example.org", "198.51.100.1"), 429);
    assert_int_equal(guess("bob@example.org", "198.51.100.1"), 401);
}

/* The right password does not help either: else it could be found by trying all the same. */
static void who_has_to_wait_is_not_told_whether_it_was_right(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++)
        assert_int_equal(guess("ann@example.org", "192.0.2.1"), 401);
    assert_int_equal(guessed("ann@example.org", "192.0.2.1", PASSWORD), 429);
    dw_harness_advance(h, DW_SECONDS(1));
    assert_int_equal(guessed("ann@example.org", "192.0.2.1", PASSWORD), 204);
}

static void nobody_is_locked_out_where_he_was_before(void **state)
{
    (void)state;
    assert_int_equal(guessed("ann@example.org", "198.51.100.7", PASSWORD), 204);
    for (int i = 0; i < 6; i++)
        assert_int_equal(guess("ann@example.org", "192.0.2.1"), 401);
    assert_int_equal(guess("ann@example.org", "192.0.2.1"), 429);
    assert_int_equal(guessed("ann@example.org", "198.51.100.7", "tin can telephone"),
                     422); /* the old one again */
    /* and from there a slip of the finger is not a stranger's */
    for (int i = 0; i < 5; i++)
        assert_int_equal(guess("ann@example.org", "198.51.100.7"), 401);
    assert_int_equal(guess("ann@example.org", "198.51.100.7"), 401);
    assert_int_equal(guess("ann@example.org", "198.51.100.7"), 429);
}

static void who_tries_everybody_waits_for_his_address(void **state)
{
    char email[40];

    (void)state;
    for (int i = 0; i < 21; i++) {
        snprintf(email, sizeof(email), "user%d@example.org", i);
        assert_int_equal(guess(email, "192.0.2.1"), 401);
    }
    assert_int_equal(guess("ann@example.org", "192.0.2.1"), 429);
    assert_int_equal(guess("ann@example.org", "192.0.2.2"), 401);
}

/* One good password of his own in between does not set an attacker back to none. */
static void an_address_is_not_forgiven_for_one_good_password(void **state)
{
    char email[40];

    (void)state;
    for (int i = 0; i < 20; i++) {
        snprintf(email, sizeof(email), "user%d@example.org", i);
        assert_int_equal(guess(email, "192.0.2.1"), 401);
    }
    assert_int_equal(guessed("ann@example.org", "192.0.2.1", PASSWORD), 204);
    assert_int_equal(guess("user21@example.org", "192.0.2.1"), 401);
    assert_int_equal(guess("user22@example.org", "192.0.2.1"), 429);
}

static void a_home_is_one_address_in_ipv6(void **state)
{
    char email[40], from[60];

    (void)state;
    for (int i = 0; i < 21; i++) {
        snprintf(email, sizeof(email), "user%d@example.org", i);
        snprintf(from, sizeof(from), "2001:db8:0:1:%x::%x", i + 1, i);
        assert_int_equal(guess(email, from), 401);
    }
    assert_int_equal(guess("ann@example.org", "2001:db8:0:1::ffff"), 429);
    assert_int_equal(guess("ann@example.org", "2001:db8:0:2::ffff"), 401);
}

/* Behind a proxy that is not trusted, or on this machine, everybody has the same address. */
static void an_address_that_everybody_has_tells_nothing(void **state)
{
    static const char *const addresses[] = { "127.0.0.1", "::1", NULL };
    char email[40];

    (void)state;
    for (size_t k = 0; k < sizeof(addresses) / sizeof(*addresses); k++) {
        for (int i = 0; i < 25; i++) {
            snprintf(email, sizeof(email), "user%zu-%d@example.org", k, i);
            assert_int_equal(guess(email, addresses[k]), 401);
        }
    }
    assert_int_equal(guessed("ann@example.org", "127.0.0.1", PASSWORD), 204);
    for (int i = 0; i < 6; i++)
        assert_int_equal(guess("ann@example.org", "127.0.0.1"), 401);
    assert_int_equal(guess("ann@example.org", "127.0.0.1"), 429);
}

static void accounts_that_do_not_exist_are_counted_alike(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++)
        assert_int_equal(guess("nobody@example.org", "192.0.2.1"), 401);
    assert_int_equal(guess("NOBODY@example.org", "192.0.2.3"), 429);
    for (int i = 0; i < 6; i++)
        assert_int_equal(guess("no address", "192.0.2.2"), 401);
    assert_int_equal(guess("no address", "192.0.2.2"), 429);
}

/* Also when it opens nothing yet. */
static void a_right_password_is_no_failure(void **state)
{
    static const char login[] = "{\"email\":\"bob@example.org\",\"password\":\"welcome to the team\"}";

    (void)state;
    as(ann, acme);
    assert_status(
        dw_harness_post(h, path("/api/v1/users/%s/password", bob), "{\"password\":\"welcome to the team\"}"),
        200);
    as(NULL, NULL);
    assert_int_equal(dw_harness_set_address(h, "192.0.2.1"), 0);
    for (int i = 0; i < 10; i++)
        assert_status(dw_harness_post(h, "/api/v1/auth/login", login), 403);
    assert_int_equal(guess("bob@example.org", "192.0.2.1"), 401);
}

static void what_was_is_forgotten(void **state)
{
    int64_t n = -1;

    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(guess("ann@example.org", "192.0.2.1"), 401);
    dw_harness_advance(h, DW_HOURS(1));
    for (int i = 0; i < 6; i++)
        assert_int_equal(guess("ann@example.org", "192.0.2.1"), 401);
    assert_int_equal(guess("ann@example.org", "192.0.2.1"), 429);
    dw_harness_advance(h, DW_HOURS(2));
    assert_int_equal(dw_harness_add_job(h, "sweep", "{}"), 0);
    assert_int_equal(dw_harness_run_jobs(h), 1);
    dw_harness_find(h, DW_TO(&n), "SELECT count(*) FROM auth_throttle");
    assert_int_equal(n, 0);
}

/* Twenty places of one account are remembered, the newest: so nobody fills the table. */
static void places_are_few(void **state)
{
    static const char *const passwords[] = { PASSWORD, "tin can telephone" };
    char from[20], json[300];
    int64_t n = -1;

    (void)state;
    for (unsigned i = 0; i < 25; i++) {
        snprintf(from, sizeof(from), "192.0.2.%u", i + 1);
        snprintf(json, sizeof(json),
                 "{\"email\":\"ann@example.org\",\"password\":\"%s\",\"new_password\":\"%s\"}",
                 passwords[i % 2], passwords[1 - i % 2]);
        dw_harness_advance(h, DW_SECONDS(1));
        assert_int_equal(dw_harness_set_address(h, from), 0);
        assert_status(dw_harness_post(h, "/api/v1/auth/password", json), 204);
    }
    dw_harness_find(h, DW_TO(&n), "SELECT count(*) FROM auth_places");
    assert_int_equal(n, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_try_costs_twice_the_one_before, annoyed, finish),
        cmocka_unit_test_setup_teardown(strangers_share_one_counter_wherever_they_are, annoyed, finish),
        cmocka_unit_test_setup_teardown(who_has_to_wait_is_not_told_whether_it_was_right, annoyed, finish),
        cmocka_unit_test_setup_teardown(nobody_is_locked_out_where_he_was_before, annoyed, finish),
        cmocka_unit_test_setup_teardown(who_tries_everybody_waits_for_his_address, annoyed, finish),
        cmocka_unit_test_setup_teardown(an_address_is_not_forgiven_for_one_good_password, annoyed, finish),
        cmocka_unit_test_setup_teardown(a_home_is_one_address_in_ipv6, annoyed, finish),
        cmocka_unit_test_setup_teardown(an_address_that_everybody_has_tells_nothing, annoyed, finish),
        cmocka_unit_test_setup_teardown(accounts_that_do_not_exist_are_counted_alike, annoyed, finish),
        cmocka_unit_test_setup_teardown(a_right_password_is_no_failure, annoyed, finish),
        cmocka_unit_test_setup_teardown(what_was_is_forgotten, annoyed, finish),
        cmocka_unit_test_setup_teardown(places_are_few, annoyed, finish),
    };

    return ON_EVERY_ENGINE("throttle", tests);
}
