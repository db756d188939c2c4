/* reading.h - one list of booked time while it is read. [call] */
#ifndef ZAMMAD_READING_H
#define ZAMMAD_READING_H

#include "booking.h"
#include "strategy.h"

/* How far back of what is asked for is looked: a row has its time before it can be seen, and clocks differ. */
#define READING_OVERLAP DW_MINUTES(5)

enum { READING_TICKET_PAGE = 500 }; /* rows that are asked for at once of what is booked on a ticket */

struct reading {
    struct desk *d;
    const dw_entry_query *query;
    dw_found *out;
    struct facts facts;
    struct idmap seen;   /* bookings that were given, with their times of change */
    struct strategy way; /* what is known, and is being learnt */

    /* Of the list of all. */
    int64_t newest;  /* the highest number when it began, */
    int64_t counted; /* and how many up to it were given */
    int64_t from;    /* what changed before this instant is left out */
    int64_t top;     /* the latest change when it began; INT64_MIN: not seen yet */
    int64_t fresh;   /* given in this pass, though they were there before it */
    bool reached;    /* a page was as old as is asked for */
    bool disordered; /* the rows are not in the order that was asked for */

    /* Of the list by tickets. */
    struct idmap tickets; /* that were read */
    int64_t found;        /* in this pass, changed or not */
    int64_t refused;      /* a ticket that could not be read; 0: none */
    int refused_n;
};

/* In the call's memory; forgets at its end. */
DW_MUST_CHECK int reading_open(struct desk *d, const dw_entry_query *query, dw_found *out,
                               struct reading **made);

/* So many rows came on one page of some list: a shorter page of a ticket's bookings is its last. */
void reading_saw(struct reading *r, size_t rows);

/* Gives a page of bookings, each once unless it changed meanwhile. */
DW_MUST_CHECK int reading_give(struct reading *r, const json_t *rows);

/* From when on changes are wanted, by the clock there where that is behind; INT64_MIN: all. */
int64_t reading_since(const struct reading *r);

/* The list of all bookings: what changed, or everything. */
DW_MUST_CHECK int reading_global(struct reading *r);

/* Ticket by ticket. DW_EDENIED at the end where some could not be read. */
DW_MUST_CHECK int reading_tickets(struct reading *r);

/* Those of some tickets, several under way; what is gone has none. */
DW_MUST_CHECK int reading_some(struct reading *r, const int64_t *tickets, size_t n);

#endif
