/* facts.h - what bookings point at: tickets, and people. [call]
 *
 * A booking has only numbers. What is behind them is asked for once and kept for one list, in bounded memory: tickets a
 * hundred at a time, people one by one as they are few, or all of them where they are many. */
#ifndef ZAMMAD_FACTS_H
#define ZAMMAD_FACTS_H

#include "desk.h"
#include "idmap.h"
#include "strategy.h"

struct ticket {
    int64_t id;
    bool known;                     /* else it is not there any more, or these credentials may not see it */
    int64_t organization, customer; /* 0: none */
    bool merged;
    int64_t merged_into; /* 0: it was not, or nobody says into which; see facts_want_merges() */
    const char *number, *title, *organization_name; /* NULL: not said */
};

struct person {
    int64_t id;
    bool known;
    int64_t organization;
    const char *name, *email, *organization_name;
};

struct facts {
    struct idmap tickets, people; /* of struct ticket *, struct person * */
    struct strategy *way;         /* the caller's: which states of tickets mean that they were merged */
    bool knows_all_people;
    bool takes_recent;    /* people as they were a minute ago are good enough: see recent.h */
    bool no_bulk;         /* tickets are asked for one by one */
    unsigned bulk_missed; /* that were not there when asked for one by one either */
};

/* Forgets all at the end of the call. */
DW_MUST_CHECK int facts_open(struct desk *d, struct facts *f, struct strategy *way);

/* Asks for those that are not known yet. What was got before may be gone then. */
DW_MUST_CHECK int facts_want_tickets(struct desk *d, struct facts *f, const int64_t *ids, size_t n);
DW_MUST_CHECK int facts_want_people(struct desk *d, struct facts *f, const int64_t *ids, size_t n);

/* Of those tickets, which are wanted already, into which the merged ones went. */
DW_MUST_CHECK int facts_want_merges(struct desk *d, struct facts *f, const int64_t *ids, size_t n);

/* Of rows that came by another way; their `expand` was asked for. */
DW_MUST_CHECK int facts_learn_tickets(struct desk *d, struct facts *f, const json_t *rows);

/* NULL: was not wanted. Until the next want or learn. */
const struct ticket *facts_ticket(const struct facts *f, int64_t id);
const struct person *facts_person(const struct facts *f, int64_t id);

#endif
