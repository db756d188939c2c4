/* merged.h - tickets that were merged into others. [call]
 *
 * Zammad moves the articles, leaves what was booked at the old ticket, and gives that one a state of the type "merged". Into
 * which it went stands in its history, and in its links: the new one is its parent. */
#ifndef ZAMMAD_MERGED_H
#define ZAMMAD_MERGED_H

#include "strategy.h"

/* Asks which states mean it, whatever they are called there, unless that is known. None where these credentials may not ask. */
DW_MUST_CHECK int merged_know(struct desk *d, struct strategy *way);

/* Is this row's ticket merged? */
bool merged_says(const int64_t *states, size_t max, const json_t *row);

/* Into which each of them went; 0 where nobody says. */
DW_MUST_CHECK int merged_targets(struct desk *d, const int64_t *tickets, size_t n, int64_t *targets);

#endif
