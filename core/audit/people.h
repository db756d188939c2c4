/* people.h - a key for each person, with which the audit log seals what is said about them. [any thread]
 *
 * The keys lie in the database, sealed with the server's. Some are kept in memory for a few seconds; one that was made just
 * now is not, because the transaction that made it may still be rolled back, and its key with it. */
#ifndef AUDIT_PEOPLE_H
#define AUDIT_PEOPLE_H

#include "db/db.h"
#include "secure/keyring.h"

struct people;

/* A transaction lasts transaction_us at most. 0, or -1 when memory is out. */
int people_create(struct people **out, const struct keyring *keyring, int64_t transaction_us);
void people_destroy(struct people *p);

/* The text under that person's key, appended; a key is made for who has none, in the session's open transaction. Nothing is
 * appended for who was erased. 0, or an error of enum dw_error: with the text in *wrong, else in db_error_of(). */
int people_seal(struct people *p, struct db_session *s, const char *person, struct str plain, struct buf *out,
                const char **wrong);

/* What was sealed, appended. */
enum people_opened {
    PEOPLE_ERASED = 0,
    PEOPLE_OPENED = 1,
    PEOPLE_UNREADABLE = 2 /* sealed with another server's key */
};
int people_unseal(struct people *p, struct db_session *s, const char *person, struct str token,
                  struct buf *out);

/* From when the transaction commits nobody reads what was sealed for that person any more, and nothing more is sealed; a
 * server that has the key in memory forgets it ten seconds later. 1, or 0: it was done before. */
int people_erase(struct people *p, struct db_session *s, const char *person, int64_t now_us);

#endif
