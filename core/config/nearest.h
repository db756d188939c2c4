/* nearest.h - the name that was probably meant. [any thread] */
#ifndef CONFIG_NEAREST_H
#define CONFIG_NEAREST_H

#include "util/str.h"

/* Damerau-Levenshtein distance (insert, delete, replace, swap of neighbours), without case; texts above 64 bytes are
 * as far as anything can be. */
unsigned nearest_distance(struct str a, struct str b);

/* Collects the best of many: offer every name, then take what is in `name`; NULL when none is near enough to be a
 * slip of the fingers (a third of the letters, at least one). */
struct nearest {
    struct str wanted;
    const char *name;
    unsigned distance;
};

struct nearest nearest_init(struct str wanted);
void nearest_offer(struct nearest *n, const char *name);

#endif
