/* plugin_engines.h - a plugin's suite on either engine:
 *
 *   dw_harness_open(&h, .plugin = PLUGIN, .database = engine_database());
 *   ... and after dw_harness_close(): engine_database_drop();
 *   int main(void) { ... return ON_EVERY_ENGINE("accounts", tests); }
 *
 * Include cmocka.h first. Without a PostgreSQL its group is skipped, loudly. */
#ifndef TESTS_PLUGIN_ENGINES_H
#define TESTS_PLUGIN_ENGINES_H

#include <stdbool.h>

#include "postgres_databases.h"

/* Of the group that runs: NULL for SQLite, or the URL of a server where the superuser makes databases. */
static const char *postgres;
static struct postgres_database engine_database_made;

/* The URL of a database for this test; NULL for SQLite: the harness makes one. */
static inline const char *engine_database(void)
{
    if (!postgres)
        return NULL;
    if (postgres_make(&engine_database_made) != 0)
        fail_msg("there is no database for the test");
    return engine_database_made.url;
}

static inline void engine_database_drop(void)
{
    postgres_drop(&engine_database_made);
}

/* From here on; false: it is not to be had. */
static inline bool on_postgres(void)
{
    postgres = postgres_server();
    if (!postgres)
        printf("1..1\nok 1 - PostgreSQL # SKIP DOWEL_TEST_POSTGRES is not set\n");
    return postgres != NULL;
}

#define ON_EVERY_ENGINE(name, tests)                                     \
    (cmocka_run_group_tests_name(name " on SQLite", tests, NULL, NULL) + \
     (on_postgres() ? cmocka_run_group_tests_name(name " on PostgreSQL", tests, NULL, NULL) : 0))

#endif
