/* audit.h - the audit log: who did what, from where, for whom, written in the transaction of the change itself.
 *
 *   audit_record(a, s, &(struct audit_record){ .actor = actor, .plugin = "core", .action = "core.webhook.removed",
 *                                              .target = id, .values = DW_LIST("url", url) }, &wrong);
 *
 * A record is there if and only if the change is. It is never changed afterwards; a job seals what is new into a chain of
 * hashes (seal.h), so that nobody removes or changes one without being found out (verify.h). What is said about a person
 * is sealed with a key of that person (people.h): when the key is erased nobody can read it any more, and the chain, which
 * is one of what was sealed, still holds.
 *
 * Results are 0 or more, or codes of enum dw_error with the text in *wrong where that is not NULL, else in db_error_of(). */
#ifndef AUDIT_AUDIT_H
#define AUDIT_AUDIT_H

#include "db/db.h"
#include "secure/keyring.h"
#include "secure/uuid.h"

enum {
    AUDIT_ACTION_MAX = 128,
    AUDIT_TEXT_MAX = 200, /* bytes of an id, a target, a request */
    AUDIT_VALUES_MAX = 64 << 10
};

struct audit;

/* One for the process; the keyring is borrowed. transaction_us: how long one lasts at most (transaction_timeout), 0: 10 s.
 * 0, or -1 when memory is out. NULL is safe to destroy. [any thread] */
int audit_create(struct audit **out, const struct keyring *keyring, int64_t transaction_us);
void audit_destroy(struct audit *a);

/* NULL texts are "". */
struct audit_actor {
    uint32_t kind;    /* enum dw_principal_kind */
    const char *id;   /* the user's; of a machine the account of the operating system */
    const char *name; /* as the e-mail and the address: only under the actor's key */
    const char *email;
    const char *address;
};

/* This process, for whoever is at the command line: the account that it runs under. The name stands in the room. */
struct audit_actor audit_machine(char room[AUDIT_TEXT_MAX + 1]);

struct audit_record {
    struct audit_actor actor;
    const char *tenant;  /* NULL: none */
    const char *request; /* its id, or NULL */
    const char *plugin;
    const char *action; /* "notes.note.deleted": words between dots, the plugin's first */
    const char *target; /* an id, or NULL */
    /* Pairs. A name that says so is secret: its value is written as "[redacted]", also inside of JSON. One that begins with
     * "@" is about a person, and "@person" says who: ("@person", id, "@email", email). */
    dw_list values;
    int64_t at_us;
};

/* a may be NULL for a record of a machine in which nothing is about a person. In the session's open transaction: DW_ETX without. DW_EMISUSE, DW_EINVALID, DW_ETOOLARGE for what cannot be written. */
int audit_record(struct audit *a, struct db_session *s, const struct audit_record *r, const char **wrong);

/* From when the transaction commits (the open one, or one of its own) nobody reads any more what was said about that person:
 * a user's id, a "@person"; or "anonymous/2026-11", those who were nobody in a month. Nothing more is kept about them either;
 * what they did stays. A server that has the key in memory forgets it within ten seconds. 1, or 0: it was done before. */
int audit_erase_person(struct audit *a, struct db_session *s, const char *person, int64_t now_us);

/* ---- rows, for the modules of core/audit ---- */

#define AUDIT_COLUMNS                                                                      \
    "id, at, tenant_id, actor_kind, actor, who, plugin, action, target, request, details," \
    " person, personal, seq, hash"

/* As it stands in the table; texts are borrowed until the next row. */
struct audit_row {
    const char *id;
    int64_t at_us;
    const char *tenant; /* NULL: none */
    const char *actor_kind, *actor, *who, *plugin, *action, *target, *request, *details, *person, *personal;
    int64_t seq;      /* 0: not sealed yet */
    const char *hash; /* NULL: not sealed yet */
};

/* The row that db_rows_next() has come to, of a query for AUDIT_COLUMNS: 0, or an error. */
int audit_row_read(struct db_rows *rows, struct audit_row *out);

/* Whose key seals `who`: a person's id, or a month for those who were nobody; "" for a machine. */
enum { AUDIT_WHO_SIZE = AUDIT_TEXT_MAX + 1 };
void audit_row_who(const char *actor_kind, const char *actor, int64_t at_us, char out[AUDIT_WHO_SIZE]);

struct people;
struct people *audit_people(struct audit *a);
const struct keyring *audit_keyring(const struct audit *a);

#endif
