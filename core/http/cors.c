#include "http/cors.h"

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
