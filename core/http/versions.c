#include "http/versions.h"

#include <stdio.h>

static const struct str base = STR("/api/");

enum { DIGITS_MAX = 4 };

unsigned versions_of(struct str path)
{
    size_t i = base.n + 1;
    unsigned number = 0;

    if (!str_starts_with(path, base) || path.n <= i || path.p[base.n] != 'v' || path.p[i] == '0')
        return 0;
    for (; i < path.n && i <= base.n + DIGITS_MAX && path.p[i] >= '0' && path.p[i] <= '9'; i++)
        number = number * 10 + (unsigned)(path.p[i] - '0');
    return i == path.n || path.p[i] == '/' ? number : 0;
}

/* "/api/" and "notes/1" to "/api/v2/notes/1" */
static struct str with_version(struct arena *arena, unsigned version, struct str path)
{
    char number[16];
    int n = snprintf(number, sizeof(number), "v%u/", version);
    char *text = arena_alloc(arena, path.n + (size_t)n);

    if (!text)
        return str_make(NULL, 0);
    memcpy(text, path.p, base.n);
    memcpy(text + base.n, number, (size_t)n);
    memcpy(text + base.n + n, path.p + base.n, path.n - base.n);
    return str_make(text, path.n + (size_t)n);
}

int versions_find(const struct router *r, struct arena *arena, enum http_method method, struct str path,
                  struct router_match *out, struct str *whole)
{
    const unsigned *versions;
    size_t n = router_versions(r, &versions);
    struct router_match match;

    if (!str_starts_with(path, base) || path.n == base.n || versions_of(path))
        return 0;
    for (size_t i = 0; i < n; i++) {
        *whole = with_version(arena, versions[i], path);
        if (!whole->p)
            return -1;
        router_find(r, method, *whole, &match);
        if (match.allowed) {
            *out = match;
            return 1;
        }
    }
    return 0;
}
