#include "audit/seal.h"

#include <stdio.h>
#include <string.h>

#include "audit/chain.h"
#include "util/clock.h"

/* A batch whose hashes are known. */
struct batch {
    size_t n;
    struct link {
        char id[UUID_TEXT_SIZE];
        char hash[CHAIN_HASH_SIZE];
    } v[AUDIT_BATCH];
};

/* NULL, or why nothing may be built upon it. */
static const char *end_wrong(const struct audit *a, const struct chain_head *head)
{
    const char *wrong = chain_head_wrong(head, audit_keyring(a));

    if (!wrong && head->last_seq > head->seq)
        wrong = "records stand behind the end of the chain";
    return wrong;
}

static int load_head(struct audit *a, struct db_session *s, struct chain_head *out, struct buf *why)
{
    int rc = chain_load(s, out);
    const char *wrong = rc < 0 ? NULL : end_wrong(a, out);

    if (!wrong)
        return rc;
    buf_add_format(why, "the audit log is sealed no further: %s; see `dowel audit verify`", wrong);
    return DW_EPRECONDITION;
}

/* ---- sealing ---- */

static int add_link(struct batch *out, struct chain_head *next, const struct audit_row *row, struct buf *room)
{
    struct link *l = &out->v[out->n];

    if (strlen(row->id) >= sizeof(l->id) || chain_hash(room, next->hash, next->seq + 1, row, l->hash) != 0)
        return DW_ENOMEM;
    memcpy(l->id, row->id, strlen(row->id) + 1);
    memcpy(next->hash, l->hash, sizeof(next->hash));
    next->seq++;
    out->n++;
    return 0;
}

static int find_unsealed(struct db_session *s, struct batch *out, struct chain_head *next)
{
    struct buf room = BUF_INIT;
    struct audit_row row;
    struct db_rows *rows;
    int rc =
        db_query(s, &rows, DB_BY_CORE,
                 DW_LIST("SELECT " AUDIT_COLUMNS " FROM dowel_audit WHERE seq IS NULL ORDER BY id LIMIT $1",
                         (int)AUDIT_BATCH));

    if (rc < 0)
        return rc;
    while ((rc = db_rows_next(rows)) > 0 && (rc = audit_row_read(rows, &row)) >= 0 &&
           (rc = add_link(out, next, &row, &room)) >= 0)
        continue;
    db_rows_close(rows);
    buf_finish(&room);
    return rc;
}

/* 1; 0: somebody else has sealed one of them. */
static int write_links(struct db_session *s, const struct batch *b, int64_t first)
{
    for (size_t i = 0; i < b->n; i++) {
        int64_t n =
            db_exec(s, DB_BY_CORE,
                    DW_LIST("UPDATE dowel_audit SET seq = $2, hash = $3 WHERE id = $1 AND seq IS NULL",
                            (const char *)b->v[i].id, first + (int64_t)i, (const char *)b->v[i].hash));
        if (n <= 0)
            return (int)n;
    }
    return 1;
}

/* Ends the transaction: rc > 0 commits. */
static int end(struct db_session *s, int rc)
{
    int ended = rc > 0 ? db_commit(s) : db_rollback(s);

    return rc < 0 || ended >= 0 ? rc : ended;
}

int audit_seal(struct audit *a, struct db_session *s, int64_t now_us, struct buf *why)
{
    struct batch batch = { .n = 0 };
    struct chain_head head, next;
    int rc = load_head(a, s, &head, why);

    next = head;
    if (rc >= 0)
        rc = find_unsealed(s, &batch, &next);
    if (rc < 0 || batch.n == 0)
        return rc;
    rc = db_begin(s);
    if (rc < 0)
        return rc;
    rc = chain_advance(s, audit_keyring(a), &head, &next, now_us, why);
    if (rc > 0)
        rc = write_links(s, &batch, head.seq + 1);
    rc = end(s, rc);
    return rc > 0 ? (int)batch.n : rc;
}

/* ---- going on in spite of it ---- */

/* Behind whatever is there: a number is given once. */
static int move_behind_last(struct db_session *s, struct chain_head *next)
{
    const char *hash = NULL;
    int rc = 0;

    if (next->last_seq > next->seq)
        rc = db_find(s, DW_TO(&hash), DB_BY_CORE,
                     DW_LIST("SELECT hash FROM dowel_audit WHERE seq = $1", next->last_seq));
    if (rc <= 0)
        return rc;
    next->seq = next->last_seq;
    snprintf(next->hash, sizeof(next->hash), "%s", hash ? hash : "");
    return 0;
}

static int note_accepted(struct db_session *s, const struct chain_head *head, const char *wrong,
                         int64_t now_us, struct buf *why)
{
    char account[AUDIT_TEXT_MAX + 1];
    const struct audit_record record = {
        .actor = audit_machine(account),
        .plugin = "core",
        .action = "core.audit.accepted",
        .values = DW_LIST("seq", head->seq, "hash", (const char *)head->hash, "wrong", wrong),
        .at_us = now_us,
    };
    const char *refused;
    int rc = audit_record(NULL, s, &record, &refused);

    if (rc < 0 && refused)
        buf_add_text(why, refused);
    return rc < 0 ? rc : 1;
}

int audit_accept(struct audit *a, struct db_session *s, int64_t now_us, struct buf *why)
{
    struct chain_head head, next;
    int rc = chain_load(s, &head);
    const char *wrong = rc < 0 ? NULL : end_wrong(a, &head);

    if (rc < 0 || !wrong)
        return rc;
    next = head;
    DW_TRY(move_behind_last(s, &next));
    DW_TRY(db_begin(s));
    rc = chain_advance(s, audit_keyring(a), &head, &next, now_us, why);
    if (rc > 0)
        rc = note_accepted(s, &next, wrong, now_us, why);
    return end(s, rc);
}

/* ---- removing ---- */

/* Moves `next` behind the oldest ones, as long as they are old enough. */
static int find_old(struct db_session *s, struct chain_head *next, int64_t before_us)
{
    const char *hash;
    int64_t seq;
    dw_time at;
    struct db_rows *rows;
    int rc = db_query(s, &rows, DB_BY_CORE,
                      DW_LIST("SELECT seq, hash, at FROM dowel_audit WHERE seq > $1 AND seq <= $2"
                              " ORDER BY seq LIMIT $3",
                              next->removed_seq, next->seq, (int)AUDIT_BATCH));

    if (rc < 0)
        return rc;
    while ((rc = db_rows_next(rows)) > 0 && (rc = db_rows_read(rows, DW_TO(&seq, &hash, &at))) >= 0) {
        /* Where one is missing verify has something to say, which is not to be removed with the rest. */
        if (at.us >= before_us || seq != next->removed_seq + 1 || strlen(hash) >= CHAIN_HASH_SIZE)
            break;
        next->removed_seq = seq;
        memcpy(next->removed_hash, hash, strlen(hash) + 1);
    }
    db_rows_close(rows);
    return rc < 0 ? rc : 0;
}

int audit_remove_old(struct audit *a, struct db_session *s, int64_t keep_us, int64_t now_us, struct buf *why)
{
    struct chain_head head, next;
    int rc = load_head(a, s, &head, why);

    next = head;
    if (rc >= 0 && head.is_there)
        rc = find_old(s, &next, now_us - keep_us);
    if (rc < 0 || next.removed_seq == head.removed_seq)
        return rc;
    rc = db_begin(s);
    if (rc < 0)
        return rc;
    rc = chain_advance(s, audit_keyring(a), &head, &next, now_us, why);
    if (rc > 0)
        rc =
            (int)db_exec(s, DB_BY_CORE, DW_LIST("DELETE FROM dowel_audit WHERE seq <= $1", next.removed_seq));
    return end(s, rc);
}
