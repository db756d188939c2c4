/* owner.h - who holds a port: for error messages and `dowel doctor`. */
#ifndef SUPERVISE_OWNER_H
#define SUPERVISE_OWNER_H

#include <sys/types.h>

#include "supervise/listen.h"

enum { OWNER_NAME_SIZE = 32 };

struct port_owner {
    pid_t pid;                  /* 0: not known (another user's process) */
    char name[OWNER_NAME_SIZE]; /* of the program */
};

/* Looks through /proc for the process that listens where `spec` (with a port) would. False when nobody listens there.
 * Slow (it walks all processes): for people who wait, not for requests. [any thread] */
bool port_owner_find(const struct listen_spec *spec, struct port_owner *out);

#endif
