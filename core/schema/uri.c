#include "schema/inside.h"

struct parts {
    struct str scheme, authority, path, query; /* with what divides them: "http:", "//host", "?a" */
};

static struct parts split(struct str uri)
{
    struct parts p = { STR_OF(""), STR_OF(""), STR_OF(""), STR_OF("") };
    size_t colon = 0;

    uri.n = str_find(uri, '#');
    while (colon < uri.n && uri.p[colon] != ':' && uri.p[colon] != '/' && uri.p[colon] != '?')
        colon++;
    if (colon > 0 && colon < uri.n && uri.p[colon] == ':') {
        p.scheme = str_make(uri.p, colon + 1);
        uri = str_make(uri.p + colon + 1, uri.n - colon - 1);
    }
    if (str_starts_with(uri, STR_OF("//"))) {
        size_t n = 2;
        while (n < uri.n && uri.p[n] != '/' && uri.p[n] != '?')
            n++;
        p.authority = str_make(uri.p, n);
        uri = str_make(uri.p + n, uri.n - n);
    }
    p.path = str_make(uri.p, str_find(uri, '?'));
    p.query = str_make(uri.p + p.path.n, uri.n - p.path.n);
    return p;
}

struct str uri_fragment(struct str reference)
{
    size_t at = str_find(reference, '#');
    return at < reference.n ? str_make(reference.p + at + 1, reference.n - at - 1) : STR_OF("");
}

/* "." and ".." go, where they stand. */
static size_t remove_dots(char *path, size_t n)
{
    size_t out = 0, at = 0;

    while (at < n) {
        size_t end = at + 1;
        while (end < n && path[end] != '/')
            end++;
        struct str segment = str_make(path + at, end - at);
        bool is_up = str_equal(segment, STR_OF("/..")), is_here = str_equal(segment, STR_OF("/."));
        while (is_up && out > 0 && path[--out] != '/')
            ;
        if (!is_up && !is_here) {
            memmove(path + out, segment.p, segment.n);
            out += segment.n;
        } else if (end == n) {
            path[out++] = '/';
        }
        at = end;
    }
    return out;
}

static char *join(struct arena *arena, const struct parts *p, struct str folder)
{
    struct str rest = p->path;
    char *out = arena_alloc(arena, p->scheme.n + p->authority.n + folder.n + rest.n + p->query.n + 2);
    size_t n = 0;

    if (!out)
        return NULL;
    const struct str before[] = { p->scheme, p->authority };
    for (size_t i = 0; i < 2; i++) {
        memcpy(out + n, before[i].n ? before[i].p : "", before[i].n);
        n += before[i].n;
    }
    char *path = out + n;
    size_t path_n = folder.n + rest.n;
    memcpy(path, folder.n ? folder.p : "", folder.n);
    memcpy(path + folder.n, rest.n ? rest.p : "", rest.n);
    if (path_n > 0 && *path == '/')
        path_n = remove_dots(path, path_n);
    n += path_n;
    memcpy(out + n, p->query.n ? p->query.p : "", p->query.n);
    out[n + p->query.n] = '\0';
    return out;
}

char *uri_resolve(struct arena *arena, struct str base, struct str reference)
{
    struct parts b = split(base), r = split(reference);
    struct str folder = STR_OF("");

    if (r.scheme.n)
        return join(arena, &r, folder);
    r.scheme = b.scheme;
    if (r.authority.n)
        return join(arena, &r, folder);
    r.authority = b.authority;
    if (r.path.n == 0) {
        r.path = b.path;
        if (r.query.n == 0)
            r.query = b.query;
    } else if (*r.path.p != '/') {
        folder = b.path;
        while (folder.n > 0 && folder.p[folder.n - 1] != '/')
            folder.n--;
        if (folder.n == 0 && b.authority.n)
            folder = STR_OF("/");
    }
    return join(arena, &r, folder);
}
