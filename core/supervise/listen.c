#include "supervise/listen.h"

#include <stdio.h>

void listen_from(const struct core_listener *listener, struct listen_spec *out)
{
    *out = (struct listen_spec){ .tls = listener->tls, .address = listener->address, .port = listener->port };
    if (listener->path) {
        out->mode = LISTEN_UNIX_MODE;
        snprintf(out->path, sizeof(out->path), "%s", listener->path);
    }
}

int listen_parse(const char *text, struct listen_spec *out)
{
    struct core_listener listener;

    if (core_listener_parse(str_from(text), &listener))
        return -1;
    listen_from(&listener, out);
    return 0;
}

bool listen_same(const struct listen_spec *a, const struct listen_spec *b)
{
    if (listen_is_unix(a) || listen_is_unix(b))
        return listen_is_unix(a) && listen_is_unix(b) && strcmp(a->path, b->path) == 0;
    return a->port == b->port && a->nth == b->nth && address_equal(&a->address, &b->address);
}

void listen_number(struct listen_spec *specs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        specs[i].nth = 0;
        for (size_t k = 0; k < i && !listen_is_unix(&specs[i]) && specs[i].port == 0; k++) {
            if (specs[k].port == 0 && address_equal(&specs[k].address, &specs[i].address))
                specs[i].nth = (uint8_t)(specs[k].nth + 1);
        }
    }
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
