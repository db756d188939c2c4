/* static.h - serves the files below a folder, from the loop.
 *
 * GET and HEAD; index.html for folders (an address without the final slash is redirected to the one with it); strong
 * ETags from what the file system knows (time, size, inode), Last-Modified, conditions and ranges; NAME.br and NAME.gz
 * beside a file, unless older than it, are sent to who accepts them.
 *
 * Only regular files that lie in the folder: links are followed as long as they are relative and stay inside, and
 * names that begin with a dot do not exist (but ".well-known" at the top: RFC 8615), nor do names with a backslash or
 * an empty segment. What must not be seen and what is not there are the same 404. */
#ifndef HTTP_STATIC_H
#define HTTP_STATIC_H

#include "http/router.h"

struct static_site;

struct static_options {
    /* Cache-Control of everything, borrowed for ever; NULL: "no-cache", which means: keep it, but ask each time
     * whether it has changed (a 304 costs little). */
    const char *cache_control;

    /* Names with a hash in them, as bundlers write ("app-3f2a9c1b.js": eight or more letters and digits, both kinds,
     * after the last '-' or '.' before the ending) may be kept for a year. Only for folders where such a name never
     * gets new content. */
    bool hashed_names;

    bool no_precompressed; /* do not look for .br and .gz */

    /* The file that answers the prefix itself ("/docs"), which is else redirected to the folder; the folder is then
     * redirected to it. Its relative links are seen from above the folder. Borrowed for ever; NULL: none. */
    const char *page;

    /* Content-Security-Policy of all that is sent, borrowed for ever; NULL: none. */
    const char *policy;
};

/* Mounts the folder at `prefix` ("" or "/": at the root, else like "/assets"). The site must not be destroyed before
 * the router; `options` may be NULL. 0, or -1 with a sentence in why. [before start] */
int static_mount(struct static_site **out, struct router *r, const char *prefix, const char *dir,
                 const struct static_options *options, char why[ROUTER_WHY_SIZE]);
void static_destroy(struct static_site *site);

#endif
