/* seal.h - records become part of the chain, and the oldest leave it.
 *
 * What has been committed is sealed in the order in which it is found, at most AUDIT_BATCH at a time: a transaction that
 * commits late just comes later, whatever its id or instant. The hashes are worked out before the transaction that writes
 * them; that one replaces the checkpoint only if it is still the one that was built upon, so any number of servers may try. */
#ifndef AUDIT_SEAL_H
#define AUDIT_SEAL_H

#include "audit/audit.h"

enum { AUDIT_BATCH = 100 };

/* How many were sealed; 0: there was none, or another server was faster. DW_EPRECONDITION: the end of the chain is not what
 * this server has confirmed, and nothing is built upon it until somebody has looked. Errors have their text in why, else in
 * db_error_of(). In transactions of its own. */
int audit_seal(struct audit *a, struct db_session *s, int64_t now_us, struct buf *why);

/* Removes sealed records that are older than keep_us, the oldest first, at most AUDIT_BATCH; the checkpoint remembers the
 * last one's hash, so that the rest can still be verified. How many; errors as above. */
int audit_remove_old(struct audit *a, struct db_session *s, int64_t keep_us, int64_t now_us, struct buf *why);

/* Somebody has looked at an end that audit_seal() does not build upon (the server's key was lost, the log was tampered with),
 * and wants the log to go on: the checkpoint is confirmed as it is, or made from the last record. That is a record itself;
 * what verify has found before it finds ever after. 1; 0: nothing is wrong with the end. In a
 * transaction of its own; errors as above. */
int audit_accept(struct audit *a, struct db_session *s, int64_t now_us, struct buf *why);

#endif
