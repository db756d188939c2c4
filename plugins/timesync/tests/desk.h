/* desk.h - where time is booked, played by the test: the source of a sync, with whatever can go wrong with it. */
#ifndef TIMESYNC_DESK_H
#define TIMESYNC_DESK_H

#include <string.h>

#include <dowel/dowel.h>

/* How much there is room for. */
#ifndef RIG_BOOKINGS
#define RIG_BOOKINGS 400
#endif
struct booking {
    char id[32], ticket[32], customer[64], agent[32], email[64], activity[32], amount[32], note[128],
        merged[32];
    char title[64], number[32], customer_name[80], agent_name[64],
        activity_name[32]; /* empty: as it has to be */
    enum dw_unit unit;
    char at[32]; /* as RFC 3339 has it, until it was read once: created and changed */
    dw_time created, changed;
    bool gone;
};

static struct desk {
    struct booking all[RIG_BOOKINGS];
    unsigned n, lists, ticket_lists;
    int fails;               /* a code: every list does */
    unsigned fails_once;     /* so many times */
    bool denies;             /* a complete list gives all, and then fails */
    const char *denies_some; /* with this reason */
    int ticket_fails;        /* a code: every list of one ticket does */
    const char *long_note;   /* instead of what they have */
    const char *hides;       /* this entry's id from complete lists, as a page that moved */
    void (*meanwhile)(void); /* before a list begins */
    int (*more)(dw_found *out, const dw_entry_query *q); /* gives what is odd: so many */
    unsigned odd;
} desk;

/* What is given, or this instead. */
static inline const char *or_else(const char *given, const char *other)
{
    return *given ? given : other;
}

static inline int desk_add(dw_found *out, const struct booking *b)
{
    return dw_entry_add(out, .id = b->id, .ticket = b->ticket, .ticket_number = or_else(b->number, b->ticket),
                        .ticket_title = or_else(b->title, "A title"), .customer = b->customer,
                        .customer_name = or_else(b->customer_name, b->customer), .agent = b->agent,
                        .agent_email = b->email, .agent_name = or_else(b->agent_name, b->agent),
                        .activity = b->activity, .activity_name = or_else(b->activity_name, b->activity),
                        .text = desk.long_note ? desk.long_note : b->note, .url = "https://desk.example/1",
                        .amount = b->amount, .unit = b->unit, .created = b->created, .changed = b->changed,
                        .merged_into = *b->merged ? b->merged : NULL);
}

static inline int desk_list(dw_call *c, dw_connection *conn, const dw_entry_query *q, dw_found *out)
{
    (void)conn;
    desk.lists++;
    desk.ticket_lists += q->ticket != NULL;
    if (desk.fails && (!desk.fails_once || desk.fails_once-- > 1)) {
        if (!desk.fails_once)
            return dw_fail(c, desk.fails, "the desk fails");
        return dw_fail(c, desk.fails, "the desk fails for now");
    }
    if (q->ticket && desk.ticket_fails)
        return dw_fail(c, desk.ticket_fails, "the desk does not give this ticket", "ticket", q->ticket);
    if (desk.meanwhile)
        desk.meanwhile();
    for (unsigned i = 0; i < desk.n; i++) {
        struct booking *b = &desk.all[i];

        if (*b->at)
            DW_TRY(dw_time_parse(c, b->at, &b->created));
        if (*b->at)
            b->changed = b->created;
        *b->at = '\0';
        if (b->gone || (q->ticket && strcmp(q->ticket, b->ticket) != 0) ||
            b->changed.us < q->changed_since.us)
            continue;
        if (!q->ticket && desk.hides && strcmp(desk.hides, b->id) == 0)
            continue;
        DW_TRY(desk_add(out, b));
    }
    if (desk.more)
        DW_TRY(desk.more(out, q));
    if (desk.denies_some && !q->ticket)
        return dw_fail(c, DW_EDENIED, "some tickets cannot be read", "reason", desk.denies_some);
    if (desk.denies && !q->ticket)
        return dw_fail(c, DW_EDENIED, "some tickets cannot be read");
    return dw_found_complete(out);
}

static inline int desk_tickets(dw_call *c, dw_connection *conn, const dw_thing_query *q, dw_found *out)
{
    (void)c;
    (void)conn;
    DW_TRY(dw_thing_add(out, .id = q->id ? q->id : "1", .name = "A title"));
    return dw_found_complete(out);
}

/* ---- its kind ---- */

struct no_settings {
    const char *url;
};
static const dw_item no_items[] = { DW_ITEM(struct no_settings, url, .pattern = "url",
                                            .fallback = "https://here.example", .help = "Where"),
                                    { 0 } };

/* Of either kind: it is there. */
static inline int check(dw_call *c, dw_connection *conn, dw_checkup *out)
{
    (void)c;
    (void)conn;
    dw_checked(out, DW_CHECK_GOOD, "there", "it is there");
    return 0;
}

static const dw_listing desk_listings[] = { { .name = "ticket", .title = "Tickets", .list = desk_tickets },
                                            { 0 } };
static const dw_time_source desk_source = { .struct_size = sizeof(desk_source), .list = desk_list };
static const dw_connector desk_connector = { .name = "desk",
                                             .title = "Desk",
                                             .summary = "A desk",
                                             .settings = DW_ITEMS(struct no_settings, no_items),
                                             .address = "url",
                                             .check = check,
                                             .listings = desk_listings,
                                             .time_source = &desk_source };

#endif
