/* remote.h - the command line's end of data/dowel.sock. [any thread] */
#ifndef SUPERVISE_REMOTE_H
#define SUPERVISE_REMOTE_H

#include <jansson.h>
#include <sys/un.h>

#include "util/buf.h"

/* Connects to the server that runs on data_dir. The descriptor, or -1 with a sentence added to why. */
int remote_connect(const char *data_dir, struct buf *why);

enum remote_result { REMOTE_ANSWERED, REMOTE_NO_SERVER, REMOTE_BROKEN };

/* Asks and waits at most timeout_us for the answer, a JSON object that is the caller's. `arguments` may be NULL and is
 * borrowed. Otherwise a sentence is added to why. */
enum remote_result remote_call(const char *data_dir, const char *verb, json_t *arguments, int64_t timeout_us,
                               json_t **answer, struct buf *why);

/* The socket's address. A path that is too long for one is reached through an open directory, *dir (else -1), to be
 * closed after bind or connect. 0 or -1 with errno. */
int remote_address(const char *data_dir, struct sockaddr_un *out, int *dir);

#endif
