/* booking.h - one row of Zammad's time accounting. */
#ifndef ZAMMAD_BOOKING_H
#define ZAMMAD_BOOKING_H

#include "facts.h"

/* Texts are borrowed from the row. */
struct booking {
    int64_t id, ticket, agent;
    int64_t type;             /* 0: none */
    const char *type_name;    /* NULL: not said */
    const char *amount;       /* as it stands there; "" where there is none */
    dw_time created, changed; /* changed 0: it does not say, or says nothing that is a time */
};

/* DW_EUPSTREAM for a row without its numbers. */
DW_MUST_CHECK int booking_read(struct desk *d, const json_t *row, struct booking *out);

/* Hands it over, with what is known of its ticket and people; facts NULL: its numbers are enough. */
DW_MUST_CHECK int booking_give(struct desk *d, const struct booking *b, const struct facts *facts,
                               dw_found *out);

/* Who pays for a ticket without an organisation of its own is to be asked about: 0, or the customer's number. */
int64_t booking_payer(const struct booking *b, const struct facts *facts);

#endif
