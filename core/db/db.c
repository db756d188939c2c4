#include <stdlib.h>
#include <string.h>

#include "db/driver.h"
#include "db/meter.h"
#include "db/statements.h"
#include "util/clock.h"

enum {
    DEFAULT_CONNECTIONS = 16,
    DEFAULT_STATEMENT_TIMEOUT_US = 30 * CLOCK_SECOND,
    DEFAULT_TRANSACTION_TIMEOUT_US = 10 * CLOCK_SECOND,
    DEFAULT_SLOW_US = 200 * CLOCK_MS
};

/* ---- opening ---- */

static const struct db_driver *driver_of(const char *url, struct buf *why)
{
    static const struct {
        struct str scheme;
        const struct db_driver *driver;
    } schemes[] = { { STR("sqlite:"), &sqlite_driver },
                    { STR("postgres://"), &postgres_driver },
                    { STR("postgresql://"), &postgres_driver } };

    for (size_t i = 0; url && i < DW_COUNT_OF(schemes); i++) {
        if (str_starts_with(str_from(url), schemes[i].scheme))
            return schemes[i].driver;
    }
    /* Not the whole of it: a password may stand in it. */
    buf_add_text(
        why,
        "the database's URL begins with neither sqlite: nor postgres://; write sqlite:/PATH/TO/dowel.db, or "
        "postgres://USER@HOST/NAME");
    return NULL;
}

static void set_options(struct db_options *to, const struct db_options *from)
{
    *to = *from;
    if (to->connections == 0)
        to->connections = DEFAULT_CONNECTIONS;
    if (to->statement_timeout_us <= 0)
        to->statement_timeout_us = DEFAULT_STATEMENT_TIMEOUT_US;
    if (to->transaction_timeout_us <= 0)
        to->transaction_timeout_us = DEFAULT_TRANSACTION_TIMEOUT_US;
    if (to->slow_us <= 0)
        to->slow_us = DEFAULT_SLOW_US;
    to->url = strdup(from->url);
}

static void free_db(struct db *db)
{
    statements_destroy(db->statements);
    db_meters_destroy(db);
    db_walls_drop(db->walls);
    pthread_mutex_destroy(&db->lock);
    free((char *)(uintptr_t)db->options.url);
    free(db);
}

int db_open(struct db **out, const struct db_options *options, struct buf *why)
{
    *out = NULL;
    const struct db_driver *driver = driver_of(options->url, why);
    if (!driver)
        return DB_OPEN_WRONG;
    struct db *db = calloc(1, sizeof(*db));
    if (!db) {
        buf_add_text(why, "cannot open the database: memory is out");
        return -1;
    }
    db->driver = driver;
    pthread_mutex_init(&db->lock, NULL);
    set_options(&db->options, options);
    if (!db->options.url || statements_create(&db->statements) != 0) {
        buf_add_text(why, "cannot open the database: memory is out");
        free_db(db);
        return -1;
    }
    int rc = driver->open(db, why);
    if (rc != 0) {
        free_db(db);
        return rc;
    }
    if (db_learn_walls(db, why) != 0) {
        db_close(db);
        return -1;
    }
    *out = db;
    return 0;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    db->driver->close(db);
    free_db(db);
}

enum db_engine db_engine(const struct db *db)
{
    return db->driver->engine;
}

int db_ping(struct db *db, struct buf *why)
{
    return db->driver->ping(db, why);
}

int db_listen(struct db *db, const struct db_listener *listener)
{
    return db->driver->listen(db, listener);
}
