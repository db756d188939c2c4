/* search.h - full text of tables with a wall: where its words are kept, and what a question becomes.
 *
 * An index of words takes no notice of walls: on PostgreSQL row security turns it off, on SQLite a view has no rowid. So the
 * words of all tenants lie in tables of the server's beside the plugin's, the tenant a word among them, and only db_search()
 * asks for them: it adds the tenant, and the plugin's own SELECT joins what was found with the table behind its wall.
 *
 * The text of SQL only; knows no connection. [any thread] */
#ifndef DB_SEARCH_H
#define DB_SEARCH_H

#include "db/db.h"

enum {
    SEARCH_COLUMNS_MAX = 16,
    SEARCH_TABLE_MAX = 50, /* bytes of its name: PostgreSQL cuts longer names of what is made for it */
    SEARCH_WORDS_MAX = 32, /* of a question; those behind are not asked for */
    SEARCH_FOUND_MAX = 1000
};

/* "-- search-table: cases (title, problem)": small letters, digits and _, a letter first. */
struct search_table {
    const char *table;
    const char *const *columns; /* words in the first count four times as much as in the others */
    size_t columns_n;
};

/* Makes the index, fills it, and the triggers that keep it. One that is there already gives way to it. */
void search_write_up(struct buf *out, enum db_engine engine, const struct search_table *search);

/* Nothing is wrong when there is none. */
void search_write_down(struct buf *out, enum db_engine engine, const char *table);

/* What a person typed, as the engine asks for it: words that all have to be there, "several in this order", beginnings*,
 * this OR that, -without. Nothing that is typed is an error. False: it has no word that
 * could be found, and what is written finds nothing. */
bool search_write_question(struct buf *out, enum db_engine engine, struct str typed);

/* WITH found (id, place) before a plugin's SELECT; the question is value number `value`. */
void search_write_statement(struct buf *out, enum db_engine engine, const char *table, const char *select,
                            size_t value);

/* May a table have such a name? */
bool search_is_name(struct str name);

#endif
