/* address_counts.h - how many connections each address has. IPv6 addresses count by their /64: that is what one
 * customer gets. [any thread] */
#ifndef HTTP_ADDRESS_COUNTS_H
#define HTTP_ADDRESS_COUNTS_H

#include "util/address.h"

struct address_counts;

int address_counts_create(struct address_counts **out);
void address_counts_destroy(struct address_counts *counts); /* NULL is safe */

/* One more; false when there are `max` already, or memory is out. */
bool address_counts_add(struct address_counts *counts, const struct address *a, unsigned max);
void address_counts_remove(struct address_counts *counts, const struct address *a);

#endif
