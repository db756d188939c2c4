#include "booking.h"

#include <inttypes.h>
#include <string.h>

/* ---- reading ---- */

/* With milliseconds or without. */
static dw_time time_in(struct desk *d, const json_t *row, const char *name)
{
    const char *text = row_text(json_object_get(row, name));
    dw_time t = { 0 };

    if (!text || dw_time_parse(d->c, text, &t) < 0)
        t.us = 0;
    return t;
}

/* A text in JSON; numbers have become texts, see amount.h. */
static const char *amount_in(const json_t *row)
{
    const char *text = json_string_value(json_object_get(row, "time_unit"));

    return text ? text : "";
}

int booking_read(struct desk *d, const json_t *row, struct booking *out)
{
    *out = (struct booking){
        .id = row_id(json_object_get(row, "id")),
        .ticket = row_id(json_object_get(row, "ticket_id")),
        .agent = row_id(json_object_get(row, "created_by_id")),
        .type = row_id(json_object_get(row, "type_id")),
        .type_name = row_text(json_object_get(row, "type")),
        .amount = amount_in(row),
        .created = time_in(d, row, "created_at"),
        .changed = time_in(d, row, "updated_at"),
    };
    if (out->id == 0 || out->ticket == 0) /* what else it lacks is for a person, by the host */
        return dw_fail(
            d->c, DW_EUPSTREAM,
            "a row of Zammad's time accounting lacks its id or ticket_id; is base_url the address of "
            "Zammad?",
            "id", out->id, "ticket_id", out->ticket);
    return 0;
}

/* ---- giving ---- */

static const char *text_of(struct desk *d, int64_t id)
{
    return id ? dw_format(d->c, "%" PRId64, id) : NULL;
}

/* Whatever the admin's address has in front of it. */
static const char *ticket_url(struct desk *d, int64_t id)
{
    const char *base = d->set->base_url;
    size_t n = strlen(base);

    while (n > 0 && base[n - 1] == '/')
        n--;
    return dw_format(d->c, "%.*s/#ticket/zoom/%" PRId64, (int)n, base, id);
}

int64_t booking_payer(const struct booking *b, const struct facts *facts)
{
    const struct ticket *t = facts_ticket(facts, b->ticket);

    return t && t->organization == 0 ? t->customer : 0;
}

struct customer {
    const char *id, *name;
};

/* Numbers of people and of organisations are not the same ones: a person says so. */
static struct customer customer_of(struct desk *d, const struct ticket *t, const struct facts *facts)
{
    const struct person *p;

    if (!t || (t->organization == 0 && t->customer == 0))
        return (struct customer){ 0 };
    if (t->organization)
        return (struct customer){ text_of(d, t->organization), t->organization_name };
    p = facts_person(facts, t->customer);
    if (p && p->organization)
        return (struct customer){ text_of(d, p->organization), p->organization_name };
    return (struct customer){ dw_format(d->c, "user-%" PRId64, t->customer), p ? p->name : NULL };
}

int booking_give(struct desk *d, const struct booking *b, const struct facts *facts, dw_found *out)
{
    const struct ticket *t = facts ? facts_ticket(facts, b->ticket) : NULL;
    const struct person *agent = facts ? facts_person(facts, b->agent) : NULL;
    struct customer customer = customer_of(d, t, facts);

    return dw_entry_add(out, .id = text_of(d, b->id), .ticket = text_of(d, b->ticket),
                        .ticket_number = t ? t->number : NULL, .ticket_title = t ? t->title : NULL,
                        .customer = customer.id, .customer_name = customer.name,
                        .agent = text_of(d, b->agent), .agent_email = agent ? agent->email : NULL,
                        .agent_name = agent ? agent->name : NULL, .activity = text_of(d, b->type),
                        .activity_name = b->type_name, .url = ticket_url(d, b->ticket), .amount = b->amount,
                        .unit = DW_UNIT_UNKNOWN, .created = b->created, .changed = b->changed,
                        .merged_into = t ? text_of(d, t->merged_into) : NULL);
}
