/* insider.h - who may see how the server is doing: this machine, and networks that an admin allowed.
 *
 * What counts is who stands behind the trusted proxies. A proxy on this machine makes every stranger look like loopback
 * as soon as it is not trusted or not asked, so any sign of one that we cannot see through makes a stranger. */
#ifndef HTTP_INSIDER_H
#define HTTP_INSIDER_H

#include "util/address.h"

struct insider_caller {
    struct address client; /* size 0: a Unix socket, whose file says who may use it */
    bool known;            /* as of struct forwarded */
    bool signs_of_proxy;   /* Via or X-Real-IP without forwarding fields */
};

/* Pure. [any thread] */
bool insider_judge(const struct insider_caller *caller, const struct network *allow, size_t allow_n);

#endif
