/* The audit log: what is recorded, how it is sealed while others write, what is secret and what is about persons. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "audit/people.h"
#include "audit/sealer.h"
#include "audit_fixture.h"
#include "jobs/admin.h"
#include "util/compiler.h"
#include "util/json.h"

static struct audit_fixture fixture;

static int setup(void **state)
{
    *state = &fixture;
    return audit_fixture_open(&fixture);
}

static int teardown(void **state)
{
    audit_fixture_close(*state);
    return 0;
}

/* The newest ones as JSON. */
static json_t *newest(struct audit_fixture *f)
{
    struct db_session *s = audit_session(f);
    struct buf text = BUF_INIT;
    struct json_fault fault;
    char next[UUID_TEXT_SIZE];
    json_t *found = NULL;

    assert_true(audit_list(f->audit, s, &(struct audit_filter){ .tenant = NULL }, NULL, 100, &text, next) >=
                0);
    if (json_strict_parse(buf_str(&text), 0, &found, &fault) != 0)
        fail_msg("%s: %s", fault.text, buf_text(&text));
    buf_finish(&text);
    db_session_destroy(s);
    return found;
}

/* The text at a pointer, or "(none)". */
static const char *at(const json_t *json, const char *pointer)
{
    const char *text = json_string_value(json_pointer(json, str_from(pointer)));

    return text ? text : "(none)";
}

/* What audit_record() says about it; nothing is committed. */
static int try_record(struct audit_fixture *f, const struct audit_record *r)
{
    struct db_session *s = audit_session(f);
    const char *wrong;

    assert_int_equal(db_begin(s), 0);
    int rc = audit_record(f->audit, s, r, &wrong);
    if (rc < 0 && !wrong)
        fail_msg("%s", db_error_of(s)->text);
    db_session_destroy(s);
    return rc;
}

/* ---- the thin line ---- */

static void what_was_recorded_is_sealed_and_verified(void **state)
{
    struct audit_fixture *f = *state;

    assert_int_equal(audit_check(f), 0);
    audit_write_some(f, 3);
    assert_int_equal(audit_check(f), 0);
    assert_int_equal(f->verified.unsealed, 3);
    assert_int_equal(audit_seal_once(f), 3);
    assert_int_equal(audit_seal_once(f), 0);
    if (audit_check(f) != 0)
        fail_msg("%s", buf_text(&f->said));
    assert_int_equal(f->verified.unsealed, 0);
    assert_int_equal(f->verified.records, 3);
    assert_int_equal(f->verified.seq, 3);
}

static void a_record_is_there_if_the_change_is(void **state)
{
    struct audit_fixture *f = *state;
    const struct audit_record r = audit_of_ann(f, "notes.note.deleted", "7");
    struct db_session *s = audit_session(f);
    const char *wrong;

    assert_int_equal(audit_record(f->audit, s, &r, &wrong), DW_ETX);
    assert_non_null(wrong);
    assert_int_equal(db_begin(s), 0);
    assert_int_equal(audit_record(f->audit, s, &r, &wrong), 0);
    assert_true(db_rollback(s) >= 0);
    assert_int_equal(AUDIT_NUMBER(f, "SELECT count(*) FROM dowel_audit"), 0);
    /* The key that was made for Ann went with it: the next one makes another. */
    assert_int_equal(db_begin(s), 0);
    assert_int_equal(audit_record(f->audit, s, &r, &wrong), 0);
    assert_true(db_commit(s) >= 0);
    db_session_destroy(s);
    json_t *found = newest(f);
    assert_int_equal(json_array_size(found), 1);
    assert_string_equal(at(found, "/0/actor/email"), "ann@example.org");
    json_decref(found);
}

static void a_record_says_who_what_and_where(void **state)
{
    struct audit_fixture *f = *state;
    struct audit_record r = audit_of_ann(f, "notes.note.deleted", "7");
    char text[4000];

    r.values = DW_LIST("title", "Milk", "n", 3, "old", NULL);
    audit_write(f, &r);
    json_t *found = newest(f);
    assert_string_equal(at(found, "/0/tenant"), TENANT_A);
    assert_string_equal(at(found, "/0/actor/kind"), "user");
    assert_string_equal(at(found, "/0/actor/id"), ANN);
    assert_string_equal(at(found, "/0/actor/name"), "Ann \"A\" Lee");
    assert_string_equal(at(found, "/0/actor/address"), "192.0.2.7");
    assert_string_equal(at(found, "/0/plugin"), "notes");
    assert_string_equal(at(found, "/0/action"), "notes.note.deleted");
    assert_string_equal(at(found, "/0/target"), "7");
    assert_string_equal(at(found, "/0/request"), "req-1");
    assert_string_equal(at(found, "/0/values/title"), "Milk");
    assert_int_equal(json_integer_value(json_pointer(found, STR_OF("/0/values/n"))), 3);
    assert_true(json_is_null(json_pointer(found, STR_OF("/0/values/old"))));
    json_decref(found);
    /* Who she is does not stand in the table. */
    jobs_fixture_text(&f->jobs, text, sizeof(text),
                      "SELECT actor || who || details || personal || request || target FROM dowel_audit");
    assert_null(strstr(text, "example.org"));
    assert_null(strstr(text, "192.0.2.7"));
    assert_null(strstr(text, "Lee"));
}

static void what_cannot_be_written_is_refused(void **state)
{
    static const char *const actions[] = {
        "", "notes", "other.note.deleted", "notes.Note", "notes.a b", NULL
    };
    struct audit_fixture *f = *state;
    static char long_text[AUDIT_VALUES_MAX + 1];
    struct audit_record r = audit_of_ann(f, "notes.a", "1");
    int64_t number;

    memset(long_text, 'x', AUDIT_VALUES_MAX);
    for (size_t i = 0; i < DW_COUNT_OF(actions); i++) {
        r.action = actions[i];
        assert_int_equal(try_record(f, &r), DW_EMISUSE);
    }
    r.action = "notes.a";
    assert_int_equal(try_record(f, &r), 0);
    r.target = long_text;
    assert_int_equal(try_record(f, &r), DW_EMISUSE);
    r.target = "\xff";
    assert_int_equal(try_record(f, &r), DW_EMISUSE);
    r.target = "1";
    r.values = DW_LIST("title");
    assert_int_equal(try_record(f, &r), DW_EMISUSE);
    r.values = DW_LIST("title", &number);
    assert_int_equal(try_record(f, &r), DW_EINVALID);
    r.values = DW_LIST("title", "\xff");
    assert_int_equal(try_record(f, &r), DW_EINVALID);
    r.values = DW_LIST("title", (const char *)long_text);
    assert_int_equal(try_record(f, &r), DW_ETOOLARGE);
    r.values = DW_LIST("@email", "a@b.c"); /* whose? */
    assert_int_equal(try_record(f, &r), DW_EMISUSE);
    r.values = DW_LIST("@person", "", "@email", "a@b.c");
    assert_int_equal(try_record(f, &r), DW_EMISUSE);
    r.values = DW_LIST("@person", 3, "@email", "a@b.c");
    assert_int_equal(try_record(f, &r), DW_EMISUSE);
}

static void secrets_are_left_out(void **state)
{
    struct audit_fixture *f = *state;
    struct audit_record r = audit_of_ann(f, "notes.note.changed", "1");
    json_t *old = json_pack("{s:s, s:[{s:s, s:i}], s:n}", "api_key", "hush", "list", "Password", "hush", "n",
                            1, "token");
    char text[4000];

    r.values = DW_LIST("token", "hush", "secret", NULL, "old", old, "@person", ANN, "@new_password", "hush");
    audit_write(f, &r);
    jobs_fixture_text(&f->jobs, text, sizeof(text), "SELECT details FROM dowel_audit");
    assert_string_equal(
        text, "{\"token\":\"[redacted]\",\"secret\":null,\"old\":{\"api_key\":\"[redacted]\",\"list\":["
              "{\"Password\":\"[redacted]\",\"n\":1}],\"token\":null}}");
    assert_string_equal(json_string_value(json_object_get(old, "api_key")),
                        "hush"); /* the caller's is as it was */
    json_t *found = newest(f);
    assert_string_equal(at(found, "/0/personal/new_password"), "[redacted]");
    json_decref(found);
    json_decref(old);
}

static void the_machine_is_no_person(void **state)
{
    struct audit_fixture *f = *state;
    char account[AUDIT_TEXT_MAX + 1];
    struct db_session *s = audit_session(f);
    struct audit_record r = { .actor = audit_machine(account),
                              .plugin = "core",
                              .action = "core.plugin.purged" };
    const char *wrong;

    assert_true(*account);
    assert_int_equal(db_begin(s), 0);
    assert_int_equal(audit_record(NULL, s, &r, &wrong), 0);
    r.values = DW_LIST("@person", ANN, "@email", "a@b.c");
    assert_int_equal(audit_record(NULL, s, &r, &wrong), DW_EMISUSE);
    assert_true(db_commit(s) >= 0);
    db_session_destroy(s);
    json_t *found = newest(f);
    assert_string_equal(at(found, "/0/actor/kind"), "machine");
    assert_string_equal(at(found, "/0/actor/id"), account);
    assert_string_equal(at(found, "/0/tenant"), "(none)");
    json_decref(found);
    assert_int_equal(AUDIT_NUMBER(f, "SELECT count(*) FROM dowel_audit_keys"), 0);
}

/* ---- persons ---- */

static void write_about_ben(struct audit_fixture *f)
{
    struct audit_record r = audit_of_ann(f, "notes.note.shared", "1");

    r.values = DW_LIST("title", "Milk", "@person", BEN, "@email", "ben@example.org", "@n", 3);
    audit_write(f, &r);
}

static int erase(struct audit_fixture *f, const char *person)
{
    struct db_session *s = audit_session(f);
    int rc = audit_erase_person(f->audit, s, person, atomic_load(&f->jobs.now_us));

    db_session_destroy(s);
    return rc;
}

static void who_is_erased_is_read_no_more_and_the_chain_holds(void **state)
{
    struct audit_fixture *f = *state;

    write_about_ben(f);
    assert_int_equal(audit_seal_once(f), 1);
    json_t *found = newest(f);
    assert_string_equal(at(found, "/0/person"), BEN);
    assert_string_equal(at(found, "/0/personal/email"), "ben@example.org");
    assert_true(json_is_false(json_pointer(found, STR_OF("/0/erased"))));
    json_decref(found);

    assert_int_equal(erase(f, BEN), 1);
    assert_int_equal(erase(f, BEN), 0);
    found = newest(f);
    assert_true(json_is_null(json_pointer(found, STR_OF("/0/personal"))));
    assert_true(json_is_true(json_pointer(found, STR_OF("/0/erased"))));
    assert_string_equal(at(found, "/0/actor/email"), "ann@example.org");
    assert_string_equal(at(found, "/0/values/title"), "Milk");
    json_decref(found);
    assert_int_equal(audit_check(f), 0);

    /* Nothing more is kept about him; and what Ann does is. */
    write_about_ben(f);
    assert_int_equal(AUDIT_NUMBER(f, "SELECT count(*) FROM dowel_audit WHERE personal = '' AND who <> ''"),
                     1);
    assert_int_equal(audit_seal_once(f), 1);
    assert_int_equal(audit_check(f), 0);
    assert_int_equal(erase(f, ANN), 1);
    found = newest(f);
    assert_string_equal(at(found, "/1/actor/email"), "(none)");
    assert_string_equal(at(found, "/1/actor/id"), ANN);
    json_decref(found);
    assert_int_equal(audit_check(f), 0);
}

static void who_was_never_there_can_be_erased_beforehand(void **state)
{
    struct audit_fixture *f = *state;

    assert_int_equal(erase(f, BEN), 1);
    write_about_ben(f);
    assert_int_equal(AUDIT_NUMBER(f, "SELECT count(*) FROM dowel_audit WHERE personal = ''"), 1);
}

/* The key of somebody long known is kept in memory for ten seconds. */
static void a_known_key_is_not_looked_up_and_erasing_forgets_it(void **state)
{
    struct audit_fixture *f = *state;

    write_about_ben(f);
    /* As if it had been made an hour ago; the triggers do not let that be written later. */
    audit_tamper(f, f->jobs.db.engine == DB_SQLITE
                        ? "DROP TRIGGER dowel_audit_keys_stay;"
                          "UPDATE dowel_audit_keys SET made_at = '2026-01-01T00:00:00.000000Z'"
                        : "ALTER TABLE dowel_audit_keys DISABLE TRIGGER USER;"
                          "UPDATE dowel_audit_keys SET made_at = '2026-01-01T00:00:00.000000Z'");
    write_about_ben(f);
    audit_tamper(f, "UPDATE dowel_audit_keys SET token = 'x'");
    json_t *found = newest(f);
    assert_string_equal(at(found, "/1/personal/email"), "ben@example.org");
    json_decref(found);
    assert_int_equal(erase(f, BEN), 1);
    found = newest(f);
    assert_string_equal(at(found, "/1/personal/email"), "(none)");
    json_decref(found);
}

static void who_is_nobody_is_sealed_by_the_month(void **state)
{
    struct audit_fixture *f = *state;
    const struct audit_record r = { .actor = { .kind = DW_ANONYMOUS, .address = "192.0.2.9" },
                                    .plugin = "auth",
                                    .action = "auth.login.failed",
                                    .at_us = INT64_C(1800000000000000) };

    audit_write(f, &r);
    json_t *found = newest(f);
    assert_string_equal(at(found, "/0/actor/address"), "192.0.2.9");
    json_decref(found);
    assert_int_equal(erase(f, "anonymous/2027-01"), 1);
    found = newest(f);
    assert_string_equal(at(found, "/0/actor/address"), "(none)");
    json_decref(found);
}

/* ---- sealing ---- */

static void a_crash_before_the_seal_loses_nothing(void **state)
{
    struct audit_fixture *f = *state;
    struct buf why = BUF_INIT;

    audit_write_some(f, 3);
    assert_int_equal(audit_seal_once(f), 3);
    audit_write_some(f, 2);
    db_close(f->jobs.db.db);
    if (db_open(&f->jobs.db.db, &(struct db_options){ .url = f->jobs.db.url }, &why) != 0)
        fail_msg("%s", buf_text(&why));
    assert_int_equal(audit_seal_once(f), 2);
    assert_int_equal(audit_check(f), 0);
    assert_int_equal(f->verified.seq, 5);
}

static void more_than_a_batch_takes_several(void **state)
{
    struct audit_fixture *f = *state;

    audit_write_some(f, AUDIT_BATCH + 1);
    assert_int_equal(audit_seal_once(f), AUDIT_BATCH);
    assert_int_equal(audit_seal_once(f), 1);
    assert_int_equal(audit_check(f), 0);
    assert_int_equal(f->verified.records, AUDIT_BATCH + 1);
}

/* SQLite has one writer at a time, so nobody can be late there. */
static void who_commits_late_comes_later(void **state)
{
    struct audit_fixture *f = *state;
    struct audit_record early = audit_of_ann(f, "notes.early", "1"),
                        quick = audit_of_ann(f, "notes.quick", "2");
    struct db_session *s = audit_session(f);
    const char *wrong;

    if (f->jobs.db.engine == DB_SQLITE) {
        db_session_destroy(s);
        return;
    }
    early.actor.id =
        BEN; /* a key of his own: who needs one that another transaction makes waits for that one */
    assert_int_equal(db_begin(s), 0);
    assert_int_equal(audit_record(f->audit, s, &early, &wrong), 0);
    audit_write(f, &quick);
    assert_int_equal(audit_seal_once(f), 1);
    assert_int_equal(audit_check(f), 0);
    assert_true(db_commit(s) >= 0);
    db_session_destroy(s);
    assert_int_equal(audit_seal_once(f), 1);
    assert_int_equal(audit_check(f), 0);
    assert_int_equal(AUDIT_NUMBER(f, "SELECT seq FROM dowel_audit WHERE action = 'notes.quick'"), 1);
    assert_int_equal(AUDIT_NUMBER(f, "SELECT seq FROM dowel_audit WHERE action = 'notes.early'"), 2);
}

enum { WRITERS = 4, SEALERS = 2, EACH = 40 };

static _Atomic int writers_left;
static _Atomic int committed;

static void *write_many(void *ud)
{
    struct audit_fixture *f = ud;
    char person[16];
    const char *wrong;

    for (int i = 0; i < EACH; i++) {
        struct audit_record r = audit_of_ann(f, "notes.note.changed", "1");
        struct db_session *s = NULL;
        snprintf(person, sizeof(person), "person-%d", i % 5);
        r.actor.id = person;
        const struct db_who who = { .owner = "core", .now_us = r.at_us };
        int rc = db_session_create(&s, f->jobs.db.db, &who) == 0 ? db_begin(s) : DW_ENOMEM;
        if (rc >= 0)
            rc = audit_record(f->audit, s, &r, &wrong);
        if (rc >= 0)
            rc = i % 7 == 3 ? db_rollback(s) : db_commit(s);
        if (rc >= 0 && i % 7 != 3)
            atomic_fetch_add(&committed, 1);
        db_session_destroy(s);
    }
    atomic_fetch_sub(&writers_left, 1);
    return NULL;
}

static void *seal_many(void *ud)
{
    struct audit_fixture *f = ud;
    int n = 0;

    while (atomic_load(&writers_left) > 0 || n > 0) {
        const struct db_who who = { .owner = "core" };
        struct buf why = BUF_INIT;
        struct db_session *s;
        if (db_session_create(&s, f->jobs.db.db, &who) != 0)
            break;
        n = audit_seal(f->audit, s, clock_wall_us(), &why);
        if (n < 0 && n != DW_EUNAVAILABLE)
            fprintf(stderr, "%d: %s\n", n, why.n > 0 ? buf_text(&why) : db_error_of(s)->text);
        buf_finish(&why);
        db_session_destroy(s);
    }
    return NULL;
}

static void many_write_and_two_seal(void **state)
{
    struct audit_fixture *f = *state;
    pthread_t threads[WRITERS + SEALERS];

    atomic_store(&writers_left, WRITERS);
    atomic_store(&committed, 0);
    for (int i = 0; i < WRITERS + SEALERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, i < WRITERS ? write_many : seal_many, f), 0);
    for (int i = 0; i < WRITERS + SEALERS; i++)
        pthread_join(threads[i], NULL);
    while (audit_seal_once(f) > 0)
        continue;
    assert_true(committed > WRITERS * EACH / 2);
    assert_int_equal(AUDIT_NUMBER(f, "SELECT count(*) FROM dowel_audit"), committed);
    assert_int_equal(AUDIT_NUMBER(f, "SELECT max(seq) FROM dowel_audit"), committed);
    if (audit_check(f) != 0)
        fail_msg("%s", buf_text(&f->said));
    assert_int_equal(f->verified.records, committed);
    json_t *found = newest(f);
    for (size_t i = 0; i < json_array_size(found);
         i++) /* each can be read: no key was lost with a rollback */
        assert_true(json_is_false(json_object_get(json_array_get(found, i), "erased")));
    json_decref(found);
}

/* ---- the job ---- */

struct running {
    struct sealer *sealer;
    struct jobs *jobs;
};

static struct running start(struct audit_fixture *f, int64_t keep_us)
{
    struct running r;
    struct buf why = BUF_INIT;

    r.jobs = jobs_fixture_engine(&f->jobs, &(struct jobs_options){ .workers = 1 });
    assert_non_null(r.jobs);
    assert_int_equal(
        sealer_create(&r.sealer,
                      &(struct sealer_options){ .db = f->jobs.db.db, .audit = f->audit, .keep_us = keep_us }),
        0);
    if (sealer_register(r.sealer, r.jobs, &why) != 0)
        fail_msg("%s", buf_text(&why));
    return r;
}

static void end(struct running *r)
{
    jobs_destroy(r->jobs);
    sealer_destroy(r->sealer);
}

static int run_due(struct running *r)
{
    struct buf why = BUF_INIT;
    int n = jobs_run_due(r->jobs, &why);

    if (n < 0)
        fail_msg("%s", buf_text(&why));
    buf_finish(&why);
    return n;
}

static void the_job_runs_when_something_waits(void **state)
{
    struct audit_fixture *f = *state;

    atomic_store(&f->jobs.now_us, clock_wall_us() + CLOCK_SECOND);
    struct running r = start(f, 0);
    assert_int_equal(run_due(&r), 1); /* once at the start: somebody may have died before */
    assert_int_equal(run_due(&r), 0);
    assert_int_equal(sealer_look(r.sealer, atomic_load(&f->jobs.now_us)), 0);
    audit_write_some(f, 250);
    assert_int_equal(run_due(&r), 0); /* it rests for an hour */
    assert_int_equal(sealer_look(r.sealer, atomic_load(&f->jobs.now_us)), 1);
    assert_int_equal(sealer_look(r.sealer, atomic_load(&f->jobs.now_us)), 0); /* it is due already */
    assert_int_equal(run_due(&r), 1);
    assert_int_equal(audit_check(f), 0);
    assert_int_equal(f->verified.records, 250);
    assert_int_equal(f->verified.unsealed, 0);
    assert_int_equal(AUDIT_NUMBER(f, "SELECT count(*) FROM dowel_jobs"),
                     1); /* and none of those that are done */
    end(&r);
}

static void a_job_that_was_cancelled_comes_back(void **state)
{
    struct audit_fixture *f = *state;

    atomic_store(&f->jobs.now_us, clock_wall_us() + CLOCK_SECOND);
    struct running r = start(f, 0);
    assert_int_equal(run_due(&r), 1);
    struct db_session *s = audit_session(f);
    assert_int_equal(job_cancel(s, AUDIT_SEAL_JOB, NULL, "one", atomic_load(&f->jobs.now_us)), 1);
    db_session_destroy(s);
    run_due(&r); /* its end */
    audit_write_some(f, 1);
    assert_int_equal(sealer_look(r.sealer, atomic_load(&f->jobs.now_us)), 1);
    assert_int_equal(run_due(&r), 1);
    assert_int_equal(audit_check(f), 0);
    assert_int_equal(f->verified.unsealed, 0);
    end(&r);
}

static void a_broken_end_is_not_tried_all_the_time(void **state)
{
    struct audit_fixture *f = *state;

    atomic_store(&f->jobs.now_us, clock_wall_us() + CLOCK_SECOND);
    struct running r = start(f, 0);
    audit_write_some(f, 1);
    assert_int_equal(run_due(&r), 1);
    audit_tamper(f, "UPDATE dowel_audit_head SET token = 'x'");
    audit_write_some(f, 1);
    assert_int_equal(sealer_look(r.sealer, atomic_load(&f->jobs.now_us)), 1);
    assert_int_equal(run_due(&r), 1);
    assert_int_equal(sealer_look(r.sealer, atomic_load(&f->jobs.now_us)), 0); /* it has failed, and waits */
    assert_int_equal(run_due(&r), 0);
    assert_int_equal(AUDIT_NUMBER(f, "SELECT count(*) FROM dowel_audit WHERE seq IS NULL"), 1);
    end(&r);
}

static void the_job_removes_what_is_old(void **state)
{
    struct audit_fixture *f = *state;

    audit_write_some(f,
                     3); /* by the fixture's clock, which is years away: of the future until the year 2027 */
    audit_tamper(f, "UPDATE dowel_audit SET at = '2020-01-01T00:00:00.000000Z'");
    atomic_store(&f->jobs.now_us, clock_wall_us() + CLOCK_SECOND);
    audit_write_some(f, 2);
    struct running r = start(f, INT64_C(3600) * CLOCK_SECOND);
    assert_int_equal(run_due(&r), 1);
    assert_int_equal(audit_check(f), 0);
    assert_int_equal(f->verified.removed, 3);
    assert_int_equal(f->verified.records, 2);
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_recorded_is_sealed_and_verified, setup, teardown),
        cmocka_unit_test_setup_teardown(a_record_is_there_if_the_change_is, setup, teardown),
        cmocka_unit_test_setup_teardown(a_record_says_who_what_and_where, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_written_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(secrets_are_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(the_machine_is_no_person, setup, teardown),
        cmocka_unit_test_setup_teardown(who_is_erased_is_read_no_more_and_the_chain_holds, setup, teardown),
        cmocka_unit_test_setup_teardown(who_was_never_there_can_be_erased_beforehand, setup, teardown),
        cmocka_unit_test_setup_teardown(a_known_key_is_not_looked_up_and_erasing_forgets_it, setup, teardown),
        cmocka_unit_test_setup_teardown(who_is_nobody_is_sealed_by_the_month, setup, teardown),
        cmocka_unit_test_setup_teardown(a_crash_before_the_seal_loses_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(more_than_a_batch_takes_several, setup, teardown),
        cmocka_unit_test_setup_teardown(who_commits_late_comes_later, setup, teardown),
        cmocka_unit_test_setup_teardown(many_write_and_two_seal, setup, teardown),
        cmocka_unit_test_setup_teardown(the_job_runs_when_something_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(a_job_that_was_cancelled_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(a_broken_end_is_not_tried_all_the_time, setup, teardown),
        cmocka_unit_test_setup_teardown(the_job_removes_what_is_old, setup, teardown),
    };

    return DB_ON_EVERY_ENGINE("audit", tests);
}
