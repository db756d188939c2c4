#include "client/guard.h"

#include "util/compiler.h"

/* Metadata services that do not live in 169.254/16: they hand out the machine's credentials to whoever asks. */
static const struct network metadata[] = {
    { { { 168, 63, 129, 16 }, 4 }, 32 },                                   /* Azure */
    { { { 100, 100, 100, 200 }, 4 }, 32 },                                 /* Alibaba */
    { { { 192, 0, 0, 192 }, 4 }, 32 },                                     /* Oracle */
    { { { 0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54 }, 16 }, 128 }, /* AWS */
    { { { 0xfd, 0x20, 0x00, 0xce, [14] = 0x02, [15] = 0x54 }, 16 }, 128 }, /* Google */
};

static const struct str metadata_names[] = {
    STR("metadata.google.internal"),
    STR("metadata.goog"),
    STR("metadata.azure.internal"),
    STR("instance-data"),
    STR("metadata"),
};

static bool listed(const struct network *list, size_t n, const struct address *a)
{
    for (size_t i = 0; i < n; i++) {
        if (network_contains(&list[i], a))
            return true;
    }
    return false;
}

static bool is_never(const struct address *a)
{
    struct address inner;

    if (address_scope_of(a) == ADDRESS_LINK_LOCAL || listed(metadata, DW_COUNT_OF(metadata), a))
        return true;
    return address_embedded(a, &inner) && is_never(&inner);
}

static const struct address loopback4 = { { 127, 0, 0, 1 }, 4 };
static const struct address loopback6 = { { [15] = 1 }, 16 };

static bool is_listed(const struct guard *g, const struct address *a)
{
    if (listed(g->allow, g->allow_n, a) || listed(g->also, g->also_n, a))
        return true;
    /* "localhost" is both, and one bad address condemns a name: whoever allows the one means this machine. */
    return address_equal(a, &loopback6) && is_listed(g, &loopback4);
}

enum guard_verdict guard_check(const struct guard *g, const struct address *a)
{
    if (is_never(a))
        return GUARD_NEVER;
    return g->any_inner || address_scope_of(a) == ADDRESS_GLOBAL || is_listed(g, a) ? GUARD_ALLOWED
                                                                                    : GUARD_INSIDE;
}

enum guard_verdict guard_check_all(const struct guard *g, const struct address *list, size_t n, size_t *which)
{
    for (size_t i = 0; i < n; i++) {
        enum guard_verdict verdict = guard_check(g, &list[i]);
        if (verdict != GUARD_ALLOWED) {
            *which = i;
            return verdict;
        }
    }
    return GUARD_ALLOWED;
}

enum guard_verdict guard_check_name(const struct guard *g, struct str host)
{
    if (host.n > 0 && host.p[host.n - 1] == '.')
        host.n--;
    for (size_t i = 0; i < DW_COUNT_OF(metadata_names); i++) {
        if (str_equal_nocase(host, metadata_names[i]))
            return GUARD_NEVER;
    }
    if (!str_equal_nocase(host, STR_OF("localhost")) && !str_ends_with(host, STR_OF(".localhost")))
        return GUARD_ALLOWED;
    return guard_check(g, &loopback6);
}

const char *guard_describe(const struct address *a)
{
    static const char *const texts[] = {
        [ADDRESS_GLOBAL] = "a public address",     [ADDRESS_LOOPBACK] = "a loopback address",
        [ADDRESS_PRIVATE] = "a private address",   [ADDRESS_LINK_LOCAL] = "a link-local address",
        [ADDRESS_RESERVED] = "a reserved address",
    };
    enum address_scope scope = address_scope_of(a);

    return scope != ADDRESS_LINK_LOCAL && is_never(a) ? "a cloud metadata service" : texts[scope];
}
