/* The harness's database: whose it is, for whom requests run, and transactions that want to be repeated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dowel/harness.h>

#include <string.h>
#include <unistd.h>

#define ONE "0190a0a0-0000-7000-8000-000000000001"
#define TWO "0190a0a0-0000-7000-8000-000000000002"

static dw_harness *open_with(const char *conf)
{
    dw_harness *h;

    if (dw_harness_open(&h, .plugin = PLUGIN, .conf = conf) != 0)
        fail_msg("%s", dw_harness_why(h));
    return h;
}

static int book(dw_harness *h, const char *tenant, const char *json)
{
    dw_harness_set_tenant(h, tenant);
    return dw_harness_post(h, "/api/v1/cashbook", json).status;
}

static int64_t rows_of(dw_harness *h)
{
    int64_t n = -1;

    assert_int_equal(dw_harness_find(h, DW_TO(&n), "SELECT count(*) FROM cashbook"), 1);
    return n;
}

static void each_harness_has_its_own(void **state)
{
    dw_harness *h = open_with(NULL);
    (void)state;

    assert_int_equal(book(h, ONE, "{\"amount\":3}"), 201);
    assert_int_equal(rows_of(h), 1);
    assert_int_equal(dw_harness_close(h), 0);
    h = open_with(NULL);
    assert_int_equal(rows_of(h), 0);
    assert_int_equal(dw_harness_close(h), 0);
}

static void the_tests_sql_sees_everything(void **state)
{
    dw_harness *h = open_with(NULL);
    const char *tenant = NULL;
    (void)state;

    dw_harness_set_tenant(h, TWO);
    assert_int_equal(
        dw_harness_sql(h, "INSERT INTO cashbook (tenant_id, id, amount) VALUES (:tenant, $1, $2)", ONE, 5),
        1);
    dw_harness_set_tenant(h, ONE);
    assert_int_equal(dw_harness_find(h, DW_TO(&tenant), "SELECT tenant_id FROM cashbook"), 1);
    assert_string_equal(tenant, TWO);
    assert_int_equal(dw_harness_find(h, DW_TO(&tenant), "SELECT tenant_id FROM cashbook WHERE amount = 6"),
                     0);
    assert_int_equal(dw_harness_sql(h, "SELEKT"), -1);
    assert_non_null(strstr(dw_harness_why(h), "SELEKT"));
    assert_int_equal(dw_harness_close(h), 0);
}

static void requests_run_for_whom_the_test_says(void **state)
{
    dw_harness *h = open_with(NULL);
    dw_harness_reply reply = dw_harness_get(h, "/api/v1/cashbook");
    (void)state;

    assert_string_equal(dw_harness_text(reply, "/tenant"), "null");
    assert_int_equal(dw_harness_get(h, "/api/v1/cashbook/guarded").status, 503);
    dw_harness_set_tenant(h, ONE);
    dw_harness_set_principal(h, "ann");
    assert_string_equal(dw_harness_text(dw_harness_get(h, "/api/v1/cashbook"), "/tenant"), ONE);
    assert_string_equal(dw_harness_text(dw_harness_get(h, "/api/v1/cashbook/guarded"), "/me"), "ann");
    dw_harness_set_permissions(h, "cashbook.write other.*");
    assert_int_equal(dw_harness_get(h, "/api/v1/cashbook/guarded").status, 403);
    dw_harness_set_permissions(h, "other.* cashbook.read");
    assert_int_equal(dw_harness_get(h, "/api/v1/cashbook/guarded").status, 200);
    dw_harness_set_permissions(h, NULL);
    dw_harness_set_principal(h, NULL);
    assert_int_equal(dw_harness_get(h, "/api/v1/cashbook/guarded").status, 503);
    assert_int_equal(dw_harness_close(h), 0);
}

static void a_tenant_has_its_own_sum(void **state)
{
    dw_harness *h = open_with(NULL);
    (void)state;

    assert_int_equal(book(h, ONE, "{\"amount\":3}"), 201);
    assert_int_equal(book(h, TWO, "{\"amount\":4}"), 201);
    assert_true(book(h, NULL, "{\"amount\":4}") >= 400); /* nobody's */
    assert_string_equal(dw_harness_text(dw_harness_get(h, "/api/v1/cashbook"), "/sum"), "0");
    dw_harness_set_tenant(h, ONE);
    assert_string_equal(dw_harness_text(dw_harness_get(h, "/api/v1/cashbook"), "/sum"), "3");
    assert_int_equal(book(h, ONE, "{\"amount\":0}"), 422);
    assert_int_equal(rows_of(h), 2);
    assert_int_equal(dw_harness_close(h), 0);
}

static void an_admin_allows_what_goes_beyond(void **state)
{
    dw_harness *h = open_with(NULL);
    (void)state;

    assert_int_equal(dw_harness_get(h, "/api/v1/cashbook/all").status, 403);
    assert_int_equal(dw_harness_close(h), 0);

    h = open_with("allow: [system]\n");
    assert_int_equal(book(h, ONE, "{\"amount\":3}"), 201);
    assert_int_equal(book(h, TWO, "{\"amount\":4}"), 201);
    assert_string_equal(dw_harness_text(dw_harness_get(h, "/api/v1/cashbook/all"), "/sum"), "7");
    assert_string_equal(dw_harness_text(dw_harness_get(h, "/api/v1/cashbook/all"), "/tenant"), "null");
    assert_true(dw_harness_logged(h, DW_LOG_INFO, "the sum of all is wanted"));
    dw_harness_reply each = dw_harness_get(h, "/api/v1/cashbook/each");
    assert_string_equal(dw_harness_text(each, "/sum"), "7");
    assert_string_equal(dw_harness_text(each, "/tenants"), "2");
    assert_int_equal(dw_harness_close(h), 0);
}

static void the_nth_transaction_is_repeated(void **state)
{
    dw_harness *h = open_with(NULL);
    (void)state;

    dw_harness_repeat(h, 2);
    assert_int_equal(book(h, ONE, "{\"amount\":3}"), 201);
    dw_harness_forget_log(h);
    assert_int_equal(book(h, ONE, "{\"amount\":4}"), 201);
    const char *log = dw_harness_log(h), *first = strstr(log, "booked");
    assert_non_null(first);
    assert_non_null(strstr(first + 1, "booked")); /* it ran twice */
    assert_int_equal(rows_of(h), 2);
    assert_string_equal(dw_harness_text(dw_harness_get(h, "/api/v1/cashbook"), "/sum"), "7");
    assert_int_equal(dw_harness_close(h), 0);
}

/* The text at a pointer of what was written down, "" when there is none. */
static const char *audited(const json_t *records, size_t i, const char *name, const char *inner)
{
    const json_t *value = json_object_get(json_array_get(records, i), name);
    const char *text = json_string_value(inner ? json_object_get(value, inner) : value);

    return text ? text : "";
}

static void what_was_audited_can_be_looked_at(void **state)
{
    dw_harness *h = open_with(NULL);
    (void)state;

    assert_int_equal(json_array_size(dw_harness_audit(h, NULL)), 0);
    dw_harness_set_principal(h, "ann");
    assert_int_equal(book(h, ONE, "{\"amount\":3}"), 201);
    dw_harness_repeat(h, 1);
    assert_int_equal(book(h, TWO, "{\"amount\":4}"), 201);
    assert_int_equal(book(h, TWO, "{\"amount\":0}"), 422);
    const json_t *records = dw_harness_audit(h, "cashbook.booked");
    assert_int_equal(json_array_size(records),
                     2); /* what was run again, or failed, is there once, or not at all */
    assert_string_equal(audited(records, 1, "tenant", NULL), ONE);
    assert_string_equal(audited(records, 0, "tenant", NULL), TWO);
    assert_string_equal(audited(records, 0, "plugin", NULL), "cashbook");
    assert_string_equal(audited(records, 0, "actor", "kind"), "user");
    assert_string_equal(audited(records, 0, "actor", "id"), "ann");
    assert_string_equal(audited(records, 0, "values", "pin_token"), "[redacted]");
    assert_true(*audited(records, 0, "request", NULL) != 0);
    assert_true(*audited(records, 0, "target", NULL) != 0);
    assert_int_equal(json_array_size(dw_harness_audit(h, "cashbook.sold")), 0);
    assert_null(dw_harness_audit(h, "cash*"));
    assert_non_null(strstr(dw_harness_why(h), "an action is"));
    assert_int_equal(dw_harness_close(h), 0);
}

static void what_must_not_be_audited_is_refused(void **state)
{
    dw_harness *h = open_with(NULL);
    dw_harness_reply reply = dw_harness_post(h, "/api/v1/cashbook/audit", "");
    (void)state;

    assert_int_equal(reply.status, 200);
    assert_string_equal(dw_harness_text(reply, "/alone"), "-14");
    assert_string_equal(dw_harness_text(reply, "/named"), "-16");
    assert_string_equal(dw_harness_text(reply, "/unsaid"), "-16");
    assert_true(dw_harness_logged(h, DW_LOG_ERROR, "has to say whom"));
    assert_int_equal(json_array_size(dw_harness_audit(h, NULL)), 0);
    assert_int_equal(dw_harness_close(h), 0);
}

/* Who typed it is known by the account of the operating system. */
static void a_command_is_audited_under_an_account(void **state)
{
    dw_harness *h = open_with(NULL);
    (void)state;

    dw_harness_outcome done = dw_harness_command(h, .line = "cashbook close");
    if (done.code != 0)
        fail_msg("%s", done.error);
    const json_t *records = dw_harness_audit(h, "cashbook.closed");
    assert_int_equal(json_array_size(records), 1);
    assert_string_equal(audited(records, 0, "actor", "kind"), "machine");
    assert_true(*audited(records, 0, "actor", "id") != 0);
    assert_int_equal(dw_harness_close(h), 0);
}

static void a_forgotten_commit_is_told(void **state)
{
    dw_harness *h = open_with(NULL);
    (void)state;

    dw_harness_set_tenant(h, ONE);
    assert_int_equal(dw_harness_post(h, "/api/v1/cashbook/careless", "").status, 500);
    assert_true(dw_harness_logged(h, DW_LOG_ERROR, "dw_tx_commit() is missing"));
    assert_int_equal(rows_of(h), 0);
    assert_int_equal(dw_harness_close(h), 0);
}

static void play(dw_harness *h, void *ud)
{
    int64_t before = rows_of(h);
    bool booked;

    (void)ud;
    booked = dw_harness_post(h, "/api/v1/cashbook", "{\"amount\":1}").status == 201;
    assert_int_equal(rows_of(h), before + booked);
    dw_harness_get(h, "/api/v1/cashbook/all");
    dw_harness_get(h, "/api/v1/cashbook/each");
}

static void every_step_may_fail(void **state)
{
    dw_harness *h = open_with("allow: [system]\n");
    (void)state;

    dw_harness_set_tenant(h, ONE);
    assert_true(dw_harness_torture(h, play, NULL) > 15);
    assert_int_equal(dw_harness_close(h), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_harness_has_its_own),
        cmocka_unit_test(the_tests_sql_sees_everything),
        cmocka_unit_test(requests_run_for_whom_the_test_says),
        cmocka_unit_test(a_tenant_has_its_own_sum),
        cmocka_unit_test(an_admin_allows_what_goes_beyond),
        cmocka_unit_test(the_nth_transaction_is_repeated),
        cmocka_unit_test(what_was_audited_can_be_looked_at),
        cmocka_unit_test(what_must_not_be_audited_is_refused),
        cmocka_unit_test(a_command_is_audited_under_an_account),
        cmocka_unit_test(a_forgotten_commit_is_told),
        cmocka_unit_test(every_step_may_fail),
    };

    return cmocka_run_group_tests_name("harness, the database", tests, NULL, NULL);
}
