/* probe.h - opens plugins in a child process to learn what they say about themselves. What crashes, hangs or ends the
 * process when it is opened does that to the child.
 *
 * One child takes all files, one after the other, and says before each which it is: so its end is charged to the right
 * one, and another child goes on with the rest. */
#ifndef PLUGIN_PROBE_H
#define PLUGIN_PROBE_H

#include <jansson.h>

#include "plugin/descriptor.h"

struct probe_file {
    const char *name, *path; /* in: without .so */
    json_t *found;           /* out: what it says about itself, the caller's; NULL: why not */
    const char *why;         /* out: in the arena; NULL when found */
};

/* Opens each of the files, which somebody has found safe to open, for at most limit_us. Children inherit no open file but
 * what they need, write no core dump, and their signals do what they do by default. 0, or -1 when memory is out, with some
 * files still without found and why. [main thread, before any other] */
int probe_files(struct probe_file *files, size_t n, int64_t limit_us, struct arena *arena);

/* The same for one file in this very process, for debuggers: NULL and a sentence added to why, or what was found. */
json_t *probe_here(const char *name, const char *path, struct buf *why);

/* ---- what is found ----
 *
 *   {"name": "notes", "version": "1.0.0", "abi": [0, 1, 1], "summary": "", "license": "", "needs": "", "wants": "",
 *    "settings": 24, "items": [{"name": "max_length", "type": 2, "offset": 0, "fallback": "10000", "help": "",
 *    "min": 1, "max": 0, "one_of": null, "pattern": null}], "operations": ["createNote"],
 *    "routes": [{"method": "GET", "path": "/dav/{rest...}", "permission": "-"}], "questions": ["door.may_enter"],
 *    "hooks": ["auth.authenticate"], "services": ["mail.send/1"], "assets": ["api.yaml"],
 *    "commands": [{"name": "notes list", "summary": "", "help": "", "input": 0, "flags": 0, "timeout": null,
 *    "arguments": [{"name": "--limit", "value": "N", "help": "", "one_of": null, "type": 1, "optional": false,
 *    "required": false, "many": false}]}],
 *    "migrations": [{"path": "migrations/0001_notes.sql", "text": "-- migrate:up..."}], "api": "openapi: 3.1.0..."} */

/* A new object; NULL when memory is out or a text is not UTF-8, with a sentence added to why. */
json_t *probe_describe(const struct plugin_descriptor *d, struct buf *why);

/* The ABI that this server probes with, "0.1": what was found with another one is not believed. */
const char *probe_abi(void);

#endif
