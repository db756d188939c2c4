/* url.h - a URL read once, by the parser that libcurl itself will use, and written anew: what was judged is what is
 * asked. [any thread] */
#ifndef CLIENT_URL_H
#define CLIENT_URL_H

#include "util/address.h"
#include "util/buf.h"

struct url {
    char *text;  /* absolute, host canonical and ASCII, without user, password and fragment */
    char *shown; /* the same without its query: fit for logs */
    char *host;  /* lower case, without brackets */
    struct address
        address; /* of a host that is no name, in whatever notation it was written; size 0: a name */
    uint16_t port;
    bool tls;
};

/* `base` resolves relative references; NULL wants an absolute one. 0, or -1 and *why ("it holds a user name..."). *out
 * is to be finished in both cases. */
int url_parse(struct url *out, const char *text, const struct url *base, const char **why);
void url_finish(struct url *u);

/* Same scheme, host and port: whoever got the credentials there may get them here. */
bool url_same_origin(const struct url *a, const struct url *b);

/* A proxy's URL: http or socks5h, with user and password perhaps. Texts are malloc'ed; user and password may be NULL. */
struct proxy_url {
    char *host, *user, *password;
    struct address address;
    uint16_t port;
    bool socks;
};

int proxy_url_parse(struct proxy_url *out, const char *text, const char **why);
void proxy_url_finish(struct proxy_url *u);

/* Appends name=value, percent-encoded, behind '?' or '&' as the URL in *url needs it. */
void url_add_query(struct buf *url, struct str name, struct str value);

#endif
