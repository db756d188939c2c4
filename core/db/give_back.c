#include "db/give_back.h"

enum { LEAST_PAGES = 1000, ONE_IN = 5 };

/* 4 MB at a time: nobody else writes meanwhile. */
static const char piece[] = "PRAGMA incremental_vacuum(1000)";

static int count(struct db_session *s, int64_t *empty, int64_t *all)
{
    return db_find(
        s, DW_TO(empty, all), DB_BY_CORE,
        DW_LIST("SELECT freelist_count, page_count FROM pragma_freelist_count, pragma_page_count"));
}

static int give_piece(struct db_session *s)
{
    DW_TRY(db_begin(s));
    DW_TRY(db_run_script(s, str_from(piece)));
    return db_commit(s);
}

/* A file that was made without auto_vacuum stays as it is, however often it is asked. */
static int64_t give(struct db_session *s, const _Atomic bool *stop)
{
    int64_t empty = 0, all = 0, before, given = 0;

    DW_TRY(count(s, &empty, &all));
    if (empty < LEAST_PAGES || empty < all / ONE_IN)
        return 0;
    do {
        before = empty;
        DW_TRY(give_piece(s));
        DW_TRY(count(s, &empty, &all));
        given += before - empty;
    } while (empty > 0 && empty < before && !(stop && atomic_load(stop)));
    return given;
}

int64_t db_give_back(struct db *db, const _Atomic bool *stop, struct buf *why)
{
    const struct db_who who = { .owner = "core", .is_system = true, .is_unguarded = true };
    struct db_session *s;

    if (db_engine(db) != DB_SQLITE)
        return 0;
    if (db_session_create(&s, db, &who) != 0) {
        buf_add_text(why, "memory is out");
        return -1;
    }
    int64_t n = give(s, stop);
    if (n < 0)
        buf_add_text(why, db_error_of(s)->text);
    db_session_destroy(s);
    return n < 0 ? -1 : n;
}
