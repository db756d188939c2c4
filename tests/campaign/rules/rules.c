/* rules - an operation for each thing that a contract can say, so that requests which are made from it have something to
 * be refused by: tests/campaign/contract.mjs. */
#include <dowel/dowel.h>

#include <string.h>

/* ---- things ---- */

#define COLUMNS "id, name, kind, stars, version, created_at"

static int list_things(dw_call *c, dw_request *req)
{
    return dw_reply_list(c, req, "SELECT " COLUMNS " FROM rules_things");
}

/* Where a test wants to kill the server: "before" the transaction, "after" it, or after it and before there is an answer.
 * Not in the contract, so that nobody asks for it by chance. */
static int hold(dw_call *c, dw_request *req, const char *place)
{
    const char *wanted = dw_request_header(req, "X-Hold");

    return wanted && strcmp(wanted, place) == 0 ? dw_sleep(c, DW_MINUTES(1)) : 0;
}

static bool is_unsaid(dw_request *req)
{
    const char *wanted = dw_request_header(req, "X-Hold");
    return wanted && strcmp(wanted, "unsaid") == 0;
}

static int create_thing(dw_call *c, dw_request *req)
{
    const char *name, *kind;
    int64_t stars;
    dw_rows *rows;

    DW_TRY(dw_request_read(req, "name", &name, "kind", &kind, "stars", &stars));
    DW_TRY(hold(c, req, "before"));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(dw_db_query(c, &rows,
                       "INSERT INTO rules_things (" COLUMNS
                       ") VALUES ($1, $2, $3, $4, 1, :now) RETURNING " COLUMNS,
                       dw_id(c), name, kind, stars));
    if (is_unsaid(req)) {
        DW_TRY(dw_tx_commit(c));
        return hold(c, req, "unsaid");
    }
    DW_TRY(dw_reply_row(req, 201, rows));
    DW_TRY(dw_tx_commit(c));
    return hold(c, req, "after");
}

static int get_thing(dw_call *c, dw_request *req)
{
    const char *id;
    dw_rows *rows;

    DW_TRY(dw_request_read(req, "id", &id));
    DW_TRY(dw_db_query(c, &rows, "SELECT " COLUMNS " FROM rules_things WHERE id = $1", id));
    return dw_reply_row(req, 200, rows);
}

static int change_thing(dw_call *c, dw_request *req)
{
    const char *id, *name;
    int64_t version;
    dw_rows *rows;

    DW_TRY(dw_request_read(req, "id", &id, "name", &name, "if_match", &version));
    DW_TRY(
        dw_db_query(c, &rows,
                    "UPDATE rules_things SET name = $3, version = version + 1 WHERE id = $1 AND version = $2"
                    " RETURNING " COLUMNS,
                    id, version, name));
    return dw_reply_row(req, 200, rows);
}

static int delete_thing(dw_call *c, dw_request *req)
{
    const char *id;

    DW_TRY(dw_request_read(req, "id", &id));
    int64_t n = dw_db_exec(c, "DELETE FROM rules_things WHERE id = $1", id);
    if (n <= 0)
        return n < 0 ? (int)n : dw_fail(c, DW_ENOTFOUND, "there is no such thing");
    return dw_reply(req, 204);
}

/* ---- what came ---- */

static int echo_all(dw_call *c, dw_request *req)
{
    const char *word;
    int64_t level;
    double ratio;

    (void)c;
    DW_TRY(dw_request_read(req, "level", &level, "word", &word, "ratio", &ratio));
    return dw_reply(req, 200, "level", level, "word", word, "ratio", ratio, "deep", dw_request_json(req));
}

static int read_form(dw_call *c, dw_request *req)
{
    const char *name;
    int64_t count = 0;

    (void)c;
    DW_TRY(dw_request_read(req, "name", &name, "count", &count));
    return count ? dw_reply(req, 200, "name", name, "count", count) : dw_reply(req, 200, "name", name);
}

static int read_json(dw_call *c, dw_request *req)
{
    (void)c;
    return dw_reply_json(req, 200, dw_request_json(req));
}

static int accept(dw_call *c, dw_request *req)
{
    (void)c;
    return dw_reply(req, 204);
}

static const dw_operation operations[] = {
    { "listThings", list_things },
    { "createThing", create_thing },
    { "getThing", get_thing },
    { "changeThing", change_thing },
    { "deleteThing", delete_thing },
    { "echoAll", echo_all },
    { "readForm", read_form },
    { "readJson", read_json },
    { "putJson", accept },
    { "readMail", accept },
    { 0 },
};

DOWEL_PLUGIN(.name = "rules", .version = "1.0.0", .summary = "What contracts can say",
             .operations = operations);
