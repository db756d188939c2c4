#include "db/driver.h"

static int not_there(struct db *db, struct buf *why)
{
    (void)db;
    buf_add_text(why, "PostgreSQL is not there yet; use sqlite:PATH");
    return -1;
}

const struct db_driver postgres_driver = { .engine = DB_POSTGRES, .open = not_there };
