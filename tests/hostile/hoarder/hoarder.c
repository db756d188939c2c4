/* hoarder - takes from the database what it does not give back, and reaches for what is not its own. */
#include <dowel/dowel.h>

#include <unistd.h>

enum { RESULTS = 300, HOLDS_S = 5 };

static int insert(dw_call *c)
{
    const char *id = dw_id(c);

    return dw_db_exec(c, "INSERT INTO hoarder (id, name) VALUES ($1, $2)", id, id);
}

static int count(dw_call *c, dw_request *req)
{
    int64_t n;

    DW_TRY(dw_db_get(c, DW_TO(&n), "SELECT count(*) FROM hoarder"));
    return dw_reply(req, 200, "kept", n);
}

static int add(dw_call *c, dw_request *req)
{
    DW_TRY(insert(c));
    return dw_reply(req, 201);
}

/* Sleeps as no plugin should. */
static int hold(dw_call *c, dw_request *req)
{
    unsigned left = HOLDS_S;

    DW_TRY(dw_tx_begin(c));
    DW_TRY(insert(c));
    dw_info(c, "holds it");
    while (left > 0)
        left = sleep(left);
    DW_TRY(dw_reply(req, 201));
    return dw_tx_commit(c);
}

static int forget(dw_call *c, dw_request *req)
{
    DW_TRY(dw_tx_begin(c));
    DW_TRY(insert(c));
    return dw_reply(req, 201);
}

/* An error is not looked at, and it says that all is well. */
static int go_on(dw_call *c, dw_request *req)
{
    DW_TRY(dw_tx_begin(c));
    DW_TRY(insert(c));
    if (dw_db_exec(c, "INSERT INTO hoarder (id, name) VALUES ($1, NULL)", dw_id(c)) >= 0 || insert(c) >= 0)
        return dw_reply(req, 201);
    DW_TRY(dw_reply(req, 201));
    return dw_tx_commit(c);
}

static int reach(dw_call *c, dw_request *req)
{
    static const char *const for_what[] = {
        "SELECT count(*) FROM dowel_migrations",
        "DELETE FROM dowel_database",
        "SELECT name FROM main.hoarder",
        "PRAGMA journal_mode = DELETE",
        "ATTACH DATABASE '/tmp/hoarder' AS more",
        "CREATE TABLE hoarder_more (id INTEGER)",
        "DROP TABLE hoarder",
        "INSERT OR REPLACE INTO hoarder (id, name) VALUES ('a', 'b')",
        "COMMIT",
        "SELECT 1; SELECT 2",
        "SELECT name FROM sqlite_master",
    };
    int refused = 0;

    for (size_t i = 0; i < sizeof(for_what) / sizeof(for_what[0]); i++)
        refused += dw_db_exec(c, for_what[i]) == DW_EMISUSE;
    return dw_reply(req, 200, "refused", refused, "asked", sizeof(for_what) / sizeof(for_what[0]));
}

static int open(dw_call *c, dw_request *req)
{
    int opened = 0;

    for (dw_rows *rows; opened < RESULTS; opened++)
        DW_TRY(dw_db_query(c, &rows, "SELECT id, name FROM hoarder UNION ALL SELECT 'a', 'b'"));
    return dw_reply(req, 200, "opened", opened);
}

static const dw_operation operations[] = {
    { "count", count }, { "add", add },     { "hold", hold }, { "forget", forget },
    { "goOn", go_on },  { "reach", reach }, { "open", open }, { 0 },
};

DOWEL_PLUGIN(.name = "hoarder", .version = "1.0.0", .summary = "Gives nothing back", .license = "MIT",
             .operations = operations);
