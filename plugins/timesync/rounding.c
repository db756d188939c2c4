#include "rounding.h"

#include <stdbool.h>

#define SECOND INT64_C(1000000)
#define MINUTE INT64_C(60000000)

enum { DAY = 1440 }; /* minutes */

enum way { DOWN, UP, NEAREST, WAYS };

/* Half of it goes down, as Kimai does it. */
static int64_t moved(int64_t t, int64_t grid, enum way way)
{
    const int64_t over = grid ? t % grid : 0;
    const bool is_up = way == UP || (way == NEAREST && 2 * over > grid);

    return over == 0 ? t : t - over + (is_up ? grid : 0);
}

/* ---- begin, end and length ---- */

struct pair {
    int64_t from, to;
};

static struct pair of_begin(const struct rounded *r)
{
    return (struct pair){ r->begin, r->made_begin };
}

static struct pair of_end(const struct rounded *r)
{
    return (struct pair){ r->end, r->made_end };
}

static struct pair of_length(const struct rounded *r)
{
    return (struct pair){ r->made_end - r->made_begin, r->made_seconds * SECOND };
}

typedef struct pair (*part)(const struct rounded *r);

static bool fits(part of, const struct rounded *r, int64_t grid, enum way way)
{
    const struct pair pair = of(r);

    return moved(pair.from, grid, way) == pair.to;
}

static bool fits_all(part of, const struct rounded *others, size_t n, int64_t grid, enum way way)
{
    for (size_t i = 0; i < n; i++)
        if (!fits(of, &others[i], grid, way))
            return false;
    return true;
}

static enum rounding explains(part of, const struct rounded *others, size_t n, const struct rounded *is)
{
    bool is_explained = false, is_denied = false;

    for (int64_t minutes = 0; minutes <= DAY; minutes++)
        for (enum way way = DOWN; way < WAYS; way++)
            if (fits_all(of, others, n, minutes * MINUTE, way)) {
                const bool fits_it = fits(of, is, minutes * MINUTE, way);

                is_explained = is_explained || fits_it;
                is_denied = is_denied || !fits_it;
            }
    if (is_explained == is_denied)
        return ROUNDING_MAYBE;
    return is_explained ? ROUNDING_YES : ROUNDING_NO;
}

enum rounding rounding_explains(const struct rounded *others, size_t n, const struct rounded *is)
{
    static const part parts[] = { of_begin, of_end, of_length };
    enum rounding all = ROUNDING_YES;

    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        const enum rounding one = explains(parts[i], others, n, is);

        all = one < all ? one : all;
    }
    return all;
}
