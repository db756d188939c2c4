/* listen.h - the places where the server listens, as they are written: "127.0.0.1:8000", "[::1]:8000", ":8000",
 * "https://192.0.2.1:443", "unix:/run/dowel/http.sock". [any thread] */
#ifndef SUPERVISE_LISTEN_H
#define SUPERVISE_LISTEN_H

#include <sys/types.h>

#include "util/address.h"
#include "util/buf.h"

enum { LISTEN_PATH_SIZE = 108, LISTEN_TEXT_SIZE = LISTEN_PATH_SIZE + 8, LISTEN_UNIX_MODE = 0660 };

struct listen_spec {
    bool tls;
    struct address address;      /* size 0: a Unix socket */
    uint16_t port;               /* 0: any free one */
    mode_t mode;                 /* of a Unix socket */
    char path[LISTEN_PATH_SIZE]; /* of a Unix socket, terminated */
};

/* "localhost" is 127.0.0.1, an empty address or "*" is 0.0.0.0; other names are refused, as they could mean something
 * else at the next start. 0, or -1 with a sentence added to why. */
int listen_parse(struct str text, struct listen_spec *out, struct buf *why);

static inline bool listen_is_unix(const struct listen_spec *spec)
{
    return spec->address.size == 0;
}

/* The same socket, whatever is spoken on it. */
bool listen_same(const struct listen_spec *a, const struct listen_spec *b);

/* "http://127.0.0.1:8000", "https://[::1]:8443", "unix:/path" with the port that was found for port 0. */
void listen_format(const struct listen_spec *spec, uint16_t port, char out[LISTEN_TEXT_SIZE]);

#endif
