/* pair - a plugin that is built with the headers of today and with those of tomorrow (tests/abi/next.mjs), as NAME. With
 * the latter it uses what is new where the server has it, or does not do without it: that is for DOWEL_NEED_MINOR to say.
 * There are two of each, so that a wrong stride finds the second one where it is not. */
#include <dowel/dowel.h>

struct pair_conf {
    int64_t first;
    const char *second;
};

static const dw_item items[] = {
    DW_ITEM(struct pair_conf, first, .fallback = "1", .help = "A number"),
    DW_ITEM(struct pair_conf, second, .fallback = "two", .help = "A text"),
    { 0 },
};

/* What the server's new functions say, 0 where it has none. */
static void ask_new(dw_call *c, int *slot, int *table)
{
    *slot = *table = 0;
#ifdef DW_FROM_NEXT
    if (DW_HAS(call, from_next))
        *slot = dw_host_->call->from_next(c);
    if (DW_HAS(next, from_next))
        *table = dw_host_->next->from_next(c);
#else
    (void)c;
#endif
}

static int tell(dw_call *c, dw_request *req)
{
    const struct pair_conf *conf = dw_conf(c);
    int slot, table;

    ask_new(c, &slot, &table);
    return dw_reply(req, 200, "built_for", DW_ABI_MINOR, "server", dw_host_->abi_minor, "slot", slot, "table",
                    table, "first", conf->first, "second", conf->second);
}

static int tell_again(dw_call *c, dw_request *req)
{
    return tell(c, req);
}

/* The struct of arguments is as long as the headers had it. */
static int tell_later(dw_call *c, dw_request *req)
{
    dw_token *token;
    int slot, table;

    ask_new(c, &slot, &table);
    DW_TRY(dw_request_detach(req, &token, .timeout = DW_SECONDS(10)));
    dw_token_reply(token, 200, "built_for", DW_ABI_MINOR, "slot", slot, "table", table);
    return 0;
}

static const dw_operation operations[] = {
    { .id = "tell", .handler = tell },
    { .id = "tellAgain", .handler = tell_again },
    { .id = "tellLater", .handler = tell_later },
    { 0 },
};

static int list_nothing(dw_call *c, dw_connection *conn, const dw_thing_query *query, dw_found *out)
{
    (void)c;
    (void)conn;
    (void)query;
    return dw_found_complete(out);
}

static int list_no_time(dw_call *c, dw_connection *conn, const dw_entry_query *query, dw_found *out)
{
    (void)c;
    (void)conn;
    (void)query;
    return dw_found_complete(out);
}

static const dw_listing listings[] = {
    { .name = "user", .title = "Users", .list = list_nothing },
    { .name = "project", .title = "Projects", .list = list_nothing },
    { 0 },
};

static const dw_connector connectors[] = {
    { .name = NAME "_one",
      .title = "One",
      .settings = DW_ITEMS(struct pair_conf, items),
      .listings = listings,
      .time_source = DW_ROLE(dw_time_source, .list = list_no_time) },
    { .name = NAME "_two",
      .title = "Two",
      .settings = DW_ITEMS(struct pair_conf, items),
      .listings = listings },
    { 0 },
};

DOWEL_PLUGIN(.name = NAME, .version = "1.0.0", .summary = "Old and new", .license = "MIT",
             .conf = DW_ITEMS(struct pair_conf, items), .operations = operations, .connectors = connectors);
