/* Plugins tell events, are told of them, and get webhooks that came in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "events/events.h"
#include "events/inbox.h"
#include "jobs_fixture.h"
#include "plugin/call_db.h"
#include "plugin/descriptor.h"
#include "plugin/listeners.h"
#include "plugin_fixture.h"
#include "secure/keyring.h"
#include "util/json.h"

#define TENANT "01890000-0000-7000-8000-00000000000a"

/* ---- a plugin called notes ---- */

static struct {
    int runs, result;
    bool forgets_commit;
    char id[UUID_TEXT_SIZE], name[100], tenant[50], title[100], source[50], sent_as[50], body[100], type[50];
    int64_t at_us;
} told;

static int on_note(dw_call *c, const dw_event *event)
{
    const char *title = "";

    told.runs++;
    DW_TRY(dw_json_read(c, event->data, "title!", &title));
    snprintf(told.id, sizeof(told.id), "%s", event->id);
    snprintf(told.name, sizeof(told.name), "%s", event->name);
    snprintf(told.tenant, sizeof(told.tenant), "%s", dw_tenant(c) ? dw_tenant(c) : "none");
    snprintf(told.title, sizeof(told.title), "%s", title);
    told.at_us = event->at.us;
    return told.result < 0 ? dw_fail(c, told.result, "the disk is full") : 0;
}

static int on_ticket(dw_call *c, const dw_delivery *d)
{
    const char *type = dw_delivery_field(d, "content-TYPE");

    told.runs++;
    snprintf(told.id, sizeof(told.id), "%s", d->id);
    snprintf(told.sent_as, sizeof(told.sent_as), "%s", d->sent_as);
    snprintf(told.source, sizeof(told.source), "%s", d->source);
    snprintf(told.tenant, sizeof(told.tenant), "%s", dw_tenant(c) ? dw_tenant(c) : "none");
    snprintf(told.body, sizeof(told.body), "%.*s", (int)dw_delivery_text(d).n, dw_delivery_text(d).p);
    snprintf(told.type, sizeof(told.type), "%s", type ? type : "none");
    assert_null(dw_delivery_field(d, "X-None"));
    if (told.forgets_commit)
        return dw_tx_begin(c);
    return told.result < 0 ? dw_fail(c, told.result, "the disk is full") : 0;
}

static const dw_subscription subscriptions[] = { { "notes.note.*", on_note } };
static const dw_inbox inboxes[] = { { "tickets", on_ticket } };
static const struct plugin_descriptor descriptor = {
    .name = "notes",
    .subscriptions = subscriptions,
    .subscriptions_n = 1,
    .inboxes = inboxes,
    .inboxes_n = 1,
};

static struct jobs_fixture fixture;
static struct keyring *keyring;

static int64_t wall_us(void *ud)
{
    return jobs_fixture_now(ud);
}

static int setup(void **state)
{
    struct buf why = BUF_INIT;

    (void)state;
    json_start();
    memset(&told, 0, sizeof(told));
    if (jobs_fixture_open(&fixture) != 0 ||
        keyring_parse(&keyring, STR_OF("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="), NULL))
        return -1;
    fixture_process.db = fixture.db.db;
    fixture_process.jobs = jobs_fixture_engine(&fixture, &(struct jobs_options){ .workers = 1 });
    fixture_process.wall_us = wall_us;
    fixture_process.clock_ud = &fixture;
    fixture_instance.descriptor = &descriptor;
    int rc = fixture_process.jobs ? listeners_register(&fixture_instance, &why) : -1;
    if (rc != 0)
        fprintf(stderr, "%s\n", buf_text(&why));
    buf_finish(&why);
    return rc;
}

static int teardown(void **state)
{
    (void)state;
    jobs_destroy(fixture_process.jobs);
    keyring_destroy(keyring);
    jobs_fixture_close(&fixture);
    return 0;
}

static int run_due(void)
{
    struct buf why = BUF_INIT;
    int n = jobs_run_due(fixture_process.jobs, &why);

    if (n < 0)
        fail_msg("%s", buf_text(&why));
    buf_finish(&why);
    return n;
}

static dw_call *begin(void)
{
    return fixture_begin_with((struct call_options){ .tenant = TENANT, .principal = "ann" });
}

#define NUMBER(...) JOBS_NUMBER(&fixture, __VA_ARGS__)

/* ---- telling ---- */

static void an_event_reaches_its_subscriber(void **state)
{
    dw_call *c = begin();

    (void)state;
    assert_int_equal(dw_tx_begin(c), 0);
    assert_int_equal(dw_event_emit(c, "notes.note.created", "id", 7, "title", "Milk \"fresh\""), 0);
    assert_int_equal(dw_event_emit(c, "notes.purged", "n", 1), 0);
    assert_int_equal(NUMBER("SELECT count(*) FROM dowel_events WHERE principal = 'ann'"), 0);
    assert_int_equal(dw_tx_commit(c), 0);
    call_end(c);
    assert_int_equal(NUMBER("SELECT count(*) FROM dowel_events WHERE principal = 'ann'"), 2);
    assert_int_equal(run_due(), 1);
    assert_int_equal(told.runs, 1);
    assert_string_equal(told.name, "notes.note.created");
    assert_string_equal(told.title, "Milk \"fresh\"");
    assert_string_equal(told.tenant, TENANT);
    assert_int_equal(told.at_us, atomic_load(&fixture.now_us));
    assert_int_equal(NUMBER("SELECT count(*) FROM dowel_events WHERE id = $1", told.id), 1);
    assert_int_equal(NUMBER("SELECT count(*) FROM dowel_jobs WHERE state = 'done'"), 1);
}

static void an_event_needs_a_transaction(void **state)
{
    dw_call *c = begin();

    (void)state;
    assert_int_equal(dw_event_emit(c, "notes.note.created", "id", 7), DW_ETX);
    assert_non_null(strstr(dw_error_of(c)->text, "dw_tx_begin"));
    assert_int_equal(dw_tx_begin(c), 0);
    assert_int_equal(dw_event_emit(c, "notes.note.created", "id", 7), 0);
    assert_int_equal(dw_tx_rollback(c), 0);
    call_end(c);
    assert_int_equal(NUMBER("SELECT count(*) FROM dowel_events"), 0);
    assert_int_equal(run_due(), 0);
}

static void a_wrong_event_is_refused(void **state)
{
    static const char *const names[] = { "notes",          "tasks.created", "notes.*",
                                         "notesx.created", "Notes.created", "" };
    char big[EVENT_DATA_MAX + 10];
    dw_call *c = begin();

    (void)state;
    assert_int_equal(dw_tx_begin(c), 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (dw_event_emit(c, names[i], "id", 7) != DW_EMISUSE)
            fail_msg("taken: %s", names[i]);
    }
    assert_int_equal(dw_event_emit(c, NULL, "id", 7), DW_EMISUSE);
    assert_int_equal(dw_event_emit(c, "notes.created", "id"), DW_EMISUSE);
    assert_int_equal(dw_event_emit(c, "notes.created", 7, 7), DW_EMISUSE);
    assert_int_equal(dw_event_emit(c, "notes.created", "id", "\xff"), DW_EINVALID);
    memset(big, 'x', sizeof(big));
    big[sizeof(big) - 1] = 0;
    assert_int_equal(dw_event_emit(c, "notes.created", "text", big), DW_ETOOLARGE);
    /* None of these spoiled the transaction. */
    assert_int_equal(dw_event_emit(c, "notes.created", "id", 7), 0);
    assert_int_equal(dw_tx_commit(c), 0);
    call_end(c);
    assert_int_equal(dw_event_emit(c, "notes.created", "id", 7), DW_ETHREAD);
}

static void one_that_fails_is_told_again_with_the_same_id(void **state)
{
    dw_call *c = begin();
    char id[UUID_TEXT_SIZE];

    (void)state;
    assert_int_equal(dw_tx_begin(c), 0);
    assert_int_equal(dw_event_emit(c, "notes.note.created", "title", "Milk"), 0);
    assert_int_equal(dw_tx_commit(c), 0);
    call_end(c);
    told.result = DW_EUNAVAILABLE;
    assert_int_equal(run_due(), 1);
    memcpy(id, told.id, sizeof(id));
    assert_int_equal(
        NUMBER("SELECT count(*) FROM dowel_jobs WHERE state = 'waiting' AND error LIKE '%disk is full%'"), 1);
    told.result = 0;
    atomic_fetch_add(&fixture.now_us, INT64_C(3600) * CLOCK_SECOND);
    assert_int_equal(run_due(), 1);
    assert_string_equal(told.id, id);
    assert_int_equal(told.runs, 2);
}

static void what_it_cannot_read_is_given_up(void **state)
{
    dw_call *c = begin();

    (void)state;
    assert_int_equal(dw_tx_begin(c), 0);
    assert_int_equal(dw_event_emit(c, "notes.note.created", "other", 1), 0);
    assert_int_equal(dw_tx_commit(c), 0);
    call_end(c);
    assert_int_equal(run_due(), 1);
    assert_int_equal(NUMBER("SELECT count(*) FROM dowel_jobs WHERE state = 'dead'"), 1);
}

static void an_event_that_is_gone_is_given_up(void **state)
{
    dw_call *c = begin();

    (void)state;
    assert_int_equal(dw_tx_begin(c), 0);
    assert_int_equal(dw_event_emit(c, "notes.note.created", "title", "Milk"), 0);
    assert_int_equal(dw_tx_commit(c), 0);
    call_end(c);
    assert_int_equal(JOBS_EXEC(&fixture, "DELETE FROM dowel_events"), 1);
    assert_int_equal(run_due(), 1);
    assert_int_equal(told.runs, 0);
    assert_int_equal(
        NUMBER("SELECT count(*) FROM dowel_jobs WHERE state = 'dead' AND error LIKE '%no longer kept%'"), 1);
}

/* ---- webhooks that came in ---- */

static struct inbox_received receive(const char *id)
{
    const struct inbox_header headers[] = { { STR("Content-Type"), STR("text/plain") },
                                            { STR("X-Id"), str_from(id) } };
    const struct inbox_request request = { STR("notes"), STR("helpdesk"), headers, 2, STR("hello") };
    const struct db_who who = { .owner = "core", .now_us = atomic_load(&fixture.now_us) };
    struct inbox_received got;
    struct db_session *s;

    assert_int_equal(db_session_create(&s, fixture.db.db, &who), 0);
    int rc = inbox_receive(s, keyring, &request, who.now_us, &got);
    if (rc != 0)
        fail_msg("%s", db_error_of(s)->text);
    db_session_destroy(s);
    return got;
}

static void add_source(void)
{
    const struct inbox_source_new source = {
        .tenant = TENANT,
        .plugin = "notes",
        .name = "helpdesk",
        .inbox = "tickets",
        .verify = INBOX_UNVERIFIED,
        .id_header = "X-Id",
    };
    const struct db_who who = { .owner = "core", .now_us = atomic_load(&fixture.now_us) };
    char id[UUID_TEXT_SIZE], secret[INBOX_SECRET_SIZE];
    struct buf why = BUF_INIT;
    struct db_session *s;

    assert_int_equal(db_session_create(&s, fixture.db.db, &who), 0);
    assert_int_equal(inbox_source_add(s, keyring, &source, who.now_us, id, secret, &why), 0);
    buf_finish(&why);
    db_session_destroy(s);
}

static void a_webhook_reaches_the_plugin(void **state)
{
    struct inbox_received got;

    (void)state;
    add_source();
    got = receive("d1");
    assert_int_equal(got.answer, INBOX_TAKEN);
    assert_int_equal(receive("d1").answer, INBOX_REPEATED);
    assert_int_equal(run_due(), 1);
    assert_int_equal(told.runs, 1);
    assert_string_equal(told.id, got.id);
    assert_string_equal(told.sent_as, "d1");
    assert_string_equal(told.source, "helpdesk");
    assert_string_equal(told.tenant, TENANT);
    assert_string_equal(told.body, "hello");
    assert_string_equal(told.type, "text/plain");
    assert_int_equal(NUMBER("SELECT count(*) FROM dowel_inbox WHERE state = 'done'"), 1);
}

static void one_that_is_given_up_is_seen(void **state)
{
    (void)state;
    add_source();
    receive("d1");
    told.result = DW_EINVALID;
    run_due();
    assert_int_equal(told.runs, 1);
    assert_int_equal(
        NUMBER("SELECT count(*) FROM dowel_inbox WHERE state = 'failed' AND why LIKE '%disk is full%'"), 1);
}

static void a_forgotten_commit_settles_nothing(void **state)
{
    (void)state;
    add_source();
    receive("d1");
    told.forgets_commit = true;
    run_due();
    assert_int_equal(NUMBER("SELECT count(*) FROM dowel_inbox WHERE state = 'done'"), 0);
    assert_int_equal(
        NUMBER("SELECT count(*) FROM dowel_inbox WHERE state = 'failed' AND why LIKE '%dw_tx_commit%'"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_event_reaches_its_subscriber, setup, teardown),
        cmocka_unit_test_setup_teardown(an_event_needs_a_transaction, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wrong_event_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_fails_is_told_again_with_the_same_id, setup, teardown),
        cmocka_unit_test_setup_teardown(what_it_cannot_read_is_given_up, setup, teardown),
        cmocka_unit_test_setup_teardown(an_event_that_is_gone_is_given_up, setup, teardown),
        cmocka_unit_test_setup_teardown(a_webhook_reaches_the_plugin, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_is_given_up_is_seen, setup, teardown),
        cmocka_unit_test_setup_teardown(a_forgotten_commit_settles_nothing, setup, teardown),
    };
    return DB_ON_EVERY_ENGINE("host_events", tests);
}
