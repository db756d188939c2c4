/* address.h - IP addresses and networks: who is asking, and whom we may ask.
 *
 * An IPv4 address and its IPv4-mapped IPv6 form are the same address here (kept as 4 bytes), so that a rule about
 * 127.0.0.0/8 cannot be got around by ::ffff:127.0.0.1. [any thread] */
#ifndef UTIL_ADDRESS_H
#define UTIL_ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "util/str.h"

struct address {
    uint8_t bytes[16];
    uint8_t size; /* 4, 16, or 0: none (a Unix socket) */
};

struct network {
    struct address base;
    uint8_t bits;
};

/* What an address is good for. Order means nothing. */
enum address_scope {
    ADDRESS_GLOBAL,
    ADDRESS_LOOPBACK,
    ADDRESS_PRIVATE,    /* RFC 1918, fc00::/7, 100.64/10 (carrier NAT) */
    ADDRESS_LINK_LOCAL, /* 169.254/16 (cloud metadata!), fe80::/10 */
    ADDRESS_RESERVED /* unspecified, multicast, broadcast, documentation, benchmarking, 6to4/NAT64 of the above... */
};

/* Strict: "192.0.2.1", "2001:db8::1", "[2001:db8::1]"; no octal, no hex, no short forms, no zone. 0 or -1. */
int address_parse(struct str text, struct address *out);

/* Whatever inet_aton(), and with it getaddrinfo() and libcurl, would take for an address: also "127.1", "0x7f000001",
 * "017700000001", "2130706433" and "127.0.0.1."; IPv6 as above. For judging, never for configuration. 0 or -1. */
int address_parse_lenient(struct str text, struct address *out);

void address_from_sockaddr(const struct sockaddr *sa, struct address *out, uint16_t *port);
socklen_t address_to_sockaddr(const struct address *a, uint16_t port, struct sockaddr_storage *out);

/* The canonical text, or "unix" for none; 46 bytes are enough. */
enum { ADDRESS_TEXT_SIZE = 46 };
void address_format(const struct address *a, char out[ADDRESS_TEXT_SIZE]);

bool address_equal(const struct address *a, const struct address *b);

/* The IPv4 address inside an IPv6 one that a router or translator may unpack: 6to4, NAT64 (64:ff9b::/96),
 * IPv4-compatible (::a.b.c.d) and IPv4-translated (::ffff:0:a.b.c.d). False when it carries none. */
bool address_embedded(const struct address *a, struct address *out);

/* Looks through the forms above: what they lead to decides. IPv6 outside 2000::/3 is reserved unless known otherwise. */
enum address_scope address_scope_of(const struct address *a);

/* "10.0.0.0/8", "::1", "fd00::/8"; bits outside the mask must be 0. 0 or -1. */
int network_parse(struct str text, struct network *out);
bool network_contains(const struct network *net, const struct address *a);

#endif
