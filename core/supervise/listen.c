#include "supervise/listen.h"

#include <stdio.h>

static int parse_unix(struct str path, struct listen_spec *out, struct buf *why)
{
    if (path.n == 0 || path.p[0] != '/' || memchr(path.p, 0, path.n)) {
        buf_add_format(why,
                       "unix:%.*s: a Unix socket needs an absolute path, such as unix:/run/dowel/http.sock",
                       STR_ARG(path));
        return -1;
    }
    if (path.n >= sizeof(out->path)) {
        buf_add_format(why, "unix:%.*s: the path of a Unix socket has at most %zu bytes, this one has %zu",
                       STR_ARG(path), sizeof(out->path) - 1, path.n);
        return -1;
    }
    memcpy(out->path, path.p, path.n);
    out->mode = LISTEN_UNIX_MODE;
    return 0;
}

/* Splits at the last colon: an IPv6 address has its own, and stands in brackets for that reason. */
static bool split_port(struct str text, struct str *host, struct str *port)
{
    size_t at = text.n;

    while (at > 0 && text.p[at - 1] != ':')
        at--;
    if (at == 0)
        return false;
    *host = str_make(text.p, at - 1);
    *port = str_make(text.p + at, text.n - at);
    return true;
}

static int parse_host(struct str host, struct address *out)
{
    if (host.n == 0 || str_equal(host, STR_OF("*")))
        host = STR_OF("0.0.0.0");
    if (str_equal_nocase(host, STR_OF("localhost")))
        host = STR_OF("127.0.0.1");
    if (str_find(host, ':') < host.n && host.p[0] != '[')
        return -1;
    return address_parse(host, out);
}

int listen_parse(struct str text, struct listen_spec *out, struct buf *why)
{
    static const struct str schemes[] = { STR("http://"), STR("https://") };
    struct str rest = text, host, port;
    uint64_t number;

    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < DW_COUNT_OF(schemes); i++) {
        if (str_starts_with(rest, schemes[i])) {
            rest = str_make(rest.p + schemes[i].n, rest.n - schemes[i].n);
            out->tls = i == 1;
            break;
        }
    }
    if (str_starts_with(rest, STR_OF("unix:")))
        return parse_unix(str_make(rest.p + 5, rest.n - 5), out, why);
    if (!split_port(rest, &host, &port) || !str_to_uint(port, UINT16_MAX, &number)) {
        buf_add_format(why, "%.*s: no place to listen; write ADDRESS:PORT, [IPV6]:PORT or unix:/PATH",
                       STR_ARG(text));
        return -1;
    }
    if (parse_host(host, &out->address)) {
        buf_add_format(
            why,
            "%.*s: \"%.*s\" is no IP address; write for example 127.0.0.1:8000, 0.0.0.0:8000 (all IPv4) or "
            "[::]:8000 (all IPv6)",
            STR_ARG(text), STR_ARG(host));
        return -1;
    }
    out->port = (uint16_t)number;
    return 0;
}

bool listen_same(const struct listen_spec *a, const struct listen_spec *b)
{
    if (listen_is_unix(a) || listen_is_unix(b))
        return listen_is_unix(a) && listen_is_unix(b) && strcmp(a->path, b->path) == 0;
    return a->port == b->port && address_equal(&a->address, &b->address);
}

void listen_format(const struct listen_spec *spec, uint16_t port, char out[LISTEN_TEXT_SIZE])
{
    char address[ADDRESS_TEXT_SIZE];

    if (listen_is_unix(spec)) {
        snprintf(out, LISTEN_TEXT_SIZE, "unix:%s", spec->path);
        return;
    }
    address_format(&spec->address, address);
    snprintf(out, LISTEN_TEXT_SIZE, spec->address.size == 16 ? "%s://[%s]:%u" : "%s://%s:%u",
             spec->tls ? "https" : "http", address, (unsigned)port);
}
