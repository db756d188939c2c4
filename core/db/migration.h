/* migration.h - the files of migrations/, read: dbmate's format, and what Dowel adds to it. Pure text work; knows no
 * connection. [any thread]
 *
 *   -- migrate:up
 *   -- tenant-table: notes          a table that gets a wall between tenants (wall.h)
 *   CREATE TABLE notes (...);
 *   -- search-table: notes (title, body)   that gets an index of words (search.h)
 *   -- dialect: postgres            the lines below are for that engine only ...
 *   CREATE INDEX notes_words ON notes USING gin (...);
 *   -- dialect: all                 ... until here
 *
 *   -- migrate:down
 *   DROP TABLE notes;
 *
 * And "-- migrate:offline" above or in the first part, where a server of the version before must not run any more. */
#ifndef DB_MIGRATION_H
#define DB_MIGRATION_H

#include "db/search.h"

enum {
    MIGRATION_NUMBER_MAX = 9999,
    MIGRATION_NAME_MAX = 100,
    MIGRATION_SIZE_MAX = 4 << 20,
    CHECKSUM_SIZE = 65
};

enum migration_way { MIGRATION_UP, MIGRATION_DOWN, MIGRATION_WAYS };
enum { MIGRATION_ENGINES = 2 };

struct migration {
    const char *owner;  /* "core", or a plugin */
    const char *source; /* "notes/migrations/0001_notes.sql": how it is called in what is said about it */
    unsigned number;    /* 1 */
    const char *name;   /* "0001_notes" */
    char checksum[CHECKSUM_SIZE]; /* SHA-256 of the file, in hex */
    bool is_offline;
    bool has_down; /* false: there is no way back */
    /* That get their wall on the way: those of the way up lose it on the way down. */
    const char *const *tenant_tables[MIGRATION_WAYS];
    size_t tenant_tables_n[MIGRATION_WAYS];
    /* That get their index of words on the way; with those it is as with the walls. */
    const struct search_table *searches[MIGRATION_WAYS];
    size_t searches_n[MIGRATION_WAYS];
    struct str scripts[MIGRATION_ENGINES][MIGRATION_WAYS]; /* see migration_script() */
};

struct migration_file {
    const char *path; /* "migrations/0001_notes.sql"; only what stands behind the last slash counts */
    struct str text;
};

/* One owner's, in their order: numbers 1 to n. */
struct migrations {
    const char *owner;
    struct migration *v;
    size_t n;
};

/* All in the arena, texts copied. 0; or -1 with "notes/migrations/0001_notes.sql:4: what is wrong", a line for each file,
 * added to why. */
int migrations_read(struct migrations *out, struct arena *arena, const char *owner,
                    const struct migration_file *files, size_t n, struct buf *why);

/* What an engine is to run on the way. It has as many lines as the file, those that are not for it empty: the place of an
 * error in the one is its place in the other. */
static inline struct str migration_script(const struct migration *m, enum db_engine engine,
                                          enum migration_way way)
{
    return m->scripts[engine - DB_SQLITE][way];
}

#endif
