/* cashbook - books amounts, and sums them up in one tenant, in all, and in each. */
#include <dowel/dowel.h>

static int sum_in(dw_call *c, int64_t *sum)
{
    return dw_db_get(c, DW_TO(sum), "SELECT coalesce(sum(amount), 0) FROM cashbook");
}

static int sum(dw_call *c, dw_request *req)
{
    int64_t all = 0;

    DW_TRY(sum_in(c, &all));
    return dw_reply(req, 200, "sum", all, "tenant", dw_tenant(c));
}

static int sum_of_all(dw_call *c, dw_request *req)
{
    dw_call *everybody;
    int64_t all = 0;

    DW_TRY(dw_call_as_system(c, "the sum of all is wanted", &everybody));
    DW_TRY(sum_in(everybody, &all));
    return dw_reply(req, 200, "sum", all, "tenant", dw_tenant(everybody));
}

/* In a scope of its own, which the caller ends. */
static int add_tenant(dw_call *c, const char *tenant, int64_t *all)
{
    int64_t one = 0;
    dw_call *t;

    DW_TRY(dw_call_as_tenant(c, tenant, &t));
    DW_TRY(sum_in(t, &one));
    *all += one;
    return 0;
}

static int sum_of_each(dw_call *c, dw_request *req)
{
    const char *tenant;
    dw_call *everybody;
    int64_t all = 0, n = 0;
    dw_rows *rows;
    int rc;

    DW_TRY(dw_call_as_system(c, "tenants are listed", &everybody));
    DW_TRY(dw_db_query(everybody, &rows, "SELECT DISTINCT tenant_id FROM cashbook"));
    while ((rc = dw_rows_next(rows, &tenant)) > 0) {
        dw_scope_begin(c);
        rc = add_tenant(c, tenant, &all);
        dw_scope_end(c);
        DW_TRY(rc);
        n++;
    }
    DW_TRY(rc);
    return dw_reply(req, 200, "sum", all, "tenants", n);
}

static int book(dw_call *c, dw_request *req)
{
    dw_rows *row;
    const char *id = dw_id(c);
    int64_t amount;

    DW_TRY(dw_request_read(req, "amount", &amount));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(dw_db_query(
        c, &row, "INSERT INTO cashbook (tenant_id, id, amount) VALUES (:tenant, $1, $2) RETURNING amount", id,
        amount));
    DW_TRY(dw_audit(c, "cashbook.booked", id, "amount", amount, "pin_token", "1234"));
    DW_TRY(dw_reply_row(req, 201, row));
    dw_info(c, "booked", "amount", amount);
    return dw_tx_commit(c);
}

static int who_am_i(dw_call *c, dw_request *req)
{
    const char *me = NULL;

    DW_TRY(dw_db_get(c, DW_TO(&me), "SELECT :me"));
    return dw_reply(req, 200, "me", me);
}

/* What must not be: without a transaction, with somebody else's name. */
static int audit_alone(dw_call *c, dw_request *req)
{
    int alone = dw_audit(c, "cashbook.booked", "", "amount", 1), named, unsaid;

    DW_TRY(dw_tx_begin(c));
    named = dw_audit(c, "notes.booked", "", "amount", 1);
    unsaid = dw_audit(c, "cashbook.booked", "", "@email", "ann@example.org");
    DW_TRY(dw_tx_rollback(c));
    return dw_reply(req, 200, "alone", alone, "named", named, "unsaid", unsaid);
}

static int forget_commit(dw_call *c, dw_request *req)
{
    DW_TRY(dw_tx_begin(c));
    DW_TRY(dw_db_exec(c, "INSERT INTO cashbook (tenant_id, id, amount) VALUES (:tenant, $1, 1)", dw_id(c)));
    return dw_reply(req, 201);
}

static int close_command(dw_call *c, dw_command_run *run)
{
    DW_TRY(dw_tx_begin(c));
    DW_TRY(dw_audit(c, "cashbook.closed", "", "reason", "the year is over"));
    DW_TRY(dw_command_print(run, "closed"));
    return dw_tx_commit(c);
}

static const dw_command commands[] = {
    { .name = "cashbook close", .summary = "Closes the book", .run = close_command },
    { 0 },
};

static const dw_operation operations[] = {
    { "sum", sum },
    { "sumOfAll", sum_of_all },
    { "sumOfEach", sum_of_each },
    { "book", book },
    { "whoAmI", who_am_i },
    { "forgetCommit", forget_commit },
    { "auditAlone", audit_alone },
    { 0 },
};

DOWEL_PLUGIN(.name = "cashbook", .version = "1.0.0", .summary = "Books amounts", .license = "MIT",
             .operations = operations, .commands = commands);
