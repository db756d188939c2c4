/* host_events.c - a plugin tells what happened, and reads what came in. */
#include <strings.h>

#include "events/events.h"
#include "plugin/call_db.h"
#include "plugin/host.h"
#include "plugin/values.h"

static const char step[] = "dw_event_emit";

/* ---- telling ---- */

static int check_name(dw_call *c, const char *name)
{
    const char *plugin = c->instance->name;

    if (!name || !event_name_is_valid(str_from(name)))
        return call_misuse(c, "%s: \"%s\" is no name such as \"%s.note.created\"", step, name ? name : "",
                           plugin);
    if (!event_name_is_of(str_from(name), plugin))
        return call_misuse(c, "%s: the name %s must begin with \"%s.\", the plugin's own", step, name,
                           plugin);
    return 0;
}

static int check_pairs(dw_call *c, const char *name, dw_list pairs)
{
    const char *wrong = pairs_wrong(pairs);

    if (wrong)
        return call_misuse(c, "%s: what %s carries is wrong: %s", step, name, wrong);
    wrong = pairs_values_wrong(pairs);
    return wrong ? call_fail(c, DW_EINVALID, "%s: what %s carries is wrong: %s", step, name, wrong) : 0;
}

static int emit_data(dw_call *c, struct db_session *s, const char *name, struct buf *data)
{
    const struct event e = {
        .name = name,
        .data = buf_text(data),
        .tenant = c->tenant,
        .principal = c->principal,
        .at_us = call_wall_us(c),
    };

    if (buf_failed(data))
        return call_fail(c, DW_ENOMEM, "%s: out of memory", step);
    if (data->n > EVENT_DATA_MAX)
        return call_fail(c, DW_ETOOLARGE,
                         "%s: %s carries %zu bytes, more than %d; say where the rest can be read", step, name,
                         data->n, EVENT_DATA_MAX);
    return call_session_result(c, step, events_emit(s, &e, NULL));
}

static int emit(dw_call *c, const char *name, dw_list pairs)
{
    struct buf data = BUF_INIT;
    struct db_session *s;

    DW_TRY(call_session(c, step, &s));
    DW_TRY(check_name(c, name));
    DW_TRY(check_pairs(c, name, pairs));
    if (!call_in_transaction(c))
        return call_fail_inner(
            c, DW_ETX,
            "%s: %s is told in the transaction of the change that it tells of: dw_tx_begin() first", step,
            name);
    int rc = pairs_write_json(&data, pairs) == 0
                 ? emit_data(c, s, name, &data)
                 : call_fail(c, DW_EINVALID, "%s: what %s carries cannot be written as JSON", step, name);
    buf_finish(&data);
    return rc;
}

/* ---- what came in ---- */

static const char *field(const dw_delivery *d, const char *name)
{
    const json_t *pair;

    if (!d || !name)
        return NULL;
    for (size_t i = 0; (pair = json_array_get(d->fields, i)) != NULL; i++) {
        const char *text = json_string_value(json_array_get(pair, 0));
        if (text && strcasecmp(text, name) == 0)
            return json_string_value(json_array_get(pair, 1));
    }
    return NULL;
}

const dw_events_api host_events_api = {
    .struct_size = sizeof(dw_events_api),
    .emit = emit,
    .field = field,
};
