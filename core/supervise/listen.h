/* listen.h - a place where the server listens, in a form that can be copied, compared and handed to another process.
 * [any thread] */
#ifndef SUPERVISE_LISTEN_H
#define SUPERVISE_LISTEN_H

#include <sys/types.h>

#include "config/core_config.h"

enum { LISTEN_PATH_SIZE = 108, LISTEN_TEXT_SIZE = LISTEN_PATH_SIZE + 8, LISTEN_UNIX_MODE = 0660 };

struct listen_spec {
    bool tls;
    struct address address;      /* size 0: a Unix socket */
    uint16_t port;               /* 0: any free one */
    uint8_t nth;                 /* of several with one address and port 0, which are as many sockets */
    mode_t mode;                 /* of a Unix socket */
    char path[LISTEN_PATH_SIZE]; /* of a Unix socket, terminated */
};

/* From the configuration. */
void listen_from(const struct core_listener *listener, struct listen_spec *out);

/* From a text that was checked before. 0 or -1. */
int listen_parse(const char *text, struct listen_spec *out);

static inline bool listen_is_unix(const struct listen_spec *spec)
{
    return spec->address.size == 0;
}

/* Fills nth. */
void listen_number(struct listen_spec *specs, size_t n);

/* The same socket, whatever is spoken on it. */
bool listen_same(const struct listen_spec *a, const struct listen_spec *b);

/* "http://127.0.0.1:8000", "https://[::1]:8443", "unix:/path" with the port that was found for port 0. */
void listen_format(const struct listen_spec *spec, uint16_t port, char out[LISTEN_TEXT_SIZE]);

#endif
