/* shop - tells that orders are placed: over its own API, or by the webhook of a till. Who does something about it, it does
 * not know. */
#include <dowel/dowel.h>

/* The order and its event, or neither. What the same delivery brought before is not placed again: 0 then, else 1. */
static int place(dw_call *c, const char *id, const char *customer, int64_t cents, const char *delivery)
{
    int placed = dw_db_exec(c,
                            "INSERT INTO shop_orders (tenant_id, id, customer, cents, delivery, placed_at)"
                            " VALUES (:tenant, $1, $2, $3, $4, :now)"
                            " ON CONFLICT (tenant_id, delivery) DO NOTHING",
                            id, customer, cents, delivery);

    if (placed <= 0)
        return placed;
    DW_TRY(dw_event_emit(c, "shop.order.placed", "order", id, "customer", customer, "cents", cents));
    return 1;
}

static int place_order(dw_call *c, dw_request *req)
{
    const char *customer, *id = dw_id(c);
    int64_t cents;

    DW_TRY(dw_request_read(req, "customer", &customer, "cents", &cents));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(place(c, id, customer, cents, NULL));
    DW_TRY(dw_reply(req, 201, "id", id));
    return dw_tx_commit(c);
}

/* {"customer":"ann","cents":1250}, sent by a till. The server has checked who sent it, and answered; this may run twice,
 * if the server ends before it is written down that it ran. */
static int on_sale(dw_call *c, const dw_delivery *d)
{
    const char *customer;
    json_t *sale;
    int64_t cents;

    DW_TRY(dw_json_parse(c, dw_delivery_text(d), &sale));
    DW_TRY(dw_json_read(c, sale, "customer!", &customer, "cents!", &cents));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(place(c, dw_id(c), customer, cents, d->id));
    return dw_tx_commit(c);
}

static const dw_operation operations[] = { { "placeOrder", place_order }, { 0 } };
static const dw_inbox inboxes[] = { { "sales", on_sale }, { 0 } };

DOWEL_PLUGIN(.name = "shop", .version = "1.0.0", .summary = "Places orders, and tells of them",
             .license = "MIT", .operations = operations, .inboxes = inboxes);
