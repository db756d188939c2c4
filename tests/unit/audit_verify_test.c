/* Whoever changes the audit log is found out; what is refused in the first place; and what was removed because it is old. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "audit/chain.h"
#include "audit_fixture.h"
#include "util/compiler.h"

static struct audit_fixture fixture;

static int setup(void **state)
{
    *state = &fixture;
    if (audit_fixture_open(&fixture) != 0)
        return -1;
    audit_write_some(&fixture, 9);
    assert_int_equal(audit_seal_once(&fixture), 9);
    assert_int_equal(audit_check(&fixture), 0);
    return 0;
}

static int teardown(void **state)
{
    audit_fixture_close(*state);
    return 0;
}

/* ---- refused ---- */

static void the_tables_refuse_what_changes_them(void **state)
{
    static const char *const refused[] = {
        "UPDATE dowel_audit SET actor = 'x' WHERE seq = 3",
        "UPDATE dowel_audit SET hash = 'x' WHERE seq = 3",
        "UPDATE dowel_audit SET seq = 30 WHERE seq = 3",
        "UPDATE dowel_audit SET seq = NULL, hash = NULL WHERE seq = 3",
        "UPDATE dowel_audit SET seq = 10, hash = 'x', target = 'y' WHERE seq IS NULL",
        "DELETE FROM dowel_audit WHERE seq = 3",
        "DELETE FROM dowel_audit WHERE seq IS NULL",
        "UPDATE dowel_audit_head SET seq = 8",
        "UPDATE dowel_audit_head SET removed_seq = 10",
        "DELETE FROM dowel_audit_head",
        "DELETE FROM dowel_audit_keys",
        "UPDATE dowel_audit_keys SET person = 'x'",
    };
    struct audit_fixture *f = *state;

    audit_write_some(f, 1);
    for (size_t i = 0; i < DW_COUNT_OF(refused); i++) {
        struct db_session *s = audit_session(f);
        int64_t rc = db_exec(s, DB_BY_CORE, DW_LIST(refused[i]));
        if (rc != DW_ECONFLICT)
            fail_msg("%s: %lld %s", refused[i], (long long)rc, db_error_of(s)->text);
        db_session_destroy(s);
    }
    assert_int_equal(audit_check(f), 0);
    assert_int_equal(audit_seal_once(f), 1);
}

/* ---- found ---- */

#define INSERT_AT(seq)                                                                                   \
    "INSERT INTO dowel_audit SELECT '01890000-0000-7000-8000-0000000000ff', at, tenant_id, actor_kind, " \
    "actor,"                                                                                             \
    " who, plugin, action, 'made up', request, details, person, personal, " seq                          \
    ", hash FROM dowel_audit WHERE seq = 4"

static const struct tampering {
    const char *sql, *found;
    int64_t findings; /* 0: more than one */
} tamperings[] = {
    { "UPDATE dowel_audit SET details = '{\"title\":\"x\"}' WHERE seq = 5", "record 5 (", 1 },
    { "UPDATE dowel_audit SET details = '{\"title\":\"x\"}' WHERE seq = 1", "record 1 (", 1 },
    { "UPDATE dowel_audit SET details = '{\"title\":\"x\"}' WHERE seq = 9", "record 9 (", 1 },
    { "UPDATE dowel_audit SET actor = '' WHERE seq = 5", "record 5 (", 1 },
    { "UPDATE dowel_audit SET who = '' WHERE seq = 5", "record 5 (", 1 },
    { "UPDATE dowel_audit SET tenant_id = NULL WHERE seq = 5", "record 5 (", 1 },
    { "UPDATE dowel_audit SET at = '2026-01-01T00:00:00.000000Z' WHERE seq = 5", "record 5 (", 1 },
    { "UPDATE dowel_audit SET request = '5', target = 'req-1' WHERE seq = 5", "record 5 (", 1 },
    { "DELETE FROM dowel_audit WHERE seq = 1", "record 1 was removed\n", 1 },
    { "DELETE FROM dowel_audit WHERE seq = 5", "record 5 was removed\n", 1 },
    { "DELETE FROM dowel_audit WHERE seq IN (4, 5, 6)", "records 4 to 6 were removed\n", 1 },
    { "DELETE FROM dowel_audit WHERE seq = 9", "record 9 was removed at the end", 1 },
    { "DELETE FROM dowel_audit WHERE seq > 6", "records 7 to 9 were removed at the end", 1 },
    { "DELETE FROM dowel_audit", "records 1 to 9 were removed at the end", 1 },
    /* Swapped. */
    { "UPDATE dowel_audit SET seq = 100 WHERE seq = 3; UPDATE dowel_audit SET seq = 3 WHERE seq = 7;"
      "UPDATE dowel_audit SET seq = 7 WHERE seq = 100",
      "record 7 (", 0 },
    /* Removed, and the gap closed. */
    { "DELETE FROM dowel_audit WHERE seq = 3; UPDATE dowel_audit SET seq = seq - 100 WHERE seq > 3;"
      "UPDATE dowel_audit SET seq = seq + 99 WHERE seq < 0",
      "record 3 (", 0 },
    /* Inserted, and room made for it. */
    { "UPDATE dowel_audit SET seq = seq + 100 WHERE seq > 4;"
      "UPDATE dowel_audit SET seq = seq - 99 WHERE seq > 100;" INSERT_AT("5"),
      "record 5 (", 0 },
    { INSERT_AT("10"), "stand behind the end", 1 },
    { "UPDATE dowel_audit SET seq = NULL, hash = NULL WHERE seq = 5", "record 5 was removed\n", 1 },
    { "UPDATE dowel_audit SET hash = 'x' WHERE seq = 5", "record 5 (", 0 },
    { "DELETE FROM dowel_audit_head", "the checkpoint is missing", 1 },
    { "DELETE FROM dowel_audit WHERE seq = 9; UPDATE dowel_audit_head SET seq = 8,"
      " hash = (SELECT hash FROM dowel_audit WHERE seq = 8)",
      "another end of the log", 1 },
    { "UPDATE dowel_audit_head SET removed_seq = 4, removed_hash ="
      " (SELECT hash FROM dowel_audit WHERE seq = 4); DELETE FROM dowel_audit WHERE seq <= 4",
      "another end of the log", 1 },
    { "UPDATE dowel_audit_head SET token = 'x'", "not made with a key of this server", 1 },
};

static void each_kind_of_tampering_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(tamperings); i++) {
        const struct tampering *t = &tamperings[i];
        struct audit_fixture f;
        void *ud = &f;

        assert_int_equal(audit_fixture_open(&f), 0);
        audit_write_some(&f, 9);
        assert_int_equal(audit_seal_once(&f), 9);
        audit_tamper(&f, t->sql);
        int64_t n = audit_check(&f);
        if (n == 0 || (t->findings && n != t->findings) || !audit_said(&f, t->found))
            fail_msg("%s: %lld findings:\n%s", t->sql, (long long)n, buf_text(&f.said));
        teardown(&ud);
    }
}

/* All hashes anew, the head's too: everything that can be worked out without the key. */
static void forge_hashes(struct audit_fixture *f)
{
    char hash[CHAIN_HASH_SIZE], sql[300];
    struct db_session *s = audit_session(f);
    struct buf room = BUF_INIT, script = BUF_INIT;
    struct audit_row row;
    struct db_rows *rows;
    int64_t last = 0;

    snprintf(hash, sizeof(hash), "%s", chain_beginning);
    assert_int_equal(
        db_query(s, &rows, DB_BY_CORE, DW_LIST("SELECT " AUDIT_COLUMNS " FROM dowel_audit ORDER BY seq")), 0);
    while (db_rows_next(rows) > 0) {
        char before[CHAIN_HASH_SIZE];
        memcpy(before, hash, sizeof(before));
        assert_true(audit_row_read(rows, &row) >= 0);
        assert_int_equal(chain_hash(&room, before, row.seq, &row, hash), 0);
        snprintf(sql, sizeof(sql), "UPDATE dowel_audit SET hash = '%s' WHERE seq = %lld;", hash,
                 (long long)row.seq);
        buf_add_text(&script, sql);
        last = row.seq;
    }
    db_rows_close(rows);
    db_session_destroy(s);
    snprintf(sql, sizeof(sql), "UPDATE dowel_audit_head SET seq = %lld, hash = '%s'", (long long)last, hash);
    buf_add_text(&script, sql);
    audit_tamper(f, buf_text(&script));
    buf_finish(&room);
    buf_finish(&script);
}

static void a_chain_worked_out_anew_lacks_the_servers_word(void **state)
{
    struct audit_fixture *f = *state;

    audit_tamper(f, "UPDATE dowel_audit SET actor = 'somebody else' WHERE seq = 3");
    forge_hashes(f);
    assert_int_equal(audit_check(f), 1);
    assert_true(audit_said(f, "another end of the log"));
    /* And the server does not give it by sealing what comes next. */
    audit_write_some(f, 1);
    assert_int_equal(audit_seal_once(f), DW_EPRECONDITION);
    assert_int_equal(audit_check(f), 1);
    assert_int_equal(f->verified.unsealed, 1);
}

static void a_log_of_another_server_is_none_of_this_one(void **state)
{
    struct audit_fixture *f = *state;
    struct keyring *other;

    assert_null(keyring_parse(&other, STR_OF("BBECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="), NULL));
    keyring_destroy(f->keyring);
    f->keyring = other;
    assert_int_equal(audit_check(f), 1);
    assert_true(audit_said(f, "not made with a key of this server"));
}

static void a_rotated_key_still_confirms(void **state)
{
    struct audit_fixture *f = *state;

    audit_destroy(f->audit);
    keyring_destroy(f->keyring);
    assert_null(keyring_parse(&f->keyring,
                              STR_OF("BBECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= "
                                     "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
                              NULL));
    assert_int_equal(audit_create(&f->audit, f->keyring, 0), 0);
    audit_write_some(f, 1);
    assert_int_equal(audit_seal_once(f), 1);
    assert_int_equal(audit_check(f), 0);
}

/* An older copy of the whole log, checkpoint included: only who has noted something down can tell. */
static void what_was_noted_down_must_be_there(void **state)
{
    struct audit_fixture *f = *state;
    char older[CHAIN_TOKEN_SIZE], sql[CHAIN_TOKEN_SIZE + 300], noted[120];

    jobs_fixture_text(&f->jobs, older, sizeof(older), "SELECT token FROM dowel_audit_head");
    audit_write_some(f, 2);
    assert_int_equal(audit_seal_once(f), 2);
    assert_int_equal(audit_check(f), 0);
    snprintf(noted, sizeof(noted), "%lld:%s", (long long)f->verified.seq, f->verified.hash);
    assert_int_equal(verify_expected_parse(noted, &f->verified.expected), 0);
    assert_int_equal(audit_check(f), 0);

    snprintf(sql, sizeof(sql),
             "DELETE FROM dowel_audit WHERE seq > 9; UPDATE dowel_audit_head SET seq = 9, token = '%s',"
             " hash = (SELECT hash FROM dowel_audit WHERE seq = 9)",
             older);
    audit_tamper(f, sql);
    f->verified.expected.seq = 0;
    assert_int_equal(audit_check(f), 0);
    assert_int_equal(verify_expected_parse(noted, &f->verified.expected), 0);
    assert_int_equal(audit_check(f), 1);
    assert_true(audit_said(f, "which was noted down, is not there"));

    /* And went on from there. */
    audit_write_some(f, 3);
    assert_int_equal(audit_seal_once(f), 3);
    assert_int_equal(verify_expected_parse(noted, &f->verified.expected), 0);
    assert_int_equal(audit_check(f), 1);
    assert_true(audit_said(f, "the log was replaced"));
}

static int accept_end(struct audit_fixture *f)
{
    struct db_session *s = audit_session(f);
    struct buf why = BUF_INIT;
    int rc = audit_accept(f->audit, s, atomic_load(&f->jobs.now_us), &why);

    if (rc < 0)
        fprintf(stderr, "%s\n", why.n > 0 ? buf_text(&why) : db_error_of(s)->text);
    buf_finish(&why);
    db_session_destroy(s);
    return rc;
}

/* What is wrong with the end, how many findings stay when it was accepted. */
static void a_log_goes_on_when_somebody_accepts_its_end(void **state)
{
    static const struct {
        const char *sql;
        int64_t stay;
    } cases[] = {
        { "UPDATE dowel_audit_head SET token = 'x'", 0 },
        { "DELETE FROM dowel_audit_head", 0 },
        { "DELETE FROM dowel_audit WHERE seq > 7; UPDATE dowel_audit_head SET token = 'x'", 1 },
        { "UPDATE dowel_audit_head SET seq = 8, hash = (SELECT hash FROM dowel_audit WHERE seq = 8)", 0 },
        { INSERT_AT("10"), 1 },
    };
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        struct audit_fixture f;
        void *ud = &f;

        assert_int_equal(audit_fixture_open(&f), 0);
        audit_write_some(&f, 9);
        assert_int_equal(audit_seal_once(&f), 9);
        assert_int_equal(accept_end(&f), 0); /* nothing to accept */
        audit_tamper(&f, cases[i].sql);
        audit_write_some(&f, 1);
        assert_true(audit_seal_once(&f) < 0);
        assert_int_equal(accept_end(&f), 1);
        assert_int_equal(audit_seal_once(&f), 2); /* what waited, and that it was accepted */
        int64_t n = audit_check(&f);
        if (n != cases[i].stay)
            fail_msg("%s: %lld findings:\n%s", cases[i].sql, (long long)n, buf_text(&f.said));
        assert_int_equal(
            AUDIT_NUMBER(&f, "SELECT count(*) FROM dowel_audit WHERE action = 'core.audit.accepted'"), 1);
        assert_int_equal(accept_end(&f), 0);
        teardown(&ud);
    }
}

static void noted_down_is_a_number_and_a_hash(void **state)
{
    static const char *const bad[] = { "",
                                       "17",
                                       "17:",
                                       "17:ab",
                                       "x:ab",
                                       "0:0000000000000000000000000000000000000000000000000000000000000000",
                                       "1:000000000000000000000000000000000000000000000000000000000000000g" };
    struct verify_expected e;
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(bad); i++)
        assert_int_equal(verify_expected_parse(bad[i], &e), -1);
}

/* ---- removed because it is old ---- */

static int remove_old(struct audit_fixture *f, int64_t keep_us)
{
    struct db_session *s = audit_session(f);
    struct buf why = BUF_INIT;
    int rc = audit_remove_old(f->audit, s, keep_us, atomic_load(&f->jobs.now_us), &why);

    if (rc < 0)
        fprintf(stderr, "%s\n", why.n > 0 ? buf_text(&why) : db_error_of(s)->text);
    buf_finish(&why);
    db_session_destroy(s);
    return rc;
}

static void the_oldest_go_and_the_rest_is_verified(void **state)
{
    struct audit_fixture *f = *state;

    assert_int_equal(remove_old(f, 1000 * CLOCK_SECOND), 0);
    atomic_fetch_add(&f->jobs.now_us, 100 * CLOCK_SECOND);
    audit_write_some(f, 3); /* of which none is old, sealed or not */
    assert_int_equal(remove_old(f, 50 * CLOCK_SECOND), 9);
    assert_int_equal(audit_check(f), 0);
    assert_int_equal(audit_seal_once(f), 3);
    assert_int_equal(remove_old(f, 50 * CLOCK_SECOND), 0);
    assert_int_equal(audit_check(f), 0);
    assert_int_equal(f->verified.removed, 9);
    assert_int_equal(f->verified.records, 3);
    assert_int_equal(f->verified.seq, 12);
    audit_tamper(f, "DELETE FROM dowel_audit WHERE seq = 10");
    assert_int_equal(audit_check(f), 1);
    assert_true(audit_said(f, "record 10 was removed"));
    /* Where something is missing nothing is removed any more that could hide it. */
    atomic_fetch_add(&f->jobs.now_us, 100 * CLOCK_SECOND);
    assert_int_equal(remove_old(f, 50 * CLOCK_SECOND), 0);
}

static void all_may_go(void **state)
{
    struct audit_fixture *f = *state;

    atomic_fetch_add(&f->jobs.now_us, 100 * CLOCK_SECOND);
    assert_int_equal(remove_old(f, 50 * CLOCK_SECOND), 9);
    assert_int_equal(audit_check(f), 0);
    audit_write_some(f, 1);
    assert_int_equal(audit_seal_once(f), 1);
    assert_int_equal(audit_check(f), 0);
    assert_int_equal(f->verified.seq, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_tables_refuse_what_changes_them, setup, teardown),
        cmocka_unit_test(each_kind_of_tampering_is_found),
        cmocka_unit_test_setup_teardown(a_chain_worked_out_anew_lacks_the_servers_word, setup, teardown),
        cmocka_unit_test_setup_teardown(a_log_of_another_server_is_none_of_this_one, setup, teardown),
        cmocka_unit_test_setup_teardown(a_rotated_key_still_confirms, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_noted_down_must_be_there, setup, teardown),
        cmocka_unit_test(a_log_goes_on_when_somebody_accepts_its_end),
        cmocka_unit_test(noted_down_is_a_number_and_a_hash),
        cmocka_unit_test_setup_teardown(the_oldest_go_and_the_rest_is_verified, setup, teardown),
        cmocka_unit_test_setup_teardown(all_may_go, setup, teardown),
    };

    return DB_ON_EVERY_ENGINE("audit_verify", tests);
}
