/* audit_fixture.h - a database with an audit log, and what tests do to it. Include cmocka before it. */
#ifndef TESTS_AUDIT_FIXTURE_H
#define TESTS_AUDIT_FIXTURE_H

#include <dowel/auth.h>

#include "audit/audit.h"
#include "audit/query.h"
#include "audit/seal.h"
#include "audit/verify.h"
#include "jobs_fixture.h"

#define TENANT_A "01890000-0000-7000-8000-00000000000a"
#define TENANT_B "01890000-0000-7000-8000-00000000000b"
#define ANN      "01890000-0000-7000-8000-0000000000aa"
#define BEN      "01890000-0000-7000-8000-0000000000bb"

struct audit_fixture {
    struct jobs_fixture jobs;
    struct keyring *keyring;
    struct audit *audit;
    struct buf said; /* by verify, a line each */
    struct verify verified;
};

static inline struct db_session *audit_session(struct audit_fixture *f)
{
    struct db_session *s = NULL;
    const struct db_who who = { .owner = "core", .now_us = atomic_load(&f->jobs.now_us) };

    assert_int_equal(db_session_create(&s, f->jobs.db.db, &who), 0);
    return s;
}

static inline int audit_fixture_open(struct audit_fixture *f)
{
    static const char key[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    memset(f, 0, sizeof(*f));
    if (jobs_fixture_open(&f->jobs) != 0 || keyring_parse(&f->keyring, str_from(key), NULL))
        return -1;
    return audit_create(&f->audit, f->keyring, 0);
}

static inline void audit_fixture_close(struct audit_fixture *f)
{
    buf_finish(&f->said);
    audit_destroy(f->audit);
    keyring_destroy(f->keyring);
    jobs_fixture_close(&f->jobs);
}

#define AUDIT_NUMBER(f, ...) JOBS_NUMBER(&(f)->jobs, __VA_ARGS__)

/* Ann at her desk. */
static inline struct audit_record audit_of_ann(struct audit_fixture *f, const char *action,
                                               const char *target)
{
    return (struct audit_record){
        .actor = { .kind = DW_USER,
                   .id = ANN,
                   .name = "Ann \"A\" Lee",
                   .email = "ann@example.org",
                   .address = "192.0.2.7" },
        .tenant = TENANT_A,
        .request = "req-1",
        .plugin = "notes",
        .action = action,
        .target = target,
        .at_us = atomic_fetch_add(&f->jobs.now_us, 1000),
    };
}

static inline void audit_write(struct audit_fixture *f, const struct audit_record *r)
{
    struct db_session *s = audit_session(f);
    const char *wrong;

    assert_int_equal(db_begin(s), 0);
    int rc = audit_record(f->audit, s, r, &wrong);
    if (rc != 0)
        fail_msg("%d: %s", rc, wrong ? wrong : db_error_of(s)->text);
    assert_true(db_commit(s) >= 0);
    db_session_destroy(s);
}

/* n records "notes.note.changed" of "1" to "n". */
static inline void audit_write_some(struct audit_fixture *f, int n)
{
    char target[16];

    for (int i = 1; i <= n; i++) {
        snprintf(target, sizeof(target), "%d", i);
        struct audit_record r = audit_of_ann(f, "notes.note.changed", target);
        r.values = DW_LIST("title", target);
        audit_write(f, &r);
    }
}

/* A batch: what audit_seal() returns. */
static inline int audit_seal_once(struct audit_fixture *f)
{
    struct db_session *s = audit_session(f);
    struct buf why = BUF_INIT;
    int rc = audit_seal(f->audit, s, atomic_load(&f->jobs.now_us), &why);

    if (rc < 0)
        fprintf(stderr, "%d: %s\n", rc, why.n > 0 ? buf_text(&why) : db_error_of(s)->text);
    buf_finish(&why);
    db_session_destroy(s);
    return rc;
}

/* What somebody does who may do anything to the database, but has not the server's key. */
static inline void audit_tamper(struct audit_fixture *f, const char *sql)
{
    static const char sqlite[] =
        "DROP TRIGGER IF EXISTS dowel_audit_stays; DROP TRIGGER IF EXISTS dowel_audit_is_kept;"
        "DROP TRIGGER IF EXISTS dowel_audit_head_grows;"
        "DROP TRIGGER IF EXISTS dowel_audit_head_is_kept;";
    static const char postgres[] = "ALTER TABLE dowel_audit DISABLE TRIGGER USER;"
                                   "ALTER TABLE dowel_audit_head DISABLE TRIGGER USER;";
    const struct db_who who = { .owner = "core", .is_unguarded = true };
    struct db_session *s;

    assert_int_equal(db_session_create(&s, f->jobs.db.db, &who), 0);
    assert_int_equal(db_begin(s), 0);
    int rc = db_run_script(s, str_from(f->jobs.db.engine == DB_SQLITE ? sqlite : postgres));
    if (rc >= 0)
        rc = db_run_script(s, str_from(sql));
    if (rc < 0)
        fail_msg("%s: %s", sql, db_error_of(s)->text);
    assert_true(db_commit(s) >= 0);
    db_session_destroy(s);
}

static inline void audit_found(const struct verify_finding *found, void *ud)
{
    struct audit_fixture *f = ud;

    buf_add_format(&f->said, "%s\n", found->text);
}

/* How many findings; f->said has them. */
static inline int64_t audit_check(struct audit_fixture *f)
{
    struct db_session *s = audit_session(f);

    f->said.n = 0;
    f->verified.found = audit_found;
    f->verified.ud = f;
    int rc = audit_verify(&f->verified, s, f->keyring);
    if (rc != 0)
        fail_msg("%d: %s", rc, db_error_of(s)->text);
    db_session_destroy(s);
    return f->verified.findings;
}

static inline bool audit_said(struct audit_fixture *f, const char *part)
{
    return strstr(buf_text(&f->said), part) != NULL;
}

#endif
