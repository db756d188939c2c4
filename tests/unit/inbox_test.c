/* The inbox: sources, what is taken and refused, what comes twice, handing over, replay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "events/inbox.h"
#include "events_fixture.h"

static struct events_fixture fixture;

static int setup(void **state)
{
    *state = &fixture;
    return events_fixture_open(&fixture);
}

static int teardown(void **state)
{
    events_fixture_close(*state);
    return 0;
}

struct made {
    char id[UUID_TEXT_SIZE], secret[INBOX_SECRET_SIZE];
};

static const struct inbox_source helpdesk = { NULL, "zammad", "helpdesk" };

static int try_add(struct events_fixture *f, struct inbox_source_new n, struct made *out, struct buf *why)
{
    struct db_session *s = events_session(f, NULL);

    if (!n.tenant)
        n.tenant = TENANT_A;
    if (!n.plugin)
        n.plugin = "zammad";
    if (!n.name)
        n.name = "helpdesk";
    if (!n.inbox)
        n.inbox = "tickets";
    if (!n.id_header)
        n.id_header = "";
    if (!n.verify)
        n.verify = INBOX_STANDARD_WEBHOOKS;
    int rc = inbox_source_add(s, f->keyring, &n, events_now(f), out->id, out->secret, why);
    if (rc < 0 && why->n == 0)
        buf_add_text(why, db_error_of(s)->text);
    db_session_destroy(s);
    return rc;
}

static struct made add(struct events_fixture *f, struct inbox_source_new n)
{
    struct buf why = BUF_INIT;
    struct made out;
    int rc = try_add(f, n, &out, &why);

    if (rc != 0)
        fail_msg("%d: %s", rc, buf_text(&why));
    buf_finish(&why);
    return out;
}

/* ---- sources ---- */

static void what_cannot_be_is_refused(void **state)
{
    struct events_fixture *f = *state;
    static const struct inbox_source_new wrong[] = {
        { .tenant = "x" },
        { .plugin = "Zammad" },
        { .name = "a/b" },
        { .name = "" },
        { .inbox = "1st" },
        { .id_header = "X: y" },
        { .secret = "whsec_short" },
        { .verify = INBOX_HUB_SHA1, .secret = "short" },
        { .verify = INBOX_UNVERIFIED, .secret = "whatever it is" },
    };

    for (size_t i = 0; i < DW_COUNT_OF(wrong); i++) {
        struct buf why = BUF_INIT;
        struct made out;
        if (try_add(f, wrong[i], &out, &why) != DW_EINVALID || why.n == 0)
            fail_msg("%zu: %s", i, buf_text(&why));
        buf_finish(&why);
    }
    assert_int_equal(EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_inbox_sources"), 0);
}

static void a_name_is_taken_once_a_plugin(void **state)
{
    struct events_fixture *f = *state;
    struct buf why = BUF_INIT;
    struct made out;

    add(f, (struct inbox_source_new){ .name = "one" });
    add(f, (struct inbox_source_new){ .name = "two" });
    add(f, (struct inbox_source_new){ .name = "one", .plugin = "other" });
    assert_int_equal(try_add(f, (struct inbox_source_new){ .name = "one", .tenant = TENANT_B }, &out, &why),
                     DW_ECONFLICT);
    assert_non_null(strstr(buf_text(&why), "one"));
    buf_finish(&why);
}

#define CONNECTION "01a21c53-33f8-7efd-9b24-fdf5e060b1eb"
#define LETTERED   "a1a21c53-33f8-7efd-9b24-fdf5e060b1eb" /* which would be a name as well */

static void an_id_is_the_name_of_a_connections_source_alone(void **state)
{
    struct events_fixture *f = *state;
    static const struct inbox_source_new wrong[] = {
        { .name = CONNECTION },
        { .name = LETTERED },
        { .name = "helpdesk", .is_connection = true },
        { .name = "01A21C53-33F8-7EFD-9B24-FDF5E060B1EB", .is_connection = true },
    };

    for (size_t i = 0; i < DW_COUNT_OF(wrong); i++) {
        struct buf why = BUF_INIT;
        struct made out;
        if (try_add(f, wrong[i], &out, &why) != DW_EINVALID || why.n == 0)
            fail_msg("%zu: %s", i, buf_text(&why));
        buf_finish(&why);
    }
    add(f, (struct inbox_source_new){ .name = CONNECTION, .is_connection = true });
    add(f, (struct inbox_source_new){ .name = LETTERED, .is_connection = true });
}

static void verifications_have_names(void **state)
{
    (void)state;
    for (int v = INBOX_STANDARD_WEBHOOKS; v <= INBOX_UNVERIFIED; v++)
        assert_int_equal(inbox_verify_from(inbox_verify_name((enum inbox_verify)v)), v);
    assert_int_equal(inbox_verify_from("sha1"), 0);
    assert_int_equal(inbox_verify_from(""), 0);
}

/* ---- receiving ---- */

static struct inbox_received post(struct events_fixture *f, const char *source,
                                  const struct inbox_header *headers, size_t n, const char *body)
{
    const struct inbox_request request = {
        .plugin = STR("zammad"),
        .source = str_from(source),
        .headers = headers,
        .headers_n = n,
        .body = str_from(body),
    };
    struct db_session *s = events_session(f, NULL);
    struct inbox_received out;
    int rc = inbox_receive(s, f->keyring, &request, events_now(f), &out);

    if (rc != 0 && rc != DW_EUNAVAILABLE)
        fail_msg("%d: %s", rc, db_error_of(s)->text);
    assert_int_equal(rc != 0, out.answer == INBOX_FAILED);
    db_session_destroy(s);
    return out;
}

/* As Standard Webhooks, `ago_s` seconds ago. */
static struct inbox_received send_signed(struct events_fixture *f, const char *source, const char *secret,
                                         const char *id, int64_t ago_s, const char *body)
{
    struct buf signature = BUF_INIT, second = BUF_INIT;
    struct webhook_key key;

    assert_null(webhook_secret_read(str_from(secret), &key));
    buf_add_int(&second, events_now(f) / CLOCK_SECOND - ago_s);
    assert_int_equal(
        webhook_sign(&signature, &key, 1, str_from(id), events_now(f) / CLOCK_SECOND - ago_s, str_from(body)),
        0);
    const struct inbox_header headers[] = {
        { STR("Content-Type"), STR("application/json") },
        { STR("Webhook-Id"), str_from(id) },
        { STR("Webhook-Timestamp"), buf_str(&second) },
        { STR("Webhook-Signature"), buf_str(&signature) },
    };
    struct inbox_received out = post(f, source, headers, 4, body);
    buf_finish(&signature);
    buf_finish(&second);
    return out;
}

static void what_is_signed_is_kept_and_handed_over(void **state)
{
    struct events_fixture *f = *state;
    struct made source = add(f, (struct inbox_source_new){ 0 });
    struct inbox_received got = send_signed(f, "helpdesk", source.secret, "msg_1", 0, "{\"a\": 1}");
    struct db_session *s = events_session(f, NULL);
    struct inbox_delivery d;
    struct arena arena;

    arena_init(&arena, NULL, 0, 0);
    assert_int_equal(got.answer, INBOX_TAKEN);
    assert_int_equal(
        EVENTS_NUMBER(f,
                      "SELECT count(*) FROM dowel_jobs WHERE kind = 'zammad.inbox:tickets' AND tenant = $1"
                      " AND payload = $2",
                      TENANT_A, (const char *)arena_format(&arena, "{\"received\":\"%s\"}", got.id)),
        1);
    assert_int_equal(inbox_load(s, &arena, got.id, &d), 1);
    assert_string_equal(d.id, got.id);
    assert_string_equal(d.delivery, "msg_1");
    assert_string_equal(d.source, "helpdesk");
    assert_int_equal(d.body.n, 8);
    assert_memory_equal(d.body.p, "{\"a\": 1}", 8);
    assert_int_equal(d.received_us, events_now(f));
    assert_non_null(strstr(d.headers, "[\"Content-Type\",\"application/json\"],[\"Webhook-Id\",\"msg_1\"]"));
    arena_finish(&arena);
    db_session_destroy(s);
}

static void what_comes_for_a_connection_is_kept(void **state)
{
    struct events_fixture *f = *state;
    struct made source = add(f, (struct inbox_source_new){ .name = CONNECTION, .is_connection = true });

    assert_int_equal(send_signed(f, CONNECTION, source.secret, "msg_1", 0, "{}").answer, INBOX_TAKEN);
    assert_int_equal(send_signed(f, LETTERED, source.secret, "msg_1", 0, "{}").answer, INBOX_UNKNOWN);
}

static void what_comes_twice_is_kept_once(void **state)
{
    struct events_fixture *f = *state;
    struct made source = add(f, (struct inbox_source_new){ 0 });
    struct made other = add(f, (struct inbox_source_new){ .name = "other" });

    assert_int_equal(send_signed(f, "helpdesk", source.secret, "msg_1", 0, "{}").answer, INBOX_TAKEN);
    assert_int_equal(send_signed(f, "helpdesk", source.secret, "msg_1", 5, "{}").answer, INBOX_REPEATED);
    assert_int_equal(send_signed(f, "helpdesk", source.secret, "msg_2", 0, "{}").answer, INBOX_TAKEN);
    assert_int_equal(send_signed(f, "other", other.secret, "msg_1", 0, "{}").answer, INBOX_TAKEN);
    assert_int_equal(EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_inbox"), 3);
    assert_int_equal(EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_jobs"), 3);
    assert_int_equal(EVENTS_NUMBER(f, "SELECT sum(repeats) FROM dowel_inbox"), 1);
}

static void what_is_not_believed_is_not_kept(void **state)
{
    struct events_fixture *f = *state;
    struct made source = add(f, (struct inbox_source_new){ 0 });
    const char forger[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    struct inbox_received got;

    got = send_signed(f, "helpdesk", forger, "msg_1", 0, "{}");
    assert_int_equal(got.answer, INBOX_REFUSED);
    assert_int_equal(got.verdict, WEBHOOK_FORGED);
    got = send_signed(f, "helpdesk", source.secret, "msg_1", 301, "{}");
    assert_int_equal(got.verdict, WEBHOOK_TOO_OLD);
    got = post(f, "helpdesk", NULL, 0, "{}");
    assert_int_equal(got.answer, INBOX_REFUSED);
    assert_int_equal(got.verdict, WEBHOOK_UNSIGNED);
    assert_int_equal(send_signed(f, "nobody", source.secret, "msg_1", 0, "{}").answer, INBOX_UNKNOWN);
    assert_int_equal(send_signed(f, "../x", source.secret, "msg_1", 0, "{}").answer, INBOX_UNKNOWN);
    assert_int_equal(send_signed(f, "", source.secret, "msg_1", 0, "{}").answer, INBOX_UNKNOWN);
    assert_int_equal(EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_inbox"), 0);
    assert_int_equal(EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_jobs"), 0);
}

static struct inbox_received send_hub(struct events_fixture *f, enum digest_kind kind, const char *secret,
                                      const char *id, const char *body)
{
    char signature[WEBHOOK_HUB_SIZE];

    assert_int_equal(webhook_hub_sign(signature, kind, str_from(secret), str_from(body)), 0);
    const struct inbox_header headers[] = {
        { kind == DIGEST_SHA1 ? STR_OF("x-hub-signature") : STR_OF("x-hub-signature-256"),
          str_from(signature) },
        { STR("X-ZAMMAD-DELIVERY"), str_from(id) },
    };
    return post(f, "helpdesk", headers, id ? 2 : 1, body);
}

static void hub_signatures_are_checked(void **state)
{
    struct events_fixture *f = *state;
    struct made source =
        add(f, (struct inbox_source_new){ .verify = INBOX_HUB_SHA1, .id_header = "X-Zammad-Delivery" });

    assert_int_equal(send_hub(f, DIGEST_SHA1, source.secret, "d1", "{}").answer, INBOX_TAKEN);
    assert_int_equal(send_hub(f, DIGEST_SHA1, source.secret, "d1", "{}").answer, INBOX_REPEATED);
    assert_int_equal(send_hub(f, DIGEST_SHA1, "another secret", "d2", "{}").answer, INBOX_REFUSED);
    assert_int_equal(send_hub(f, DIGEST_SHA256, source.secret, "d2", "{}").answer, INBOX_REFUSED);
    /* Its id is missing: what would be kept could come again and again. */
    assert_int_equal(send_hub(f, DIGEST_SHA1, source.secret, NULL, "{}").answer, INBOX_WRONG);
    assert_int_equal(send_hub(f, DIGEST_SHA1, source.secret, "", "{}").answer, INBOX_WRONG);
    assert_int_equal(send_hub(f, DIGEST_SHA1, source.secret, "\xff", "{}").answer, INBOX_WRONG);
    assert_int_equal(EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_inbox"), 1);
}

static void without_an_id_nothing_is_the_same(void **state)
{
    struct events_fixture *f = *state;
    struct made source =
        add(f, (struct inbox_source_new){ .verify = INBOX_HUB_SHA256, .secret = "a given one" });

    assert_string_equal(source.secret, "a given one");
    assert_int_equal(send_hub(f, DIGEST_SHA256, source.secret, NULL, "{}").answer, INBOX_TAKEN);
    assert_int_equal(send_hub(f, DIGEST_SHA256, source.secret, NULL, "{}").answer, INBOX_TAKEN);
    assert_int_equal(EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_inbox"), 2);
}

static void nothing_may_be_verified(void **state)
{
    struct events_fixture *f = *state;
    struct made source = add(f, (struct inbox_source_new){ .verify = INBOX_UNVERIFIED });

    assert_string_equal(source.secret, "");
    assert_int_equal(post(f, "helpdesk", NULL, 0, "").answer, INBOX_TAKEN);
    assert_int_equal(
        EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_inbox WHERE length(body) = 0 AND headers = '[]'"), 1);
}

static void both_secrets_are_taken_until_the_older_is_not(void **state)
{
    struct events_fixture *f = *state;
    struct made source = add(f, (struct inbox_source_new){ 0 });
    struct db_session *s = events_session(f, NULL);
    struct buf why = BUF_INIT;
    char newer[INBOX_SECRET_SIZE];

    assert_int_equal(inbox_source_rotate(s, f->keyring,
                                         &(struct inbox_rotate){ .of = helpdesk, .now_us = events_now(f) },
                                         newer, &why),
                     0);
    assert_int_equal(send_signed(f, "helpdesk", source.secret, "msg_1", 0, "{}").answer, INBOX_TAKEN);
    assert_int_equal(send_signed(f, "helpdesk", newer, "msg_2", 0, "{}").answer, INBOX_TAKEN);
    assert_int_equal(inbox_source_drop_secrets(s, &helpdesk), 1);
    assert_int_equal(send_signed(f, "helpdesk", source.secret, "msg_3", 0, "{}").answer, INBOX_REFUSED);
    assert_int_equal(send_signed(f, "helpdesk", newer, "msg_4", 0, "{}").answer, INBOX_TAKEN);
    assert_int_equal(inbox_source_rotate(
                         s, f->keyring,
                         &(struct inbox_rotate){ .of = { NULL, "zammad", "none" }, .now_us = events_now(f) },
                         newer, &why),
                     DW_ENOTFOUND);
    buf_finish(&why);
    db_session_destroy(s);
}

static void a_secret_that_cannot_be_opened_is_our_fault(void **state)
{
    struct events_fixture *f = *state;
    struct made source = add(f, (struct inbox_source_new){ 0 });
    struct keyring *ours = f->keyring, *other;

    assert_null(keyring_parse(&other, STR_OF("cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="), NULL));
    f->keyring = other;
    assert_int_equal(send_signed(f, "helpdesk", source.secret, "msg_1", 0, "{}").answer, INBOX_FAILED);
    f->keyring = ours;
    assert_int_equal(send_signed(f, "helpdesk", source.secret, "msg_1", 0, "{}").answer, INBOX_TAKEN);
    keyring_destroy(other);
}

static void who_is_disabled_or_removed_is_unknown(void **state)
{
    struct events_fixture *f = *state;
    struct made source = add(f, (struct inbox_source_new){ 0 });
    struct db_session *s = events_session(f, NULL);

    assert_int_equal(inbox_source_enable(s, &helpdesk, false), 0);
    assert_int_equal(send_signed(f, "helpdesk", source.secret, "msg_1", 0, "{}").answer, INBOX_UNKNOWN);
    assert_int_equal(inbox_source_enable(s, &helpdesk, true), 0);
    assert_int_equal(send_signed(f, "helpdesk", source.secret, "msg_1", 0, "{}").answer, INBOX_TAKEN);
    assert_int_equal(inbox_source_remove(s, &helpdesk), 0);
    assert_int_equal(send_signed(f, "helpdesk", source.secret, "msg_2", 0, "{}").answer, INBOX_UNKNOWN);
    assert_int_equal(EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_inbox"), 0);
    assert_int_equal(EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_inbox_secrets"), 0);
    assert_int_equal(inbox_source_remove(s, &helpdesk), DW_ENOTFOUND);
    assert_int_equal(inbox_source_enable(s, &helpdesk, true), DW_ENOTFOUND);
    db_session_destroy(s);
}

/* ---- handing over ---- */

static void what_is_done_with_is_not_handed_over_again(void **state)
{
    struct events_fixture *f = *state;
    struct made source = add(f, (struct inbox_source_new){ 0 });
    struct inbox_received got = send_signed(f, "helpdesk", source.secret, "msg_1", 0, "{}");
    struct db_session *s = events_session(f, NULL);
    struct inbox_shown shown;
    struct inbox_delivery d;
    struct arena arena;

    arena_init(&arena, NULL, 0, 0);
    assert_int_equal(inbox_settle(s, got.id, NULL, events_now(f)), 0);
    assert_int_equal(inbox_load(s, &arena, got.id, &d), 0);
    assert_int_equal(inbox_show(s, &arena, NULL, got.id, &shown), 1);
    assert_string_equal(shown.state, "done");
    assert_null(shown.why);
    assert_int_equal(EVENTS_EXEC(f, "UPDATE dowel_jobs SET state = 'done'"), 1);
    assert_int_equal(inbox_replay(s, NULL, got.id, events_now(f)), 0);
    assert_int_equal(inbox_load(s, &arena, got.id, &d), 1);
    assert_int_equal(EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_jobs WHERE state = 'waiting'"), 1);
    assert_int_equal(inbox_settle(s, got.id, "the plugin says no", events_now(f)), 0);
    assert_int_equal(inbox_show(s, &arena, NULL, got.id, &shown), 1);
    assert_string_equal(shown.state, "failed");
    assert_string_equal(shown.why, "the plugin says no");
    assert_int_equal(inbox_replay(s, NULL, TENANT_B, events_now(f)), DW_ENOTFOUND);
    assert_int_equal(inbox_load(s, &arena, "nonsense", &d), 0);
    arena_finish(&arena);
    db_session_destroy(s);
}

static int count_rows(struct db_rows *rows)
{
    int n = 0;

    while (db_rows_next(rows) > 0)
        n++;
    db_rows_close(rows);
    return n;
}

static void what_came_is_listed(void **state)
{
    struct events_fixture *f = *state;
    struct made source = add(f, (struct inbox_source_new){ 0 });
    struct db_session *s = events_session(f, NULL);
    struct db_rows *rows;

    send_signed(f, "helpdesk", source.secret, "msg_1", 0, "{}");
    struct inbox_received got = send_signed(f, "helpdesk", source.secret, "msg_2", 0, "{}");
    assert_int_equal(inbox_settle(s, got.id, NULL, events_now(f)), 0);
    assert_int_equal(inbox_query(s, &rows, &(struct inbox_filter){ .limit = 10 }), 0);
    assert_int_equal(count_rows(rows), 2);
    assert_int_equal(inbox_query(s, &rows, &(struct inbox_filter){ .limit = 10, .state = "done" }), 0);
    assert_int_equal(count_rows(rows), 1);
    assert_int_equal(
        inbox_query(s, &rows, &(struct inbox_filter){ .limit = 10, .plugin = "zammad", .source = "x" }), 0);
    assert_int_equal(count_rows(rows), 0);
    assert_int_equal(inbox_source_query(s, &rows, &(struct inbox_source_filter){ 0 }), 0);
    assert_int_equal(count_rows(rows), 1);
    db_session_destroy(s);
}

/* How many of what can be asked about one source, and about what it sent, this tenant gets. */
static int of_tenant(const char *tenant, struct events_fixture *f, struct db_session *s, const char *received)
{
    const struct inbox_source which = { tenant, "zammad", "helpdesk" };
    const struct inbox_rotate r = { .of = which, .now_us = events_now(f) };
    char secret[INBOX_SECRET_SIZE];
    struct buf why = BUF_INIT;
    struct inbox_shown shown;
    struct arena arena;

    arena_init(&arena, NULL, 0, 0);
    int shows = inbox_show(s, &arena, tenant, received, &shown);
    const int results[] = {
        shows == 0 ? DW_ENOTFOUND : shows,
        inbox_replay(s, tenant, received, events_now(f)),
        inbox_source_rotate(s, f->keyring, &r, secret, &why),
        inbox_source_drop_secrets(s, &which),
        inbox_source_enable(s, &which, true),
        inbox_source_remove(s, &which),
    };
    int found = 0;

    for (size_t i = 0; i < DW_COUNT_OF(results); i++) {
        found += results[i] >= 0;
        if (results[i] < 0 && results[i] != DW_ENOTFOUND)
            fail_msg("%zu: %d: %s", i, results[i], db_error_of(s)->text);
    }
    assert_int_equal(why.n, 0);
    arena_finish(&arena);
    return found;
}

static void another_tenants_is_as_none(void **state)
{
    struct events_fixture *f = *state;
    struct made source = add(f, (struct inbox_source_new){ 0 });
    struct inbox_received got = send_signed(f, "helpdesk", source.secret, "msg_1", 0, "{}");
    struct db_session *s = events_session(f, NULL);
    struct db_rows *rows;

    assert_int_equal(inbox_query(s, &rows, &(struct inbox_filter){ .tenant = TENANT_B, .limit = 10 }), 0);
    assert_int_equal(count_rows(rows), 0);
    assert_int_equal(inbox_query(s, &rows, &(struct inbox_filter){ .tenant = TENANT_A, .limit = 10 }), 0);
    assert_int_equal(count_rows(rows), 1);
    assert_int_equal(inbox_source_query(s, &rows, &(struct inbox_source_filter){ .tenant = TENANT_B }), 0);
    assert_int_equal(count_rows(rows), 0);
    assert_int_equal(of_tenant(TENANT_B, f, s, got.id), 0);
    assert_int_equal(of_tenant(TENANT_A, f, s, got.id), 6);
    db_session_destroy(s);
}

static void secret_fields_are_not_shown(void **state)
{
    json_t *headers = inbox_headers_json("[[\"Authorization\",\"Bearer x\"],[\"X-Any\",\"y\"]]");
    (void)state;

    assert_string_equal(json_string_value(json_array_get(json_array_get(headers, 0), 1)), "[redacted]");
    assert_string_equal(json_string_value(json_array_get(json_array_get(headers, 1), 1)), "y");
    json_decref(headers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_cannot_be_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_name_is_taken_once_a_plugin, setup, teardown),
        cmocka_unit_test_setup_teardown(an_id_is_the_name_of_a_connections_source_alone, setup, teardown),
        cmocka_unit_test(verifications_have_names),
        cmocka_unit_test_setup_teardown(what_is_signed_is_kept_and_handed_over, setup, teardown),
        cmocka_unit_test_setup_teardown(what_comes_for_a_connection_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(what_comes_twice_is_kept_once, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_believed_is_not_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(hub_signatures_are_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(without_an_id_nothing_is_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_may_be_verified, setup, teardown),
        cmocka_unit_test_setup_teardown(both_secrets_are_taken_until_the_older_is_not, setup, teardown),
        cmocka_unit_test_setup_teardown(a_secret_that_cannot_be_opened_is_our_fault, setup, teardown),
        cmocka_unit_test_setup_teardown(who_is_disabled_or_removed_is_unknown, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_done_with_is_not_handed_over_again, setup, teardown),
        cmocka_unit_test_setup_teardown(what_came_is_listed, setup, teardown),
        cmocka_unit_test_setup_teardown(another_tenants_is_as_none, setup, teardown),
        cmocka_unit_test(secret_fields_are_not_shown),
    };
    return DB_ON_EVERY_ENGINE("inbox", tests);
}
