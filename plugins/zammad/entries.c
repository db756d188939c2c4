#include "entries.h"

#include <string.h>

#include "reading.h"

/* ---- one ticket ---- */

static int read_ticket(struct reading *r)
{
    const json_t *text = dw_json_own(r->d->c, json_string(r->query->ticket));
    int64_t id = row_id(text);

    if (id == 0)
        return dw_fail(r->d->c, DW_EINVALID, "Zammad's tickets have numbers; this is none", "ticket",
                       r->query->ticket);
    DW_TRY(reading_some(r, &id, 1));
    if (r->refused && !r->d->is_own)
        return DW_EDENIED; /* what refuses it is in front of Zammad, and is said already */
    if (r->refused)        /* it is about this ticket: whoever syncs goes on with the others */
        return dw_fail(
            r->d->c, DW_EDENIED,
            "the booked time of this ticket cannot be read; the user of the token needs the right to change "
            "(or full) in its group, or admin.time_accounting",
            "ticket", id, "Zammad", r->d->said, "reason", "OTHER");
    return 0;
}

/* ---- all ---- */

/* Zammad itself says at once that this list is not for us, or that it has none. A proxy's page does not count, nor what happens
 * later: another way may see less, and what it does not see would be taken for deleted. */
static bool has_no_global(const struct reading *r, int rc)
{
    return (rc == DW_EDENIED || rc == DW_ENOTFOUND) && r->d->is_own && r->seen.n == 0;
}

/* Where the list of all cannot be had for want of a permission, or in an old version: ticket by ticket. */
static int read_either(struct reading *r)
{
    if (r->way.global != WAY_NO) {
        int rc = reading_global(r);
        if (rc >= 0)
            r->way.global = WAY_YES;
        if (r->way.global == WAY_YES || !has_no_global(r, rc))
            return rc;
        dw_info(r->d->c,
                "Zammad has no list of all booked time for this connection; it is read ticket by ticket",
                "connection", dw_connection_name(r->d->conn), "why", dw_error_of(r->d->c)->text);
    }
    DW_TRY(reading_tickets(r));
    r->way.global = WAY_NO;
    return 0;
}

static int read_all(struct reading *r)
{
    const char *strategy = r->d->set->strategy;

    if (strcmp(strategy, "global") == 0)
        return reading_global(r);
    if (strcmp(strategy, "tickets") == 0)
        return reading_tickets(r);
    return read_either(r);
}

int zammad_list_entries(dw_call *c, dw_connection *conn, const dw_entry_query *query, dw_found *out)
{
    static const dw_entry_query everything = { .struct_size = sizeof(everything) };
    struct reading *r;
    struct desk d;

    DW_TRY(desk_open(&d, c, conn));
    DW_TRY(reading_open(&d, query ? query : &everything, out, &r));
    DW_TRY(r->query->ticket ? read_ticket(r) : read_all(r));
    r->way.behind = d.behind;
    strategy_learn(&d, &r->way);
    return dw_found_complete(out);
}
