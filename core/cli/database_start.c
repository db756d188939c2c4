#include "cli/database_start.h"

#include "cli/cli.h"
#include "cli/database.h"
#include "db/identity.h"
#include "db/migrations_core.h"
#include "log/log.h"
#include "util/clock.h"

/* Another server may be at a long one. */
static const int64_t lock_patience_us = INT64_C(15) * 60 * CLOCK_SECOND;

static void takes_long(int64_t at_most_us, void *ud)
{
    generation_ask_patience(ud, at_most_us);
}

static int be_alone(void *ud)
{
    return generation_be_alone(ud);
}

struct migrate_options database_migrate_options(struct generation *g, struct db *db)
{
    return (struct migrate_options){
        .db = db,
        .is_serving = generation_follows(g),
        .patience_us = lock_patience_us,
        .takes_long = takes_long,
        .be_alone = be_alone,
        .ud = g,
    };
}

static int migrate(struct db *db, struct generation *g, struct buf *why)
{
    const struct migrate_options options = database_migrate_options(g, db);
    struct migrations migrations;
    struct migrate_history history;
    struct arena arena;

    arena_init(&arena, NULL, 0, 0);
    int result = migrations_of_core(&migrations, &arena, why);
    if (result == 0)
        result = migrate_history_read(&history, &arena, db, why);
    if (result == 0)
        result = migrate_up_if_needed(&options, &migrations, &history, why);
    arena_finish(&arena);
    return result < 0 ? -1 : 0;
}

static void introduce(const struct database_place *place, const char *id)
{
    struct buf where = BUF_INIT;

    database_describe(&where, place);
    log_info("the database is open", LOG_TEXT("where", buf_text(&where)), LOG_TEXT("id", id));
    buf_finish(&where);
}

int database_start(struct db **out, struct generation *g, const struct core_config *core,
                   const char *data_dir)
{
    struct database_place place;
    struct buf why = BUF_INIT;
    char id[UUID_TEXT_SIZE];
    int result = CLI_OK;

    database_find(&place, core, data_dir);
    int opened = db_open(out, &place.options, &why);
    if (opened != 0 || migrate(*out, g, &why) != 0 || db_identify(*out, id, &why) != 0)
        result = generation_fail(g, opened == DB_OPEN_WRONG ? CLI_CONFIG : CLI_FAILED, "%s", buf_text(&why));
    else
        introduce(&place, id);
    if (result != CLI_OK) {
        db_close(*out);
        *out = NULL;
    }
    buf_finish(&why);
    return result;
}
