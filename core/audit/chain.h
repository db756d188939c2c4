/* chain.h - what makes the records a chain: each one's hash is of all that it says and of the hash before it, and the last
 * is confirmed by a token of the server's key, so that who can only write the database cannot make another end. */
#ifndef AUDIT_CHAIN_H
#define AUDIT_CHAIN_H

#include "audit/audit.h"
#include "secure/digest.h"

enum { CHAIN_HASH_SIZE = 65, CHAIN_TOKEN_SIZE = 512 };

/* Of the record that would be the first. */
extern const char chain_beginning[CHAIN_HASH_SIZE];

/* SHA-256, in hex, over the fields of the row one after the other, each with its length before it ("4:note,"), so that no
 * two records are written alike: "dowel-audit-1", seq, before, id, at in microseconds, tenant (or nothing at all for none),
 * actor_kind, actor, who, plugin, action, target, request, details, person, personal. row->seq and ->hash do not count.
 * `room` is any buffer, to be used again. 0, or -1 when memory is out. [any thread] */
int chain_hash(struct buf *room, const char *before, int64_t seq, const struct audit_row *row,
               char out[CHAIN_HASH_SIZE]);

/* How far it reaches. */
struct chain_head {
    bool is_there; /* false: nothing was ever sealed; the rest is then that of the beginning */
    int64_t seq;
    char hash[CHAIN_HASH_SIZE];
    int64_t removed_seq; /* the records up to this one are gone, as audit_keep says */
    char removed_hash[CHAIN_HASH_SIZE];
    char token[CHAIN_TOKEN_SIZE];
    int64_t at_us;
    int64_t last_seq; /* of any record */
};

/* 0, or an error. */
int chain_load(struct db_session *s, struct chain_head *out);

/* NULL; or why it is not what this server has confirmed: a sentence. */
const char *chain_head_wrong(const struct chain_head *head, const struct keyring *keyring);

/* Puts `next` in the place of `before`, whose token it gets anew: 1; 0: another server was faster. In the open transaction. */
int chain_advance(struct db_session *s, const struct keyring *keyring, const struct chain_head *before,
                  struct chain_head *next, int64_t now_us, struct buf *why);

#endif
