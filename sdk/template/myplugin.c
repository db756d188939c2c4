/* myplugin - greets people, and remembers them.
 *
 * Read it from its end: the descriptor says all that there is, in constant tables that the server reads before it runs
 * any of this. A handler then needs to do only what the tables and api.yaml cannot say. */
#include <dowel/dowel.h>

/* ---- settings: a struct, and one line about each member. The admin writes them into conf.d/myplugin.yaml ---- */

struct myplugin_conf {
    const char *greeting;
};

static const dw_item items[] = {
    DW_ITEM(struct myplugin_conf, greeting, .fallback = "Hello", .min = 1, .max = 40,
            .help = "The word before the name"),
    { 0 },
};

/* ---- handlers: one for each operationId of api.yaml. They run on worker threads, and may wait ---- */

/* c is the call: its memory and whatever else hangs on it are gone when the handler returns, so nothing is freed here,
 * and DW_TRY may return early anywhere. An error that is returned becomes the reply: DW_ENOTFOUND a 404. */
static int greet(dw_call *c, dw_request *req)
{
    const struct myplugin_conf *conf = dw_conf(c);
    const char *name = "you"; /* stays when the request has none */

    DW_TRY(dw_request_read(req, "name", &name));
    return dw_reply(req, 200, "text", dw_format(c, "%s, %s!", conf->greeting, name));
}

/* SQL first, then its values: $1, $2; :now comes by itself. The row becomes the reply. */
static int add_guest(dw_call *c, dw_request *req)
{
    const char *name;
    dw_rows *guest;

    DW_TRY(dw_request_read(req, "name", &name));
    DW_TRY(dw_db_query(c, &guest,
                       "INSERT INTO myplugin_guests (id, name, came_at) VALUES ($1, $2, :now)"
                       " RETURNING id, name, came_at",
                       dw_id(c), name));
    return dw_reply_row(req, 201, guest);
}

static int list_guests(dw_call *c, dw_request *req)
{
    return dw_reply_list(c, req, "SELECT id, name, came_at FROM myplugin_guests");
}

static const dw_operation operations[] = {
    { "greet", greet },
    { "addGuest", add_guest },
    { "listGuests", list_guests },
    { 0 },
};

/* ---- the descriptor ---- */

DOWEL_PLUGIN(.name = "myplugin", .version = "0.1.0", .summary = "Greets people, and remembers them",
             .license = "MIT", .conf = DW_ITEMS(struct myplugin_conf, items), .operations = operations);
