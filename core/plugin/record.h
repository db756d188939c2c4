/* record.h - small JSON files that the server keeps about plugins, in DATA/plugins. Each is replaced as a whole, so it may
 * be read at any time, also by the command line. [any thread of any process] */
#ifndef PLUGIN_RECORD_H
#define PLUGIN_RECORD_H

#include <jansson.h>

/* The object in DATA/plugins/NAME, the caller's. NULL when there is none, it cannot be understood, or somebody else may
 * have written it: then it is as if there were none. */
json_t *record_read(const char *data_dir, const char *name);

/* Writes it, readable for its owner only. 0, or -1 with errno: EPERM when the data are another user's, who could not
 * write there any more afterwards. */
int record_write(const char *data_dir, const char *name, const json_t *record);

#endif
