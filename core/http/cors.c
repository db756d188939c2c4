#include "http/cors.h"

#include "util/address.h"
#include "util/compiler.h"

/* What pages may read of an answer besides the few fields that browsers always show. */
static const struct str exposed =
    STR("ETag, Link, Location, Retry-After, Content-Disposition, X-Request-Id, RateLimit-Limit, "
        "RateLimit-Remaining, RateLimit-Reset");

static const struct str vary_origin = STR("Origin");
static const struct str vary_preflight =
    STR("Origin, Access-Control-Request-Method, Access-Control-Request-Headers");

enum match { NO_MATCH, MATCH_ANY, MATCH_NAME };

static enum match match_origin(const struct cors_policy *policy, struct str origin)
{
    enum match best = NO_MATCH;

    if (origin.n == 0 || str_equal_nocase(origin, STR_OF("null")))
        return NO_MATCH;
    for (size_t i = 0; i < policy->origins_n; i++) {
        struct str listed = str_from(policy->origins[i]);
        if (str_equal(listed, origin))
            return MATCH_NAME;
        if (str_equal(listed, STR_OF("*")))
            best = MATCH_ANY;
    }
    return best;
}

/* "*" alone gives every origin the same answer; as soon as origins are told apart, caches must know. */
static bool depends_on_origin(const struct cors_policy *policy)
{
    return !(policy->origins_n == 1 && str_equal(str_from(policy->origins[0]), STR_OF("*")));
}

static void write_methods(unsigned allowed, struct cors_decision *out)
{
    size_t at = 0;

    for (unsigned m = 0; m < HTTP_METHODS; m++) {
        struct str name = str_from(http_method_name((enum http_method)m));
        if (!(allowed & 1u << m) || at + name.n + 2 > sizeof(out->methods_text))
            continue;
        if (at) {
            memcpy(out->methods_text + at, ", ", 2);
            at += 2;
        }
        memcpy(out->methods_text + at, name.p, name.n);
        at += name.n;
    }
    out->methods = str_make(out->methods_text, at);
}

/* A list of field names: it is echoed, so it must not be anything else. */
static bool is_name_list(struct str s)
{
    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!alnum && (c == 0 || !strchr("!#$%&'*+-.^_`|~, ", c)))
            return false;
    }
    return true;
}

static void allow_preflight(const struct cors_request *request, struct cors_decision *out)
{
    write_methods(request->allowed, out);
    /* Which fields are sent is no secret and no danger: what a listed origin may do at all, it may do with them. */
    if (is_name_list(request->requested_headers))
        out->headers = request->requested_headers;
}

void cors_decide(const struct cors_policy *policy, const struct cors_request *request,
                 struct cors_decision *out)
{
    out->is_preflight = out->credentials = false;
    out->origin = out->expose = out->methods = out->headers = out->vary = str_make(NULL, 0);
    if (policy->origins_n == 0)
        return;

    out->is_preflight = request->method == HTTP_OPTIONS && request->origin.n && request->requested_method.n &&
                        request->allowed;
    if (out->is_preflight)
        out->vary = vary_preflight;
    else if (depends_on_origin(policy))
        out->vary = vary_origin;

    enum match match = match_origin(policy, request->origin);
    if (match == NO_MATCH)
        return;
    out->origin = match == MATCH_NAME ? request->origin : STR_OF("*");
    out->credentials = match == MATCH_NAME && policy->credentials;
    if (out->is_preflight)
        allow_preflight(request, out);
    else
        out->expose = exposed;
}

/* Lower-case characters of a host name, an IPv4 or a bracketed IPv6 address. */
static bool is_host(struct str host)
{
    struct address ipv6;

    if (host.n == 0)
        return false;
    if (host.p[0] == '[')
        return address_parse(host, &ipv6) == 0;
    for (size_t i = 0; i < host.n; i++) {
        char c = host.p[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && (c == 0 || !strchr("-._", c)))
            return false;
    }
    return true;
}

static bool is_host_and_port(struct str s, struct str default_port)
{
    const char *colon = s.n ? memrchr(s.p, ':', s.n) : NULL;
    uint64_t number;

    if (!colon || s.p[s.n - 1] == ']')
        return is_host(s);
    size_t host_n = (size_t)(colon - s.p);
    struct str port = str_make(colon + 1, s.n - host_n - 1);
    return is_host(str_make(s.p, host_n)) && str_to_uint(port, 65535, &number) && port.p[0] != '0' &&
           !str_equal(port, default_port);
}

bool cors_origin_is_valid(struct str origin)
{
    static const struct {
        struct str scheme, default_port;
    } schemes[] = { { STR("http://"), STR("80") }, { STR("https://"), STR("443") } };

    for (size_t i = 0; i < DW_COUNT_OF(schemes); i++) {
        size_t skip = schemes[i].scheme.n;
        if (str_starts_with(origin, schemes[i].scheme))
            return is_host_and_port(str_make(origin.p + skip, origin.n - skip), schemes[i].default_port);
    }
    return str_equal(origin, STR_OF("*"));
}
