/* liar - a descriptor made by hand, of which one thing is not so. CMakeLists.txt says which, a plugin for each lie. */
#include <dowel/dowel.h>

/* What an honest one has. */
#ifndef STRUCT_SIZE
#define STRUCT_SIZE sizeof(dw_plugin)
#endif
#ifndef ABI_MAJOR
#define ABI_MAJOR DW_ABI_MAJOR
#endif
#ifndef NEED_MINOR
#define NEED_MINOR DW_ABI_MINOR
#endif
#ifndef STRIDE
#define STRIDE sizeof(dw_operation)
#endif
#ifndef SIZES_SIZE
#define SIZES_SIZE sizeof(dw_sizes)
#endif
#ifndef SIZES
#define SIZES &sizes
#endif
#ifndef HOST
#define HOST &dw_host_
#endif
#ifndef ASSETS
#define ASSETS assets
#endif
#ifndef NAME
#define NAME FILE_NAME
#endif
#ifndef TEXT
#define TEXT "1.0.0"
#endif
#ifndef SELF_SIZE
#define SELF_SIZE 0
#endif
#ifndef HANDLER
#define HANDLER get_liar
#endif
#ifndef OPERATIONS
#define OPERATIONS operations
#endif
#ifndef ITEM_OFFSET
#define ITEM_OFFSET 0
#endif
#ifndef ITEM_TYPE
#define ITEM_TYPE DW_ITEM_INT
#endif
#ifndef CONF_SIZE
#define CONF_SIZE sizeof(int64_t)
#endif
#ifndef COMMAND_STRIDE
#define COMMAND_STRIDE sizeof(dw_command)
#endif
#ifndef ARGUMENT_STRIDE
#define ARGUMENT_STRIDE sizeof(dw_argument)
#endif
#ifndef COMMAND_WORD
#define COMMAND_WORD "liar"
#endif
#ifndef COMMANDS
#define COMMANDS commands
#endif
#ifndef COMMAND_FLAGS
#define COMMAND_FLAGS 0
#endif
#ifndef CONNECTOR_STRIDE
#define CONNECTOR_STRIDE sizeof(dw_connector)
#endif
#ifndef LISTING_STRIDE
#define LISTING_STRIDE sizeof(dw_listing)
#endif
#ifndef CONNECTORS
#define CONNECTORS connectors
#endif
#ifndef ROLE_SIZE
#define ROLE_SIZE sizeof(dw_time_source)
#endif
#ifndef ADDRESS
#define ADDRESS "url"
#endif
#ifndef FALLBACK
#define FALLBACK "1"
#endif
#ifndef PLUGIN
#define PLUGIN &plugin
#endif

static const char api[] = "openapi: 3.1.0\n"
                          "info: { title: Liar, version: '1' }\n"
                          "paths:\n"
                          "  /liar:\n"
                          "    get:\n"
                          "      operationId: getLiar\n"
                          "      x-public: true\n"
                          "      responses: { '200': { description: a lie } }\n";

#ifndef ASSET_SIZE
#define ASSET_SIZE (sizeof(api) - 1)
#endif

const dw_host *dw_host_;
static const dw_asset assets[] = { { "api.yaml", api, ASSET_SIZE }, { 0 } };
static const dw_item items[] = {
    { .name = "number", .type = ITEM_TYPE, .offset = ITEM_OFFSET, .fallback = "1", .help = "A number" },
    { 0 },
};

static int get_liar(dw_call *c, dw_request *req)
{
    (void)c;
    return dw_reply(req, 200, "text", "honestly");
}

static const dw_operation operations[] = { { "getLiar", HANDLER }, { 0 } };
static int run_command(dw_call *c, dw_command_run *run)
{
    (void)c;
    return dw_command_print(run, "honestly");
}

static const dw_argument arguments[] = { { .name = "word", .help = "a word", .optional = true }, { 0 } };
static const dw_command commands[] = {
    { .name = COMMAND_WORD " tell",
      .summary = "Tells",
      .arguments = arguments,
      .flags = COMMAND_FLAGS,
      .run = run_command },
    { 0 },
};

struct liar_settings {
    const char *url;
    int64_t number;
};
static const dw_item settings[] = {
    { .name = "url",
      .type = DW_ITEM_TEXT,
      .offset = 0,
      .fallback = "\"\"",
      .help = "A URL",
      .pattern = "url" },
    { .name = "number",
      .type = DW_ITEM_INT,
      .offset = sizeof(char *),
      .fallback = FALLBACK,
      .help = "A number" },
    { 0 },
};
static int list_things(dw_call *c, dw_connection *conn, const dw_thing_query *query, dw_found *out)
{
    (void)c;
    (void)conn;
    (void)query;
    return dw_found_complete(out);
}
static int list_entries(dw_call *c, dw_connection *conn, const dw_entry_query *query, dw_found *out)
{
    (void)c;
    (void)conn;
    (void)query;
    return dw_found_complete(out);
}
static const dw_listing listings[] = { { .name = "user", .list = list_things }, { 0 } };
static const dw_time_source source = { .struct_size = ROLE_SIZE, .list = list_entries };
static const dw_connector connectors[] = {
    { .name = "liar",
      .settings = { settings, sizeof(struct liar_settings) },
      .address = ADDRESS,
      .listings = listings,
      .time_source = &source },
    { 0 },
};
static const dw_sizes sizes = {
    .asset = sizeof(dw_asset),
    .item = sizeof(dw_item),
    .operation = STRIDE,
    .route = sizeof(dw_route),
    .question = sizeof(dw_question),
    .hook = sizeof(dw_hook),
    .service = sizeof(dw_service),
    .job = sizeof(dw_job_kind),
    .schedule = sizeof(dw_schedule),
    .subscription = sizeof(dw_subscription),
    .inbox = sizeof(dw_inbox),
    .command = COMMAND_STRIDE,
    .argument = ARGUMENT_STRIDE,
    .connector = CONNECTOR_STRIDE,
    .listing = LISTING_STRIDE,
};

static const dw_plugin plugin = {
    .struct_size = STRUCT_SIZE,
    .abi_major = ABI_MAJOR,
    .abi_minor = NEED_MINOR,
    .need_minor = NEED_MINOR,
    .sizes_size = SIZES_SIZE,
    .sizes = SIZES,
    .host = HOST,
    .assets = ASSETS,
    .name = NAME,
    .version = TEXT,
    .summary = TEXT,
    .license = TEXT,
    .self_size = SELF_SIZE,
    .conf = { items, CONF_SIZE },
    .operations = OPERATIONS,
    .commands = COMMANDS,
    .connectors = CONNECTORS,
};

const dw_plugin *dowel_plugin_v0(void)
{
    /* Whatever the lie leaves unused. */
    (void)assets;
    (void)operations;
    (void)sizes;
    (void)get_liar;
    (void)commands;
    (void)arguments;
    (void)run_command;
    (void)connectors;
    (void)plugin;
    return PLUGIN;
}
