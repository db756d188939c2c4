/* symbols - has functions with the names of the server's, and of a library that both use. Neither may ever run in the
 * place of the other. */
#include <dowel/dowel.h>

#include <stdatomic.h>

static atomic_int called;

/* Signatures are nobody's but ours, as they would be in a plugin that knows nothing of the others. json_object_get() has
 * the header's, which is in sight here. */
void log_write(void);
void log_write(void)
{
    atomic_fetch_add(&called, 1);
}

void buf_add(void);
void buf_add(void)
{
    atomic_fetch_add(&called, 1);
}

json_t *json_object_get(const json_t *object, const char *key)
{
    (void)object;
    (void)key;
    atomic_fetch_add(&called, 1);
    return NULL;
}

/* How often ours ran: before the handler calls all of them, and after. */
static int get_symbols(dw_call *c, dw_request *req)
{
    int before = atomic_load(&called);
    json_t *object = dw_json(c, "key", 1);

    log_write();
    buf_add();
    bool found = json_object_get(object, "key") != NULL; /* ours finds nothing */
    return dw_reply(req, 200, "before", before, "own", atomic_load(&called) - before, "found", found);
}

static const dw_operation operations[] = { { "getSymbols", get_symbols }, { 0 } };

DOWEL_PLUGIN(.name = PLUGIN_NAME, .version = "1.0.0", .summary = "Has others' names", .license = "MIT",
             .operations = operations);
