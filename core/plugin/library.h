/* library.h - a plugin's file, opened as code. The only module that knows libltdl.
 *
 * Everything is bound when it is opened, a plugin's names stay its own, and nothing is ever closed: code may still run in
 * it, or a handler point there. [main thread, before any other thread: libltdl is not thread-safe] */
#ifndef PLUGIN_LIBRARY_H
#define PLUGIN_LIBRARY_H

#include <dowel/plugin.h>

#include "util/buf.h"

struct library;

/* Opens exactly that file (a path with a slash; nothing is searched for), which runs its constructors. 0, or -1 with a
 * sentence added to why that says what the loader of the system found: the name of what is missing. */
int library_open(struct library **out, const char *path, struct buf *why);

/* Asks it for its descriptor, which nobody has checked yet. NULL with a sentence added to why: it is no plugin. */
const dw_plugin *library_plugin(struct library *l, struct buf *why);

/* Forgets it; what is mapped stays. NULL is safe. */
void library_forget(struct library *l);

#endif
