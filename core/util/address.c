#include "util/address.h"

#include <arpa/inet.h>
#include <string.h>

#include "util/compiler.h"

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* Sixteen bytes as they are, or the four that a mapped address stands for. */
static void set_ipv6(struct address *out, const uint8_t bytes[16])
{
    memset(out, 0, sizeof(*out));
    if (memcmp(bytes, mapped_prefix, sizeof(mapped_prefix)) == 0) {
        memcpy(out->bytes, bytes + 12, 4);
        out->size = 4;
    } else {
        memcpy(out->bytes, bytes, 16);
        out->size = 16;
    }
}

static void set_ipv4(struct address *out, const void *bytes)
{
    memset(out, 0, sizeof(*out));
    memcpy(out->bytes, bytes, 4);
    out->size = 4;
}

int address_parse(struct str text, struct address *out)
{
    char copy[ADDRESS_TEXT_SIZE];
    uint8_t bytes[16];

    if (text.n > 2 && text.p[0] == '[' && text.p[text.n - 1] == ']') {
        text = str_make(text.p + 1, text.n - 2);
        if (str_find(text, ':') == text.n)
            return -1;
    }
    if (text.n == 0 || text.n >= sizeof(copy) || memchr(text.p, 0, text.n))
        return -1;
    memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    if (inet_pton(AF_INET, copy, bytes) == 1) {
        set_ipv4(out, bytes);
        return 0;
    }
    if (inet_pton(AF_INET6, copy, bytes) == 1) {
        set_ipv6(out, bytes);
        return 0;
    }
    return -1;
}

/* One part of inet_aton()'s notation: 0x is hexadecimal, a leading 0 octal. */
static bool read_part(struct str s, uint64_t *out)
{
    unsigned base = 10;

    if (s.n > 2 && s.p[0] == '0' && (s.p[1] | 0x20) == 'x') {
        base = 16;
        s = str_make(s.p + 2, s.n - 2);
    } else if (s.n > 1 && s.p[0] == '0') {
        base = 8;
    }
    *out = 0;
    for (size_t i = 0; i < s.n; i++) {
        int digit = str_hex_digit(s.p[i]);
        if (digit < 0 || (unsigned)digit >= base)
            return false;
        *out = *out * base + (unsigned)digit;
        if (*out > UINT32_MAX)
            return false;
    }
    return s.n > 0;
}

int address_parse_lenient(struct str text, struct address *out)
{
    struct str rest = text, item;
    uint64_t part, value = 0;
    unsigned n = 0;

    if (address_parse(text, out) == 0)
        return 0;
    if (rest.n > 1 && rest.p[rest.n - 1] == '.')
        rest.n--;
    while (str_split(&rest, '.', &item)) {
        if (n == 4 || !read_part(item, &part))
            return -1;
        n++;
        bool last = rest.p == NULL;
        /* All but the last are one byte each; the last fills what is left. */
        if (part > (last ? UINT32_MAX >> (8 * (n - 1)) : 255))
            return -1;
        value |= last ? part : part << (32 - 8 * n);
    }
    if (n == 0)
        return -1;
    uint32_t bytes = htonl((uint32_t)value);
    set_ipv4(out, &bytes);
    return 0;
}

void address_from_sockaddr(const struct sockaddr *sa, struct address *out, uint16_t *port)
{
    *port = 0;
    memset(out, 0, sizeof(*out));
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;
        set_ipv4(out, &in->sin_addr);
        *port = ntohs(in->sin_port);
    } else if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sa;
        set_ipv6(out, in6->sin6_addr.s6_addr);
        *port = ntohs(in6->sin6_port);
    }
}

socklen_t address_to_sockaddr(const struct address *a, uint16_t port, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof(*out));
    if (a->size == 4) {
        struct sockaddr_in *in = (struct sockaddr_in *)(void *)out;
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        memcpy(&in->sin_addr, a->bytes, 4);
        return sizeof(*in);
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)out;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    memcpy(&in6->sin6_addr, a->bytes, 16);
    return sizeof(*in6);
}

void address_format(const struct address *a, char out[ADDRESS_TEXT_SIZE])
{
    int family = a->size == 4 ? AF_INET : AF_INET6;
    if (a->size == 0 || !inet_ntop(family, a->bytes, out, ADDRESS_TEXT_SIZE))
        memcpy(out, "unix", sizeof("unix"));
}

bool address_equal(const struct address *a, const struct address *b)
{
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

bool network_contains(const struct network *net, const struct address *a)
{
    if (net->base.size != a->size)
        return false;
    unsigned whole = net->bits / 8, rest = net->bits % 8;
    if (memcmp(net->base.bytes, a->bytes, whole) != 0)
        return false;
    return rest == 0 || (net->base.bytes[whole] ^ a->bytes[whole]) >> (8 - rest) == 0;
}

int network_parse(struct str text, struct network *out)
{
    size_t slash = str_find(text, '/');
    uint64_t bits;

    if (address_parse(str_make(text.p, slash), &out->base) != 0)
        return -1;
    bits = out->base.size * (uint64_t)8;
    if (slash < text.n && !str_to_uint(str_make(text.p + slash + 1, text.n - slash - 1), bits, &bits))
        return -1;
    out->bits = (uint8_t)bits;
    for (unsigned i = (unsigned)bits; i < out->base.size * 8u; i++) {
        if (out->base.bytes[i / 8] & (0x80 >> (i % 8)))
            return -1;
    }
    return 0;
}

struct range {
    uint8_t prefix[16];
    uint8_t bits;
    enum address_scope scope;
};

/* From IANA's special-purpose registries. The first that matches decides. */
static const struct range ranges4[] = {
    { { 127 }, 8, ADDRESS_LOOPBACK },
    { { 10 }, 8, ADDRESS_PRIVATE },
    { { 172, 16 }, 12, ADDRESS_PRIVATE },
    { { 192, 168 }, 16, ADDRESS_PRIVATE },
    { { 100, 64 }, 10, ADDRESS_PRIVATE },
    { { 169, 254 }, 16, ADDRESS_LINK_LOCAL },
    { { 0 }, 8, ADDRESS_RESERVED },
    { { 192, 0, 0 }, 24, ADDRESS_RESERVED },
    { { 192, 0, 2 }, 24, ADDRESS_RESERVED },
    { { 192, 88, 99 }, 24, ADDRESS_RESERVED },
    { { 198, 18 }, 15, ADDRESS_RESERVED },
    { { 198, 51, 100 }, 24, ADDRESS_RESERVED },
    { { 203, 0, 113 }, 24, ADDRESS_RESERVED },
    { { 224 }, 4, ADDRESS_RESERVED },
    { { 240 }, 4, ADDRESS_RESERVED },
};

static const struct range ranges6[] = {
    { { [15] = 1 }, 128, ADDRESS_LOOPBACK },
    { { 0xfe, 0x80 }, 10, ADDRESS_LINK_LOCAL },
    { { 0xfe, 0xc0 }, 10, ADDRESS_PRIVATE },
    { { 0xfc }, 7, ADDRESS_PRIVATE },
    { { 0xff }, 8, ADDRESS_RESERVED },
    { { 0x01 }, 64, ADDRESS_RESERVED },
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32, ADDRESS_RESERVED },
    { { 0x20, 0x01 }, 23, ADDRESS_RESERVED }, /* Teredo, ORCHID, benchmarking */
    { { 0x3f, 0xff }, 20, ADDRESS_RESERVED },
    { { 0x5f }, 16, ADDRESS_RESERVED },
    { { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 48, ADDRESS_RESERVED },
    { { 0 }, 128, ADDRESS_RESERVED },
};

static enum address_scope look_up(const struct range *ranges, size_t n, const struct address *a)
{
    for (size_t i = 0; i < n; i++) {
        struct network net = { .base.size = a->size, .bits = ranges[i].bits };
        memcpy(net.base.bytes, ranges[i].prefix, sizeof(ranges[i].prefix));
        if (network_contains(&net, a))
            return ranges[i].scope;
    }
    return ADDRESS_GLOBAL;
}

bool address_embedded(const struct address *a, struct address *out)
{
    static const struct {
        uint8_t prefix[12];
        uint8_t size, at;
    } forms[] = {
        { { 0x00, 0x64, 0xff, 0x9b }, 12, 12 }, /* NAT64 */
        { { 0x20, 0x02 }, 2, 2 },               /* 6to4 */
        { { [8] = 0xff, 0xff }, 12, 12 },       /* IPv4-translated */
        { { 0 }, 12, 12 },                      /* IPv4-compatible */
    };

    if (a->size != 16)
        return false;
    for (size_t i = 0; i < DW_COUNT_OF(forms); i++) {
        if (memcmp(a->bytes, forms[i].prefix, forms[i].size) == 0) {
            set_ipv4(out, a->bytes + forms[i].at);
            return true;
        }
    }
    return false;
}

/* :: and ::1 look like IPv4-compatible addresses and are none. */
static bool is_small(const struct address *a)
{
    static const uint8_t zeros[15] = { 0 };
    return memcmp(a->bytes, zeros, sizeof(zeros)) == 0;
}

enum address_scope address_scope_of(const struct address *a)
{
    struct address inner;
    enum address_scope scope;

    if (a->size == 4)
        return look_up(ranges4, DW_COUNT_OF(ranges4), a);
    if (a->size != 16)
        return ADDRESS_RESERVED;
    if (!is_small(a) && address_embedded(a, &inner)) {
        scope = address_scope_of(&inner);
        bool routed = a->bytes[0] == 0x20 || a->bytes[1] == 0x64; /* the other two forms were never public */
        return scope == ADDRESS_GLOBAL && !routed ? ADDRESS_RESERVED : scope;
    }
    scope = look_up(ranges6, DW_COUNT_OF(ranges6), a);
    return scope == ADDRESS_GLOBAL && (a->bytes[0] & 0xe0) != 0x20 ? ADDRESS_RESERVED : scope;
}
