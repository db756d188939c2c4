/* migrate.h - migrations carried out: what was, what will be, and doing it.
 *
 * Each runs with its row of dowel_migrations in one transaction: it is there as a whole, or not at all. Who works on it
 * holds a lock that all servers and command lines share. Owners are independent: what one brings is carried out in the
 * order of its numbers, and who needs another comes after it. [any thread; may take long] */
#ifndef DB_MIGRATE_H
#define DB_MIGRATE_H

#include "db/migration.h"

/* ---- what was ---- */

/* A row of dowel_migrations. */
struct migrate_record {
    const char *owner;
    unsigned number;
    const char *name, *checksum;
    int64_t applied_at_us, took_us;
    const char *server; /* the version that did it */
};

struct migrate_history {
    struct migrate_record *v; /* by owner and number */
    size_t n;
};

/* All in the arena; of a database without dowel_migrations: none. 0, or -1 with why. */
int migrate_history_read(struct migrate_history *out, struct arena *arena, struct db *db, struct buf *why);

/* ---- what will be: history and files side by side ---- */

enum migrate_state {
    MIGRATE_APPLIED,
    MIGRATE_PENDING,
    MIGRATE_CHANGED, /* its file is not the one that was applied */
    MIGRATE_UNKNOWN  /* the database has it, and nobody here has a file of it */
};

/* "applied", "pending"... */
const char *migrate_state_name(enum migrate_state state);

struct migrate_step {
    unsigned number;
    const char *name;
    enum migrate_state state;
    const struct migration *file;        /* NULL: unknown */
    const struct migrate_record *record; /* NULL: pending */
};

struct migrate_plan {
    const char *owner;
    struct migrate_step *steps; /* by number */
    size_t n, applied, pending; /* applied: also what was changed or is unknown */
    const char *wrong;          /* NULL; or why nothing is done here, and what helps */
};

/* All in the arena; migrations and history are borrowed. 0, or -1 when memory is out. */
int migrate_plan_make(struct migrate_plan *out, struct arena *arena, const struct migrations *migrations,
                      const struct migrate_history *history);

/* ---- doing it ---- */

struct migrate_options {
    struct db *db;
    bool is_serving;     /* a server works with this database meanwhile: see be_alone */
    int64_t patience_us; /* how long for the lock; 0: a minute */
    /* Told before what may take long, the lock and each migration, and with 0 when all is done. May be NULL. */
    void (*takes_long)(int64_t at_most_us, void *ud);
    /* Called with is_serving, before an offline one: 0 when the others have ended. NULL, or -1: it is refused. */
    int (*be_alone)(void *ud);
    void *ud;
};

/* The channel (db_notify) on which servers hear that tables of tenants came or went: db_learn_walls() is due. */
#define MIGRATE_WALLS_CHANNEL "walls"

/* Applies what is pending. How many that were; or -1 with a sentence in why: the file, the line, the engine's words, and
 * how things stand now. Those before the one that failed stay. Walls are known to the database when it returns. */
int migrate_up(const struct migrate_options *o, const struct migrations *migrations, struct buf *why);

/* The same where history is what there was a moment ago: nothing pending needs no lock, which somebody may have for long. */
int migrate_up_if_needed(const struct migrate_options *o, const struct migrations *migrations,
                         const struct migrate_history *history, struct buf *why);

/* Takes the last n back, the newest first. As above. */
int migrate_down(const struct migrate_options *o, const struct migrations *migrations, size_t n,
                 struct buf *why);

#endif
