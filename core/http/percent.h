/* percent.h - percent-decoding of paths and queries, without allocation.
 *
 * What comes out is valid UTF-8 without NUL; everything else is refused, so that no later layer (router, file system,
 * database, JSON) meets a text that it reads differently. [any thread] */
#ifndef HTTP_PERCENT_H
#define HTTP_PERCENT_H

#include "util/str.h"

/* The path of a request target, decoded and without "." and ".." segments, as the router wants it. *path is `raw`
 * itself when nothing has to change (the usual case, nothing is written), else a part of out[0..cap); cap = raw.n is
 * always enough. 0, or -1: answer 400.
 *
 * - "." and ".." are resolved after decoding: "%2e%2e" is "..". At the root ".." stays there (RFC 3986, 5.2.4).
 * - "%2F" is refused. Decoded it would be taken for a separator, kept as "%2F" it could not be told from "%252F":
 *   either way two different requests would look the same to a route or a permission.
 * - "//" is kept: an empty segment is a segment, which no route has; "//admin" is not "/admin". RFC 3986 calls them
 *   different, and merging would make us disagree with a proxy that guards one of them.
 * - "+" is a plus, "\" and ";" are ordinary characters. */
int http_path_decode(struct str raw, char *out, size_t cap, struct str *path);

/* One name or value of a query or an urlencoded form: "+" is a space. As above: `raw` itself or a part of out; -1 for
 * a broken "%", bad UTF-8, NUL, or when out is too small (cap = raw.n is always enough). */
int http_query_decode(struct str raw, char *out, size_t cap, struct str *text);

/* Takes the next pair off *rest, still encoded: start with the query. The value of "a" is empty like that of "a=";
 * empty pairs ("a=1&&b=2") are skipped. False at the end. */
bool http_query_next(struct str *rest, struct str *name, struct str *value);

/* The first parameter of that name (plain text), its value decoded into out as above. value->p is NULL when there is
 * none. 0, or -1 when its value cannot be decoded. */
int http_query_find(struct str query, const char *name, char *out, size_t cap, struct str *value);

#endif
