#include "db/identity.h"

#include <stdio.h>

#include "util/clock.h"

static int fail(struct buf *why, const char *text)
{
    buf_add_format(why, "which database this is cannot be found out: %s", *text ? text : "out of memory");
    return -1;
}

/* 1 and the id, 0: there is none, or an enum dw_error. */
static int look(struct db_session *s, char id[UUID_TEXT_SIZE])
{
    const char *found;
    int rc = db_find(s, DW_TO(&found), DB_BY_CORE, DW_LIST("SELECT id FROM dowel_database"));

    if (rc > 0)
        snprintf(id, UUID_TEXT_SIZE, "%s", found);
    return rc;
}

/* Of two servers that do this at the same time, one wins, and both find what it wrote. */
static int make(struct db_session *s, char id[UUID_TEXT_SIZE])
{
    char text[UUID_TEXT_SIZE];
    struct uuid uuid;

    if (uuid_make(&uuid) != 0)
        return DW_EINTERNAL;
    uuid_format(&uuid, text);
    int64_t n = db_exec(s, DB_BY_CORE,
                        DW_LIST("INSERT INTO dowel_database (only_one, id, made_at) VALUES (1, $1, $2)\n"
                                "    ON CONFLICT DO NOTHING",
                                text, (dw_time){ clock_wall_us() }));
    return n < 0 ? (int)n : look(s, id);
}

int db_identify(struct db *db, char id[UUID_TEXT_SIZE], struct buf *why)
{
    const struct db_who who = { .owner = "core", .is_unguarded = true };
    struct db_session *s;

    if (db_session_create(&s, db, &who) != 0)
        return fail(why, "");
    int rc = look(s, id);
    if (rc == 0)
        rc = make(s, id);
    if (rc < 0)
        fail(why, rc == DW_EINTERNAL ? "there are no random bytes to be had" : db_error_of(s)->text);
    db_session_destroy(s);
    return rc < 0 ? -1 : 0;
}
