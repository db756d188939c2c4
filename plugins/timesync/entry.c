#include "entry.h"

#include "common.h"

void entry_from(const dw_entry *given, struct entry *out)
{
    *out = (struct entry){
        .id = "",
        .sync = "",
        .source_id = or_empty(given->id),
        .ticket = or_empty(given->ticket),
        .ticket_number = or_empty(given->ticket_number),
        .ticket_title = or_empty(given->ticket_title),
        .customer = or_empty(given->customer),
        .customer_name = or_empty(given->customer_name),
        .agent = or_empty(given->agent),
        .agent_email = or_empty(given->agent_email),
        .agent_name = or_empty(given->agent_name),
        .activity = or_empty(given->activity),
        .activity_name = or_empty(given->activity_name),
        .note = or_empty(given->text),
        .url = or_empty(given->url),
        .merged_into = or_empty(given->merged_into),
        .amount = or_empty(given->amount),
        .wrong = or_empty(given->wrong),
        .unit = given->unit,
        .begin = given->begin,
        .end = given->end,
        .booked = given->created,
        .edited = given->changed,
        .hash = "",
        .state = "waiting",
        .reason = "",
        .link_by = "",
        .marker = "",
        .intent = "",
    };
}

int entry_hash(const struct entry *e, unsigned char out[DIGEST_SIZE])
{
    const char *const texts[] = { e->ticket, e->ticket_number, e->ticket_title, e->customer, e->customer_name,
                                  e->agent,  e->agent_email,   e->agent_name,   e->activity, e->activity_name,
                                  e->note,   e->url,           e->merged_into,  e->amount,   e->wrong };
    struct digest d;

    digest_begin(&d);
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        digest_text(&d, texts[i]);
    digest_int(&d, e->unit);
    digest_int(&d, e->begin.us);
    digest_int(&d, e->end.us);
    digest_int(&d, e->booked.us);
    return digest_end(&d, out);
}

int entry_load(dw_call *c, const char *id, struct entry *out)
{
    const dw_value to[] = {
        DW(&out->id),
        DW(&out->sync),
        DW(&out->source_id),
        DW(&out->ticket),
        DW(&out->ticket_number),
        DW(&out->ticket_title),
        DW(&out->customer),
        DW(&out->customer_name),
        DW(&out->agent),
        DW(&out->agent_email),
        DW(&out->agent_name),
        DW(&out->activity),
        DW(&out->activity_name),
        DW(&out->note),
        DW(&out->url),
        DW(&out->merged_into),
        DW(&out->amount),
        DW(&out->unit),
        DW(&out->begin),
        DW(&out->end),
        DW(&out->booked),
        DW(&out->edited),
        DW(&out->hash),
        DW(&out->gone_at),
        DW(&out->state),
        DW(&out->reason),
        DW(&out->sheet),
        DW(&out->base),
        DW(&out->base_hash),
        DW(&out->pushed_hash),
        DW(&out->link_by),
        DW(&out->marker),
        DW(&out->intent),
        DW(&out->sent),
        DW(&out->intent_at),
        DW(&out->intent_run),
        DW(&out->attempt),
        DW(&out->version),
        DW(&out->wrong),
    };

    *out = (struct entry){ 0 };
    return dw_db_found_(c,
                        dw_db_find_(c, DB_LIST(to),
                                    DW_LIST("SELECT id, sync, source_id, ticket, ticket_number, ticket_title,"
                                            " customer, customer_name, agent, agent_email, agent_name,"
                                            " activity, activity_name, note, url, merged_into,"
                                            " amount, unit, begin_at, end_at, booked_at, edited_at,"
                                            " hash, gone_at, state, reason, sheet, base,"
                                            " base_hash, pushed_hash, link_by, marker, intent, sent,"
                                            " intent_at, intent_run, attempt, version, wrong"
                                            " FROM timesync_entries WHERE id = $1",
                                            id)));
}

int entry_of_sheet(dw_call *c, const char *target, const char *sheet, const char *but, const char **source_id)
{
    return dw_db_find(c, DW_TO(source_id),
                      "SELECT e.source_id FROM timesync_entries e JOIN timesync_syncs s ON s.id = e.sync"
                      " WHERE s.target = $1 AND e.sheet = $2 AND e.id <> $3 LIMIT 1",
                      target, sheet, but);
}

static const char *time_or_null(dw_call *c, dw_time t)
{
    return t.us ? dw_time_format(c, t) : NULL;
}

json_t *entry_json(dw_call *c, const struct entry *e)
{
    static const char *const units[] = { "", "seconds", "minutes", "hours" };

    return dw_json(c, "id", e->source_id, "ticket", e->ticket, "ticket_number", e->ticket_number,
                   "ticket_title", e->ticket_title, "customer_name", e->customer_name, "agent_name",
                   e->agent_name, "agent_email", e->agent_email, "activity_name", e->activity_name, "note",
                   e->note, "amount", e->amount, "unit", units[e->unit >= 0 && e->unit <= 3 ? e->unit : 0],
                   "begin", time_or_null(c, e->begin), "end", time_or_null(c, e->end), "booked",
                   time_or_null(c, e->booked), "url", e->url, "wrong", *e->wrong ? e->wrong : NULL);
}
