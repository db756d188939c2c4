/* library.h - shared objects, by way of libltdl: the only module that knows it.
 *
 * libltdl is not thread-safe, and a plugin's constructors run inside library_open: all of it on the main thread, before
 * the workers start, or in a probe. */
#ifndef PLUGIN_LIBRARY_H
#define PLUGIN_LIBRARY_H

#include <dowel/plugin.h>

#include "util/buf.h"

struct library;

/* Maps the file of exactly that path, with every symbol bound at once and none given to others. 0, or -1 with a sentence
 * added to why. It stays mapped until the process ends. */
int library_open(struct library **out, const char *path, struct buf *why);

/* What it exports: its descriptor, which is not checked yet. NULL with a sentence in why: no plugin. Runs the exported
 * function. */
const dw_plugin *library_plugin(struct library *l, struct buf *why);

/* Forgets it; what is mapped stays. NULL is safe. */
void library_forget(struct library *l);

#endif
