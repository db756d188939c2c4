/* fact.h - one row as a fact: what is kept of a ticket or a user. [any thread] */
#ifndef ZAMMAD_FACT_H
#define ZAMMAD_FACT_H

#include "facts.h"

/* In one piece, free() it; NULL: memory is out. row: expanded or not. NULL row: nothing is known of it. */
struct ticket *fact_ticket(int64_t id, const json_t *row);
struct person *fact_person(int64_t id, const json_t *row);
struct person *fact_person_copy(const struct person *p);

#endif
