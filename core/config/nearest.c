#include "config/nearest.h"

#include <limits.h>

enum { NAME_MAX_BYTES = 64 };

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Three rows of the usual table: a swap looks two rows back. */
unsigned nearest_distance(struct str a, struct str b)
{
    unsigned rows[3][NAME_MAX_BYTES + 1];
    unsigned *before = rows[0], *above = rows[1], *row = rows[2];

    if (a.n > NAME_MAX_BYTES || b.n > NAME_MAX_BYTES)
        return UINT_MAX;
    for (unsigned j = 0; j <= b.n; j++)
        above[j] = before[j] = j;
    for (unsigned i = 1; i <= a.n; i++) {
        row[0] = i;
        for (unsigned j = 1; j <= b.n; j++) {
            char x = lower(a.p[i - 1]), y = lower(b.p[j - 1]);
            row[j] = smaller(smaller(above[j], row[j - 1]) + 1, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == lower(b.p[j - 2]) && y == lower(a.p[i - 2]))
                row[j] = smaller(row[j], before[j - 2] + 1);
        }
        unsigned *free_row = before;
        before = above;
        above = row;
        row = free_row;
    }
    return above[b.n];
}

struct nearest nearest_init(struct str wanted)
{
    return (struct nearest){ .wanted = wanted, .distance = UINT_MAX };
}

void nearest_offer(struct nearest *n, const char *name)
{
    unsigned limit = n->wanted.n < 6 ? 1 : (unsigned)(n->wanted.n / 3);
    unsigned distance = nearest_distance(n->wanted, str_from(name));

    if (distance <= limit && distance < n->distance) {
        n->name = name;
        n->distance = distance;
    }
}
