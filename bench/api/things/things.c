/* things - what bench/api.mjs asks for: a row, fifty of them, one more. */
#include <dowel/dowel.h>

#define THING "id, title, body, author, state, priority, amount, due_at, created_at, changed_at"

static int get_thing(dw_call *c, dw_request *req)
{
    dw_rows *thing;
    int64_t id;

    DW_TRY(dw_request_read(req, "id", &id));
    DW_TRY(dw_db_query(c, &thing, "SELECT " THING " FROM things WHERE id = $1", id));
    return dw_reply_row(req, 200, thing);
}

static int list_things(dw_call *c, dw_request *req)
{
    dw_rows *things;
    int64_t after = 0;

    DW_TRY(dw_request_read(req, "after", &after));
    DW_TRY(dw_db_query(c, &things, "SELECT " THING " FROM things WHERE id > $1 ORDER BY id LIMIT 50", after));
    return dw_reply_rows(req, 200, things);
}

static int create_thing(dw_call *c, dw_request *req)
{
    const char *title, *body, *state, *amount;
    int64_t priority = 3;
    dw_time due;
    dw_rows *thing;

    DW_TRY(dw_request_read(req, "title", &title, "body", &body, "state", &state, "priority", &priority,
                           "amount", &amount, "due_at", &due));
    DW_TRY(dw_db_query(c, &thing,
                       "INSERT INTO things_made (tenant_id, id, title, body, author, state, priority, "
                       "amount, due_at, created_at)"
                       " VALUES (:tenant, $1, $2, $3, :me, $4, $5, $6, $7, :now)"
                       " RETURNING id, created_at",
                       dw_id(c), title, body, state, priority, amount, due));
    return dw_reply_row(req, 201, thing);
}

DOWEL_PLUGIN(.name = "things", .version = "1.0.0", .summary = "What bench/api.mjs asks for", .license = "MIT",
             .operations = (const dw_operation[]){ { "getThing", get_thing },
                                                   { "listThings", list_things },
                                                   { "createThing", create_thing },
                                                   { 0 } });
