#include "audit/verify.h"

#include <stdio.h>
#include <string.h>

enum { AT_ONCE = 500, FINDINGS_TOLD_MAX = 1000 };

struct walk {
    struct verify *v;
    struct db_session *s;
    struct buf room;
    struct chain_head head;
    int64_t end;                  /* records behind it are not looked at */
    int64_t at;                   /* the last one that was looked at */
    char before[CHAIN_HASH_SIZE]; /* its hash */
};

/* ---- telling ---- */

static void tell(struct verify *v, struct verify_finding f)
{
    f.id = f.id ? f.id : "";
    if (v->found && v->findings < FINDINGS_TOLD_MAX)
        v->found(&f, v->ud);
    v->findings++;
}

static void tell_missing(struct walk *w, int64_t first, int64_t last, const char *where)
{
    char text[160];

    if (first == last)
        snprintf(text, sizeof(text), "record %lld was removed%s", (long long)first, where);
    else
        snprintf(text, sizeof(text), "records %lld to %lld were removed%s", (long long)first, (long long)last,
                 where);
    tell(w->v, (struct verify_finding){ .kind = VERIFY_REMOVED, .seq = first, .until = last, .text = text });
}

static void tell_changed(struct walk *w, const struct audit_row *row)
{
    char text[160];

    snprintf(text, sizeof(text), "record %lld (%.40s) was changed, put in the place of another, or inserted",
             (long long)row->seq, row->id);
    tell(w->v, (struct verify_finding){
                   .kind = VERIFY_CHANGED, .seq = row->seq, .until = row->seq, .id = row->id, .text = text });
}

static void tell_other(struct walk *w, enum verify_kind kind, const char *text)
{
    tell(w->v,
         (struct verify_finding){ .kind = kind, .seq = w->head.seq, .until = w->head.seq, .text = text });
}

/* ---- one record ---- */

static void look_for_expected(struct walk *w, int64_t seq, const char *hash)
{
    struct verify_expected *e = &w->v->expected;
    char text[160];

    if (e->seq == 0 || e->seq != seq)
        return;
    if (strcmp(e->hash, hash) != 0) {
        snprintf(text, sizeof(text), "record %lld is another one than was noted down: the log was replaced",
                 (long long)seq);
        tell(w->v, (struct verify_finding){ .kind = VERIFY_OTHER, .seq = seq, .until = seq, .text = text });
    }
    e->seq = -1; /* found */
}

static void follow(struct walk *w, int64_t seq, const char *hash)
{
    w->at = seq;
    snprintf(w->before, sizeof(w->before), "%s", hash);
    look_for_expected(w, seq, hash);
}

/* Behind a gap nobody knows the hash before: there the record is compared with nothing, but it is what the next one builds
 * upon. */
static int look_at(struct walk *w, const struct audit_row *row)
{
    char hash[CHAIN_HASH_SIZE];
    const char *stands = row->hash ? row->hash : "";

    w->v->records++;
    if (row->seq != w->at + 1) {
        tell_missing(w, w->at + 1, row->seq - 1, "");
    } else if (chain_hash(&w->room, w->before, row->seq, row, hash) != 0) {
        return DW_ENOMEM;
    } else if (strcmp(hash, stands) != 0) {
        tell_changed(w, row);
    }
    follow(w, row->seq, stands);
    return 0;
}

/* ---- all of them ---- */

/* Those that were removed meanwhile, because they were old, are none that are missing. */
static int begin_behind_removed(struct walk *w)
{
    int rc = chain_load(w->s, &w->head);

    w->end = w->head.is_there ? w->head.seq : w->head.last_seq;
    if (rc >= 0 && w->at < w->head.removed_seq)
        follow(w, w->head.removed_seq, w->head.removed_hash);
    return rc;
}

/* How many were looked at; it ends before one that stands behind a gap, `*gap`, which may have come of removing. */
static int look_at_some(struct walk *w, bool gaps_are_sure, bool *gap)
{
    struct audit_row row;
    struct db_rows *rows;
    int n = 0, rc = db_query(w->s, &rows, DB_BY_CORE,
                             DW_LIST("SELECT " AUDIT_COLUMNS " FROM dowel_audit WHERE seq > $1 AND seq <= $2"
                                     " ORDER BY seq LIMIT $3",
                                     w->at, w->end, (int)AT_ONCE));
    if (rc < 0)
        return rc;
    *gap = false;
    while ((rc = db_rows_next(rows)) > 0 && (rc = audit_row_read(rows, &row)) >= 0) {
        *gap = row.seq != w->at + 1 && !gaps_are_sure;
        if (*gap || (rc = look_at(w, &row)) < 0)
            break;
        gaps_are_sure = false;
        n++;
    }
    db_rows_close(rows);
    return rc < 0 ? rc : n;
}

static int look_at_all(struct walk *w)
{
    bool gap = false, is_sure;
    int rc;

    do {
        int64_t before = w->at;
        is_sure = gap;
        rc = begin_behind_removed(w);
        if (rc < 0)
            return rc;
        is_sure = is_sure && w->at == before;
        rc = look_at_some(w, is_sure, &gap);
        gap = gap || (rc == 0 && w->at < w->end && !is_sure);
    } while (rc > 0 || (rc == 0 && gap));
    return rc;
}

/* ---- the end ---- */

static void look_behind_end(struct walk *w)
{
    char text[160];

    if (w->head.last_seq <= w->head.seq)
        return;
    snprintf(text, sizeof(text),
             "records %lld to %lld stand behind the end of the chain, and were never sealed by a server",
             (long long)w->head.seq + 1, (long long)w->head.last_seq);
    tell(w->v, (struct verify_finding){
                   .kind = VERIFY_ADDED, .seq = w->head.seq + 1, .until = w->head.last_seq, .text = text });
}

static void look_at_end(struct walk *w, const struct keyring *keyring)
{
    const char *wrong = chain_head_wrong(&w->head, keyring);

    if (wrong)
        tell_other(w, VERIFY_HEAD_WRONG, wrong);
    if (w->at < w->end)
        tell_missing(w, w->at + 1, w->end, " at the end");
    else if (w->head.is_there && strcmp(w->before, w->head.hash) != 0)
        tell_other(w, VERIFY_HEAD_WRONG, "the last record is not the one that the checkpoint confirms");
    if (w->head.is_there)
        look_behind_end(w);
}

static void look_for_noted(struct walk *w)
{
    const struct verify_expected *e = &w->v->expected;
    char text[200];

    if (e->seq <= 0)
        return;
    if (e->seq < w->head.removed_seq)
        snprintf(text, sizeof(text),
                 "record %lld, which was noted down, is too old to be there: note down a newer one",
                 (long long)e->seq);
    else
        snprintf(text, sizeof(text),
                 "record %lld, which was noted down, is not there: the log was cut, or put back",
                 (long long)e->seq);
    tell(w->v, (struct verify_finding){ .kind = VERIFY_OTHER, .seq = e->seq, .until = e->seq, .text = text });
}

static int count_unsealed(struct walk *w)
{
    dw_time oldest = { 0 };
    int rc =
        db_find(w->s, DW_TO(&w->v->unsealed, &oldest), DB_BY_CORE,
                DW_LIST("SELECT count(*), min(at) AS \"oldest::time\" FROM dowel_audit WHERE seq IS NULL"));
    w->v->oldest_unsealed_us = oldest.us;
    return rc;
}

/* The head is read last of all by look_at_all(): what it then says is what has been walked up to. */
int audit_verify(struct verify *v, struct db_session *s, const struct keyring *keyring)
{
    struct walk w = { .v = v, .s = s };

    v->findings = v->records = v->removed = v->unsealed = v->oldest_unsealed_us = 0;
    snprintf(w.before, sizeof(w.before), "%s", chain_beginning);
    int rc = look_at_all(&w);
    if (rc >= 0)
        rc = count_unsealed(&w);
    if (rc >= 0) {
        look_at_end(&w, keyring);
        look_for_noted(&w);
    }
    buf_finish(&w.room);
    v->removed = w.head.removed_seq;
    v->seq = w.at;
    memcpy(v->hash, w.before, sizeof(v->hash));
    return rc < 0 ? rc : 0;
}

int verify_expected_parse(const char *text, struct verify_expected *out)
{
    struct str rest = str_from(text), seq;
    uint64_t number;

    if (!str_split(&rest, ':', &seq) || !str_to_uint(seq, INT64_MAX, &number) || number == 0 ||
        rest.n != CHAIN_HASH_SIZE - 1)
        return -1;
    for (size_t i = 0; i < rest.n; i++) {
        if (str_hex_digit(rest.p[i]) < 0)
            return -1;
    }
    out->seq = (int64_t)number;
    snprintf(out->hash, sizeof(out->hash), "%.*s", STR_ARG(rest));
    return 0;
}
