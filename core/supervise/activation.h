/* activation.h - sockets that systemd opened for us (sd_listen_fds(3)). [one thread, at start] */
#ifndef SUPERVISE_ACTIVATION_H
#define SUPERVISE_ACTIVATION_H

#include "util/str.h"

enum { ACTIVATION_FIRST_FD = 3 };

struct activation {
    unsigned n;        /* descriptors 3 .. 3 + n - 1 */
    const char *names; /* "http:https", or NULL; borrowed */
};

/* From the values of LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES, each possibly NULL. n is 0 when they are not meant for
 * process `pid`. 0, or -1 when they are meant for it and make no sense. */
int activation_parse(struct activation *out, const char *listen_pid, const char *listen_fds,
                     const char *names, long pid);

/* The name of the i-th descriptor; empty when it has none. */
struct str activation_name(const struct activation *a, unsigned i);

#endif
