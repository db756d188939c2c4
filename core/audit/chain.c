#include "audit/chain.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/clock.h"
#include "util/compiler.h"

const char chain_beginning[CHAIN_HASH_SIZE] =
    "0000000000000000000000000000000000000000000000000000000000000000";

/* ---- hashes ---- */

static void add_field(struct buf *out, const char *text)
{
    if (text) {
        buf_add_uint(out, strlen(text));
        buf_add_char(out, ':');
        buf_add_text(out, text);
    }
    buf_add_char(out, ',');
}

static void add_number(struct buf *out, int64_t number)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRId64, number);
    add_field(out, text);
}

int chain_hash(struct buf *room, const char *before, int64_t seq, const struct audit_row *row,
               char out[CHAIN_HASH_SIZE])
{
    const char *const texts[] = { row->tenant,  row->actor_kind, row->actor,   row->who,
                                  row->plugin,  row->action,     row->target,  row->request,
                                  row->details, row->person,     row->personal };
    char hex[DIGEST_HEX_SIZE];

    room->n = 0;
    add_field(room, "dowel-audit-1");
    add_number(room, seq);
    add_field(room, before);
    add_field(room, row->id);
    add_number(room, row->at_us);
    for (size_t i = 0; i < DW_COUNT_OF(texts); i++)
        add_field(room, texts[i]);
    if (buf_failed(room) || digest_hex(DIGEST_SHA256, buf_str(room), hex) != 0)
        return -1;
    memcpy(out, hex, CHAIN_HASH_SIZE);
    return 0;
}

/* ---- the head ---- */

static void copy_hash(char out[CHAIN_HASH_SIZE], const char *text)
{
    snprintf(out, CHAIN_HASH_SIZE, "%s", text);
}

/* In one statement: what stands in both tables at one instant. */
int chain_load(struct db_session *s, struct chain_head *out)
{
    const char *hash = NULL, *removed_hash = NULL, *token = NULL;
    dw_time at = { 0 };

    *out = (struct chain_head){ .is_there = false };
    copy_hash(out->hash, chain_beginning);
    copy_hash(out->removed_hash, chain_beginning);
    int rc = db_find(
        s, DW_TO(&out->seq, &hash, &out->removed_seq, &removed_hash, &token, &at, &out->last_seq), DB_BY_CORE,
        DW_LIST("SELECT h.seq, h.hash, h.removed_seq, h.removed_hash, h.token, h.at, l.seq"
                " FROM (SELECT max(seq) AS seq FROM dowel_audit WHERE seq IS NOT NULL) l"
                " LEFT JOIN dowel_audit_head h ON h.only_one = 1"));
    if (rc < 0 || !token)
        return rc < 0 ? rc : 0;
    out->is_there = true;
    copy_hash(out->hash, hash);
    copy_hash(out->removed_hash, removed_hash);
    snprintf(out->token, sizeof(out->token), "%s", token);
    out->at_us = at.us;
    return 0;
}

/* What the token says. */
static int format(const struct chain_head *head, char out[256])
{
    return snprintf(out, 256, "dowel-audit-1 %" PRId64 " %s %" PRId64 " %s", head->seq, head->hash,
                    head->removed_seq, head->removed_hash);
}

const char *chain_head_wrong(const struct chain_head *head, const struct keyring *keyring)
{
    char says[256], room[CHAIN_TOKEN_SIZE];
    struct fernet_opened opened;
    int n = format(head, says);

    if (!head->is_there)
        return head->last_seq > 0 ? "the checkpoint is missing, and there are sealed records" : NULL;
    switch (keyring_unseal(keyring, str_from(head->token), -1, room, &opened)) {
    case 0: break;
    case FERNET_FAILED: return "the checkpoint cannot be looked at: out of memory";
    default: return "the checkpoint was not made with a key of this server, or was changed";
    }
    if (str_equal(opened.plain, str_make(says, (size_t)n)))
        return NULL;
    return "the checkpoint was changed: its token is about another end of the log";
}

int chain_advance(struct db_session *s, const struct keyring *keyring, const struct chain_head *before,
                  struct chain_head *next, int64_t now_us, struct buf *why)
{
    char says[256];
    int n = format(next, says);

    if (fernet_sealed_size((size_t)n) >= sizeof(next->token) ||
        keyring_seal(keyring, str_make(says, (size_t)n), next->token) != 0) {
        buf_add_text(why, "the checkpoint of the audit log cannot be made: no memory, or no random bytes");
        return DW_EINTERNAL;
    }
    if (!before->is_there)
        return (int)db_exec(s, DB_BY_CORE,
                            DW_LIST("INSERT INTO dowel_audit_head"
                                    " (only_one, seq, hash, removed_seq, removed_hash, token, at)"
                                    " VALUES (1, $1, $2, $3, $4, $5, $6) ON CONFLICT (only_one) DO NOTHING",
                                    next->seq, (const char *)next->hash, next->removed_seq,
                                    (const char *)next->removed_hash, (const char *)next->token,
                                    ((dw_time){ now_us })));
    return (int)db_exec(s, DB_BY_CORE,
                        DW_LIST("UPDATE dowel_audit_head SET seq = $1, hash = $2, removed_seq = $3,"
                                " removed_hash = $4, token = $5, at = $6 WHERE only_one = 1 AND token = $7",
                                next->seq, (const char *)next->hash, next->removed_seq,
                                (const char *)next->removed_hash, (const char *)next->token,
                                ((dw_time){ now_us }), (const char *)before->token));
}
