/* Webhooks: added, signed, sent, tried again, disabled, replayed; against a receiver that answers as the test says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "events/places.h"
#include "events/post.h"
#include "events_fixture.h"

#define HOUR   (INT64_C(3600) * CLOCK_SECOND)
#define MINUTE (INT64_C(60) * CLOCK_SECOND)

static struct events_fixture fixture;

static int setup(void **state)
{
    *state = &fixture;
    return events_fixture_open(&fixture);
}

static int setup_impatient(void **state)
{
    const int64_t usual_us = events_patience_us;

    events_patience_us = CLOCK_SECOND;
    const int rc = setup(state);
    events_patience_us = usual_us;
    return rc;
}

static int teardown(void **state)
{
    events_fixture_close(*state);
    return 0;
}

struct made {
    char id[UUID_TEXT_SIZE], secret[WEBHOOK_SECRET_SIZE];
};

static int try_add(struct events_fixture *f, struct webhook_new w, struct made *out, struct buf *why)
{
    struct db_session *s = events_session(f, NULL);

    if (!w.tenant)
        w.tenant = TENANT_A;
    if (!w.url)
        w.url = f->url;
    if (!w.patterns)
        w.patterns = "*";
    if (!w.allow)
        w.allow = "127.0.0.1";
    if (!w.description)
        w.description = "";
    int rc = webhook_add(s, f->keyring, &w, events_now(f), out->id, out->secret, why);
    if (rc < 0 && why->n == 0)
        buf_add_text(why, db_error_of(s)->text);
    db_session_destroy(s);
    return rc;
}

static struct made add(struct events_fixture *f, struct webhook_new w)
{
    struct buf why = BUF_INIT;
    struct made out;
    int rc = try_add(f, w, &out, &why);

    if (rc != 0)
        fail_msg("%d: %s", rc, buf_text(&why));
    buf_finish(&why);
    return out;
}

static int64_t deliveries_in(struct events_fixture *f, const char *state)
{
    return EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_webhook_deliveries WHERE state = $1", state);
}

/* ---- adding ---- */

static void what_cannot_be_is_refused(void **state)
{
    struct events_fixture *f = *state;
    static const struct {
        struct webhook_new w;
        const char *says;
    } wrong[] = {
        { { .url = "ftp://example.com/" }, "" },
        { { .url = "not a url" }, "" },
        { { .url = "https://user:pw@example.com/" }, "user" },
        { { .patterns = "" }, "pattern" },
        { { .patterns = "a.b *.c" }, "pattern" },
        { { .tenant = "x" }, "tenant" },
        { { .allow = "10.0.0.0/8 example.com" }, "networks" },
        { { .secret = "whsec_short" }, "secret" },
    };

    for (size_t i = 0; i < DW_COUNT_OF(wrong); i++) {
        struct buf why = BUF_INIT;
        struct made out;
        assert_int_equal(try_add(f, wrong[i].w, &out, &why), DW_EINVALID);
        if (why.n == 0 || !strstr(buf_text(&why), wrong[i].says))
            fail_msg("%zu: %s", i, buf_text(&why));
        buf_finish(&why);
    }
    assert_int_equal(EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_webhooks"), 0);
}

static void secrets_are_sealed(void **state)
{
    struct events_fixture *f = *state;
    struct made w = add(f, (struct webhook_new){ .secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" });
    struct db_session *s = events_session(f, NULL);
    struct secrets secrets;

    assert_string_equal(w.secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    assert_int_equal(EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_webhook_secrets WHERE token LIKE $1",
                                   "%MfKQ9r8GKYqrTwjUPD8%"),
                     0);
    assert_int_equal(secrets_load(s, f->keyring, SECRETS_OF_WEBHOOK, w.id, &secrets), 0);
    assert_int_equal(secrets.n, 1);
    assert_string_equal(secrets.v[0].p, w.secret);
    secrets_wipe(&secrets);
    db_session_destroy(s);
}

/* ---- sending ---- */

static void assert_signed(const struct made *w, int i, int64_t now_us)
{
    struct webhook_fields fields = {
        .id = str_from(receiver.got[i].id),
        .timestamp = str_from(receiver.got[i].timestamp),
        .signature = str_from(receiver.got[i].signature),
    };
    struct webhook_key key;

    assert_null(webhook_secret_read(str_from(w->secret), &key));
    assert_int_equal(
        webhook_verify(&fields, str_from(receiver.got[i].body), &key, 1, now_us / CLOCK_SECOND, 300),
        WEBHOOK_GENUINE);
}

static void an_event_is_sent_and_signed(void **state)
{
    struct events_fixture *f = *state;
    struct made w = add(f, (struct webhook_new){ .patterns = "a.*" });
    char id[UUID_TEXT_SIZE];

    receiver_answers(200, NULL, "thanks");
    events_tell(f, TENANT_A, "a.done", "{\"n\":1}", id);
    events_tell(f, TENANT_B, "a.done", "{}", NULL); /* another's */
    events_tell(f, TENANT_A, "b.done", "{}", NULL); /* not wanted */
    assert_int_equal(events_run(f), 1);
    assert_int_equal(receiver.n, 1);
    assert_string_equal(receiver.got[0].id, id);
    assert_string_equal(receiver.got[0].type, "application/json");
    assert_string_equal(
        receiver.got[0].body,
        "{\"type\":\"a.done\",\"timestamp\":\"2027-01-15T08:00:00.000000Z\",\"data\":{\"n\":1}}");
    assert_signed(&w, 0, events_now(f));
    assert_int_equal(deliveries_in(f, "delivered"), 1);
    assert_int_equal(
        EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_webhook_attempts"
                         " WHERE attempt = 1 AND status = 200 AND answer = 'thanks' AND error IS NULL"),
        1);
    assert_int_equal(EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_jobs WHERE state = 'done'"), 1);
    events_later(f, 48 * HOUR);
    assert_int_equal(events_run(f), 0);
}

/* ---- again ---- */

static void it_is_tried_for_two_days(void **state)
{
    struct events_fixture *f = *state;
    struct made w = add(f, (struct webhook_new){ 0 });
    int64_t began = events_now(f);
    char id[UUID_TEXT_SIZE];

    receiver_answers(500, NULL, "broken");
    events_tell(f, TENANT_A, "a.done", "{}", id);
    assert_int_equal(events_run(f), 1);
    assert_int_equal(deliveries_in(f, "waiting"), 1);
    assert_int_equal(events_run(f), 0);
    for (int i = 0; i < 400 && deliveries_in(f, "waiting") > 0; i++) {
        events_later(f, 10 * MINUTE);
        events_run(f);
    }
    assert_int_equal(deliveries_in(f, "failed"), 1);
    assert_int_equal(receiver.n, 9);
    assert_in_range(events_now(f) - began, 48 * HOUR, 65 * HOUR);
    for (int i = 0; i < 9; i++) {
        assert_string_equal(receiver.got[i].id, id);
        if (i > 0)
            assert_string_not_equal(receiver.got[i].timestamp, receiver.got[i - 1].timestamp);
    }
    assert_signed(&w, 8, events_now(f));
    assert_int_equal(
        EVENTS_NUMBER(f,
                      "SELECT count(*) FROM dowel_webhook_attempts WHERE status = 500 AND answer = 'broken'"),
        9);
    assert_int_equal(EVENTS_NUMBER(f, "SELECT failures FROM dowel_webhooks"), 1);
    assert_int_equal(EVENTS_NUMBER(f, "SELECT attempts FROM dowel_webhook_deliveries"), 9);
}

static void delays_have_jitter_and_heed_retry_after(void **state)
{
    int64_t sum = 0;
    (void)state;

    for (unsigned tries = 1; tries <= 8; tries++) {
        int64_t least = webhook_next_delay_us(tries, -1, 0);
        int64_t most = webhook_next_delay_us(tries, -1, (uint64_t)(least / 5 - 1));
        assert_in_range(most, least + least / 5 - 1, least + least / 5);
        sum += least;
    }
    assert_true(sum >= 48 * HOUR);
    assert_int_equal(webhook_next_delay_us(9, -1, 0), -1);
    assert_int_equal(webhook_next_delay_us(1, 10 * MINUTE, 0), 10 * MINUTE);
    assert_int_equal(webhook_next_delay_us(4, 10 * MINUTE, 0), 2 * HOUR);
    assert_true(webhook_next_delay_us(1, 10 * MINUTE, UINT64_MAX) >= 10 * MINUTE);
}

static void retry_after_is_heeded(void **state)
{
    struct events_fixture *f = *state;

    add(f, (struct webhook_new){ 0 });
    receiver_answers(429, "Retry-After: 3600\r\n", "");
    events_tell(f, TENANT_A, "a.done", "{}", NULL);
    assert_int_equal(events_run(f), 1);
    events_later(f, 59 * MINUTE);
    assert_int_equal(events_run(f), 0);
    receiver_answers(200, NULL, "");
    events_later(f, 30 * MINUTE);
    assert_int_equal(events_run(f), 1);
    assert_int_equal(deliveries_in(f, "delivered"), 1);
}

static void a_redirect_is_a_failure(void **state)
{
    struct events_fixture *f = *state;
    static char location[100]; /* read by another thread */

    add(f, (struct webhook_new){ 0 });
    snprintf(location, sizeof(location), "Location: %s\r\n", f->url);
    receiver_answers(302, location, "");
    events_tell(f, TENANT_A, "a.done", "{}", NULL);
    assert_int_equal(events_run(f), 1);
    assert_int_equal(receiver.n, 1);
    assert_int_equal(deliveries_in(f, "waiting"), 1);
    assert_int_equal(EVENTS_NUMBER(f, "SELECT status FROM dowel_webhook_deliveries"), 302);
}

static void who_does_not_answer_is_tried_again(void **state)
{
    struct events_fixture *f = *state;

    add(f, (struct webhook_new){ 0 });
    receiver_answers(0, NULL, NULL);
    events_tell(f, TENANT_A, "a.done", "{}", NULL);
    assert_int_equal(events_run(f), 1);
    assert_int_equal(deliveries_in(f, "waiting"), 1);
    assert_int_equal(
        EVENTS_NUMBER(
            f, "SELECT count(*) FROM dowel_webhook_attempts WHERE status IS NULL AND error IS NOT NULL"),
        1);
    receiver_answers(200, NULL, "");
    events_later(f, MINUTE);
    assert_int_equal(events_run(f), 1);
    assert_int_equal(deliveries_in(f, "delivered"), 1);
}

static void inner_addresses_are_refused_unless_allowed(void **state)
{
    struct events_fixture *f = *state;

    add(f, (struct webhook_new){ .allow = "" });
    events_tell(f, TENANT_A, "a.done", "{}", NULL);
    assert_int_equal(events_run(f), 1);
    assert_int_equal(receiver.n, 0);
    assert_int_equal(deliveries_in(f, "waiting"), 1);
    assert_int_equal(
        EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_webhook_attempts WHERE error LIKE '%loopback%'"), 1);
}

/* ---- disabled ---- */

static bool is_enabled(struct events_fixture *f, const struct made *w)
{
    return EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_webhooks WHERE id = $1 AND enabled", w->id) == 1;
}

static void gone_disables_it(void **state)
{
    struct events_fixture *f = *state;
    struct made w = add(f, (struct webhook_new){ .patterns = "a.*" });
    struct made other = add(f, (struct webhook_new){ .patterns = "core.webhook.*" });

    receiver_answers(410, NULL, "");
    events_tell(f, TENANT_A, "a.one", "{}", NULL);
    events_tell(f, TENANT_A, "a.two", "{}", NULL);
    events_run(f);
    assert_false(is_enabled(f, &w));
    assert_int_equal(deliveries_in(f, "failed"), 2); /* the first, and the other's, which says gone as well */
    assert_int_equal(deliveries_in(f, "skipped"), 1);
    assert_false(is_enabled(f, &other));
    /* Whoever cares is told. */
    assert_int_equal(
        EVENTS_NUMBER(f,
                      "SELECT count(*) FROM dowel_events WHERE name = 'core.webhook.disabled' AND"
                      " data LIKE $1 AND tenant_id = $2",
                      "%410%", TENANT_A),
        2);
    events_tell(f, TENANT_A, "a.three", "{}", NULL);
    assert_int_equal(events_run(f), 0);
}

static void events_in_a_row_that_fail_disable_it(void **state)
{
    struct events_fixture *f = *state;
    struct made w = add(f, (struct webhook_new){ .patterns = "a.*" });

    receiver_answers(503, NULL, "");
    for (int i = 0; i < WEBHOOK_GIVE_UP_AFTER; i++) {
        assert_true(is_enabled(f, &w));
        events_tell(f, TENANT_A, "a.done", "{}", NULL);
        for (int step = 0; step < 100 && deliveries_in(f, "waiting") > 0; step++) {
            events_run(f);
            events_later(f, HOUR);
        }
    }
    assert_false(is_enabled(f, &w));
    assert_int_equal(deliveries_in(f, "failed"), WEBHOOK_GIVE_UP_AFTER);
}

static void one_that_arrives_forgives_the_others(void **state)
{
    struct events_fixture *f = *state;
    struct made w = add(f, (struct webhook_new){ 0 });

    assert_int_equal(EVENTS_EXEC(f, "UPDATE dowel_webhooks SET failures = 4"), 1);
    events_tell(f, TENANT_A, "a.done", "{}", NULL);
    assert_int_equal(events_run(f), 1);
    assert_int_equal(EVENTS_NUMBER(f, "SELECT failures FROM dowel_webhooks"), 0);
    assert_true(is_enabled(f, &w));
}

/* ---- whose ---- */

static int of_tenant(const char *tenant, struct events_fixture *f, struct db_session *s, const char *webhook,
                     const char *delivery)
{
    const struct webhook_change change = { .description = "mine" };
    const struct webhook_rotate r = { .tenant = tenant, .id = webhook, .now_us = events_now(f) };
    const struct webhook_replay all = { .tenant = tenant };
    char secret[WEBHOOK_SECRET_SIZE];
    struct buf why = BUF_INIT;
    const int results[] = {
        webhook_change(s, tenant, webhook, &change, events_now(f), &why),
        webhook_rotate(s, f->keyring, &r, secret, &why),
        webhook_drop_secrets(s, tenant, webhook),
        webhook_replay(s, webhook, &all, events_now(f), &why),
        delivery_replay(s, tenant, delivery, events_now(f), &why),
        webhook_enable(s, tenant, webhook, NULL, events_now(f)),
        webhook_remove(s, tenant, webhook),
    };
    int found = 0;

    for (size_t i = 0; i < DW_COUNT_OF(results); i++) {
        found += results[i] >= 0;
        if (results[i] < 0 && results[i] != DW_ENOTFOUND)
            fail_msg("%zu: %d: %s", i, results[i], db_error_of(s)->text);
    }
    assert_int_equal(why.n, 0); /* what is not there is not talked about */
    return found;
}

static int count_rows(int rc, struct db_rows *rows)
{
    int n = 0;

    assert_true(rc >= 0);
    while (db_rows_next(rows) > 0)
        n++;
    db_rows_close(rows);
    return n;
}

static int listed(struct db_session *s, const char *tenant, const char *webhook, const char *delivery)
{
    struct db_rows *rows;
    int n, rc;

    rc = webhook_query(s, &rows, &(struct webhook_filter){ .tenant = tenant, .id = webhook });
    n = count_rows(rc, rows);
    rc = delivery_query(s, &rows, &(struct delivery_filter){ .tenant = tenant, .webhook = webhook });
    n += count_rows(rc, rows);
    rc = delivery_query_attempts(s, &rows, tenant, delivery);
    return n + count_rows(rc, rows);
}

static void another_tenants_is_as_none(void **state)
{
    struct events_fixture *f = *state;
    struct made w = add(f, (struct webhook_new){ 0 });
    struct db_session *s = events_session(f, NULL);
    const char *delivery = NULL;

    events_tell(f, TENANT_A, "a.done", "{}", NULL);
    assert_int_equal(events_run(f), 1);
    assert_int_equal(
        db_find(s, DW_TO(&delivery), DB_BY_CORE, DW_LIST("SELECT id FROM dowel_webhook_deliveries")), 1);
    assert_int_equal(listed(s, TENANT_B, w.id, delivery), 0);
    assert_int_equal(listed(s, TENANT_A, w.id, delivery), 3);
    assert_int_equal(listed(s, NULL, w.id, delivery), 3);
    assert_int_equal(of_tenant(TENANT_B, f, s, w.id, delivery), 0);
    assert_int_equal(of_tenant(TENANT_A, f, s, w.id, delivery), 7);
    db_session_destroy(s);
}

static int change(struct events_fixture *f, struct db_session *s, const char *id, struct webhook_change c)
{
    struct buf why = BUF_INIT;
    int rc = webhook_change(s, TENANT_A, id, &c, events_now(f), &why);

    assert_int_equal(why.n > 0, rc == DW_EINVALID);
    buf_finish(&why);
    return rc;
}

static void what_was_opened_is_not_pointed_elsewhere(void **state)
{
    struct events_fixture *f = *state;
    struct made open = add(f, (struct webhook_new){ 0 }), plain = add(f, (struct webhook_new){ .allow = "" });
    struct db_session *s = events_session(f, NULL);

    assert_int_equal(change(f, s, plain.id, (struct webhook_change){ .url = "https://example.com/" }), 0);
    assert_int_equal(change(f, s, plain.id, (struct webhook_change){ .allow = "10.0.0.0/8" }), DW_EDENIED);
    assert_int_equal(change(f, s, open.id, (struct webhook_change){ .url = "http://127.0.0.1:1/" }),
                     DW_EDENIED);
    assert_int_equal(
        change(f, s, open.id, (struct webhook_change){ .allow = "", .url = "http://127.0.0.1:1/" }),
        DW_EDENIED);
    assert_int_equal(change(f, s, open.id, (struct webhook_change){ .patterns = "b.*" }), 0);
    assert_int_equal(
        EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_webhooks WHERE url = $1 AND patterns = 'b.*'", f->url),
        1);
    assert_int_equal(
        change(f, s, open.id, (struct webhook_change){ .url = "http://127.0.0.1:1/", .may_allow = true }), 0);
    assert_int_equal(change(f, s, open.id, (struct webhook_change){ .allow = "" }), 0);
    assert_int_equal(change(f, s, open.id, (struct webhook_change){ .url = "https://example.com/" }), 0);
    assert_int_equal(change(f, s, open.id, (struct webhook_change){ .url = "ftp://example.com/" }),
                     DW_EINVALID);
    assert_int_equal(change(f, s, TENANT_B, (struct webhook_change){ .url = "https://example.com/" }),
                     DW_ENOTFOUND);
    assert_int_equal(change(f, s, "nonsense", (struct webhook_change){ 0 }), DW_ENOTFOUND);
    db_session_destroy(s);
}

/* ---- secrets ---- */

static int rotate(struct events_fixture *f, struct db_session *s, const char *id,
                  char secret[WEBHOOK_SECRET_SIZE], struct buf *why)
{
    const struct webhook_rotate r = { .id = id, .now_us = events_now(f) };

    return webhook_rotate(s, f->keyring, &r, secret, why);
}

static void both_secrets_sign_until_the_older_is_taken_away(void **state)
{
    struct events_fixture *f = *state;
    struct made w = add(f, (struct webhook_new){ 0 }), newer = w;
    struct db_session *s = events_session(f, NULL);
    struct buf why = BUF_INIT;

    assert_int_equal(rotate(f, s, w.id, newer.secret, &why), 0);
    assert_string_not_equal(w.secret, newer.secret);
    events_tell(f, TENANT_A, "a.done", "{}", NULL);
    assert_int_equal(events_run(f), 1);
    assert_signed(&w, 0, events_now(f));
    assert_signed(&newer, 0, events_now(f));
    assert_int_equal(webhook_drop_secrets(s, NULL, w.id), 1);
    events_tell(f, TENANT_A, "a.done", "{}", NULL);
    assert_int_equal(events_run(f), 1);
    assert_signed(&newer, 1, events_now(f));
    assert_null(strchr(receiver.got[1].signature, ' '));
    assert_int_equal(rotate(f, s, TENANT_B, newer.secret, &why), DW_ENOTFOUND);
    for (int i = 0; i < SECRETS_MAX - 1; i++)
        assert_int_equal(rotate(f, s, w.id, newer.secret, &why), 0);
    assert_int_equal(rotate(f, s, w.id, newer.secret, &why), DW_ECONFLICT);
    assert_non_null(strstr(buf_text(&why), "older"));
    buf_finish(&why);
    db_session_destroy(s);
}

static void a_secret_that_cannot_be_opened_is_told(void **state)
{
    struct events_fixture *f = *state;
    struct keyring *ours = f->keyring, *other;

    assert_null(keyring_parse(&other, STR_OF("cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="), NULL));
    f->keyring = other;
    add(f, (struct webhook_new){ 0 });
    f->keyring = ours;
    events_tell(f, TENANT_A, "a.done", "{}", NULL);
    assert_int_equal(events_run(f), 1);
    assert_int_equal(receiver.n, 0);
    assert_int_equal(
        EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_webhook_attempts WHERE error LIKE '%secret_key%'"), 1);
    keyring_destroy(other);
}

/* ---- replay ---- */

static void a_delivery_can_be_sent_again(void **state)
{
    struct events_fixture *f = *state;
    struct made w = add(f, (struct webhook_new){ 0 });
    struct db_session *s = events_session(f, NULL);
    const char *delivery = NULL;
    struct buf why = BUF_INIT;
    char id[UUID_TEXT_SIZE];

    events_tell(f, TENANT_A, "a.done", "{}", id);
    assert_int_equal(events_run(f), 1);
    assert_int_equal(
        db_find(s, DW_TO(&delivery), DB_BY_CORE, DW_LIST("SELECT id FROM dowel_webhook_deliveries")), 1);
    assert_int_equal(delivery_replay(s, NULL, delivery, events_now(f), &why), 0);
    assert_int_equal(events_run(f), 1);
    assert_int_equal(receiver.n, 2);
    assert_string_equal(receiver.got[1].id, id); /* so the receiver can know it */
    assert_int_equal(EVENTS_NUMBER(f, "SELECT max(attempt) FROM dowel_webhook_attempts"), 2);
    assert_int_equal(delivery_replay(s, NULL, TENANT_B, events_now(f), &why), DW_ENOTFOUND);
    assert_int_equal(delivery_replay(s, NULL, "nonsense", events_now(f), &why), DW_ENOTFOUND);
    assert_int_equal(webhook_enable(s, NULL, w.id, "by hand", events_now(f)), 0);
    assert_int_equal(delivery_replay(s, NULL, delivery, events_now(f), &why), DW_ECONFLICT);
    buf_finish(&why);
    db_session_destroy(s);
}

static void all_since_then_can_be_sent_again(void **state)
{
    struct events_fixture *f = *state;
    struct made w = add(f, (struct webhook_new){ .patterns = "a.*" });
    struct db_session *s = events_session(f, NULL);
    struct buf why = BUF_INIT;
    struct webhook_replay what;

    events_tell(f, TENANT_A, "a.before", "{}", NULL);
    events_run(f);
    events_later(f, CLOCK_SECOND);
    what = (struct webhook_replay){ .since_us = events_now(f), .undelivered_only = true };
    assert_int_equal(webhook_enable(s, NULL, w.id, "maintenance", events_now(f)), 0);
    events_tell(f, TENANT_A, "a.missed", "{}", NULL);
    events_tell(f, TENANT_A, "b.other", "{}", NULL);
    events_tell(f, TENANT_B, "a.foreign", "{}", NULL);
    assert_int_equal(webhook_replay(s, w.id, &what, events_now(f), &why), DW_ECONFLICT);
    assert_int_equal(webhook_enable(s, NULL, w.id, NULL, events_now(f)), 0);
    events_tell(f, TENANT_A, "a.after", "{}", NULL);
    assert_int_equal(events_run(f), 1);
    assert_int_equal(webhook_replay(s, w.id, &what, events_now(f), &why), 1);
    assert_int_equal(events_run(f), 1);
    assert_int_equal(receiver.n, 3);
    assert_non_null(strstr(receiver.got[2].body, "a.missed"));
    what.undelivered_only = false;
    assert_int_equal(webhook_replay(s, w.id, &what, events_now(f), &why), 2);
    assert_int_equal(events_run(f), 2);
    assert_int_equal(receiver.n, 5);
    buf_finish(&why);
    db_session_destroy(s);
}

static void what_was_removed_is_not_sent(void **state)
{
    struct events_fixture *f = *state;
    struct made w = add(f, (struct webhook_new){ 0 });
    struct db_session *s = events_session(f, NULL);

    events_tell(f, TENANT_A, "a.done", "{}", NULL);
    assert_int_equal(webhook_remove(s, NULL, w.id), 0);
    assert_int_equal(webhook_remove(s, NULL, w.id), DW_ENOTFOUND);
    assert_int_equal(events_run(f), 1);
    assert_int_equal(receiver.n, 0);
    assert_int_equal(EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_webhook_secrets"), 0);
    assert_int_equal(EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_webhook_deliveries"), 0);
    db_session_destroy(s);
}

/* ---- what the log keeps ---- */

static void answers_are_kept_as_text(void **state)
{
    struct events_fixture *f = *state;
    static char longer[1200]; /* read by another thread */

    add(f, (struct webhook_new){ 0 });
    receiver_answers(500, NULL, "bad \xff\x01 bytes");
    events_tell(f, TENANT_A, "a.one", "{}", NULL);
    assert_int_equal(events_run(f), 1);
    assert_int_equal(
        EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_webhook_attempts WHERE answer = 'bad ?? bytes'"), 1);
    /* Cut between characters: 999 bytes, then one of two. */
    memset(longer, 'x', sizeof(longer));
    memcpy(longer + 999, "\xc3\xa4", 2);
    longer[1100] = 0;
    receiver_answers(500, NULL, longer);
    events_tell(f, TENANT_A, "a.two", "{}", NULL);
    assert_int_equal(events_run(f), 1);
    assert_int_equal(
        EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_webhook_attempts WHERE length(answer) = 999"), 1);
}

static void a_test_is_sent_at_once_and_leaves_no_trace(void **state)
{
    struct events_fixture *f = *state;
    struct made w = add(f, (struct webhook_new){ .patterns = "a.*" });
    struct db_session *s = events_session(f, NULL);
    const struct webhook_sender_options options = {
        .client = f->client, .keyring = f->keyring, .wall_us = jobs_fixture_now, .clock_ud = &f->jobs
    };
    struct client_answer *answer;
    struct buf body = BUF_INIT, why = BUF_INIT;

    webhook_write_body(&body, "core.webhook.test", events_now(f), "{}");
    assert_int_equal(webhook_post(&options, s, &(struct webhook_target){ NULL, w.id, TENANT_B },
                                  buf_str(&body), &answer, &why),
                     0);
    assert_int_equal(answer->status, 204);
    assert_signed(&w, 0, events_now(f));
    client_answer_destroy(answer);
    assert_int_equal(webhook_post(&options, s, &(struct webhook_target){ NULL, TENANT_B, TENANT_B },
                                  buf_str(&body), &answer, &why),
                     DW_ENOTFOUND);
    assert_null(answer);
    assert_int_equal(EVENTS_NUMBER(f, "SELECT count(*) FROM dowel_webhook_attempts"), 0);
    buf_finish(&body);
    buf_finish(&why);
    db_session_destroy(s);
}

/* ---- places ---- */

static void a_slow_receiver_has_its_share_and_no_more(void **state)
{
    struct places p;
    size_t taken[PLACES];
    int64_t longest_us;
    (void)state;

    places_init(&p);
    for (size_t i = 0; i < PLACES_EACH; i++) {
        taken[i] = places_take(&p, TENANT_A, &longest_us);
        assert_in_range(taken[i], 0, PLACES - 1);
    }
    assert_int_equal(places_take(&p, TENANT_A, &longest_us), PLACES_NONE); /* after a moment */
    taken[PLACES_EACH] = places_take(&p, TENANT_B, &longest_us);
    assert_in_range(taken[PLACES_EACH], 0, PLACES - 1);
    places_give(&p, taken[0]);
    assert_int_equal(places_take(&p, TENANT_A, &longest_us), taken[0]);
    places_finish(&p);
}

struct giver {
    struct places *p;
    size_t place;
};

static void *give_soon(void *ud)
{
    struct giver *g = ud;

    places_give(g->p, g->place);
    return NULL;
}

static void a_place_that_is_free_in_a_moment_is_waited_for(void **state)
{
    struct places p;
    struct giver giver = { .p = &p };
    pthread_t thread;
    int64_t longest_us;
    (void)state;

    places_init(&p);
    for (size_t i = 0; i < PLACES_EACH; i++)
        giver.place = places_take(&p, TENANT_A, &longest_us);
    assert_int_equal(pthread_create(&thread, NULL, give_soon, &giver), 0);
    assert_int_equal(places_take(&p, TENANT_A, &longest_us), giver.place);
    pthread_join(thread, NULL);
    places_finish(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_cannot_be_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(secrets_are_sealed, setup, teardown),
        cmocka_unit_test_setup_teardown(an_event_is_sent_and_signed, setup, teardown),
        cmocka_unit_test_setup_teardown(it_is_tried_for_two_days, setup, teardown),
        cmocka_unit_test(delays_have_jitter_and_heed_retry_after),
        cmocka_unit_test(a_slow_receiver_has_its_share_and_no_more),
        cmocka_unit_test(a_place_that_is_free_in_a_moment_is_waited_for),
        cmocka_unit_test_setup_teardown(retry_after_is_heeded, setup, teardown),
        cmocka_unit_test_setup_teardown(a_redirect_is_a_failure, setup, teardown),
        cmocka_unit_test_setup_teardown(who_does_not_answer_is_tried_again, setup_impatient, teardown),
        cmocka_unit_test_setup_teardown(inner_addresses_are_refused_unless_allowed, setup, teardown),
        cmocka_unit_test_setup_teardown(gone_disables_it, setup, teardown),
        cmocka_unit_test_setup_teardown(events_in_a_row_that_fail_disable_it, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_arrives_forgives_the_others, setup, teardown),
        cmocka_unit_test_setup_teardown(another_tenants_is_as_none, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_opened_is_not_pointed_elsewhere, setup, teardown),
        cmocka_unit_test_setup_teardown(both_secrets_sign_until_the_older_is_taken_away, setup, teardown),
        cmocka_unit_test_setup_teardown(a_secret_that_cannot_be_opened_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_delivery_can_be_sent_again, setup, teardown),
        cmocka_unit_test_setup_teardown(all_since_then_can_be_sent_again, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_removed_is_not_sent, setup, teardown),
        cmocka_unit_test_setup_teardown(answers_are_kept_as_text, setup, teardown),
        cmocka_unit_test_setup_teardown(a_test_is_sent_at_once_and_leaves_no_trace, setup, teardown),
    };
    return DB_ON_EVERY_ENGINE("webhooks", tests);
}
