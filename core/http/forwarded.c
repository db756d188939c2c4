#include "http/forwarded.h"

#include "util/compiler.h"

/* More proxies than anybody has in a row; bounds the work that a list can cause. */
enum { HOPS_MAX = 16, HOST_MAX = 255 };

bool forwarded_is_trusted(const struct address *a, const struct network *trusted, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (network_contains(&trusted[i], a))
            return true;
    }
    return false;
}

/* ---- single values ---- */

static bool is_port(struct str s, bool may_be_obfuscated)
{
    uint64_t port;

    if (may_be_obfuscated && s.n > 1 && s.p[0] == '_')
        return true;
    return s.n <= 5 && str_to_uint(s, 65535, &port);
}

/* "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]", "[2001:db8::1]:80"; and with bare_ipv6 "2001:db8::1", as
 * X-Forwarded-For has it. Everything else, also "unknown" and "_hidden", tells no address. */
static int parse_node(struct str s, bool bare_ipv6, struct address *out)
{
    size_t end = s.n && s.p[0] == '[' ? str_find(s, ']') + 1 : str_find(s, ':');

    if (end > s.n)
        return -1;
    struct str host = str_make(s.p, end), rest = str_make(s.p + end, s.n - end);
    if (rest.n && rest.p[0] == ':' && is_port(str_make(rest.p + 1, rest.n - 1), !bare_ipv6))
        return address_parse(host, out);
    if (rest.n && !bare_ipv6)
        return -1;
    return address_parse(s, out);
}

static void read_proto(struct str s, struct forwarded *out)
{
    bool is_https = str_equal_nocase(s, STR_OF("https"));

    if (!is_https && !str_equal_nocase(s, STR_OF("http")))
        return;
    out->has_proto = true;
    out->is_https = is_https;
}

static void read_host(struct str s, struct forwarded *out)
{
    if (s.n == 0 || s.n > HOST_MAX)
        return;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!alnum && (c == 0 || !strchr("-._:[]", c)))
            return;
    }
    out->host = s;
}

/* What one trusted hop tells about the one before it. */
struct hop {
    struct str node, proto, host; /* p NULL: not told */
    bool bare_ipv6;
};

/* True when the walk goes on to the next hop. */
static bool take_hop(const struct forwarded_request *r, const struct hop *hop, struct forwarded *out)
{
    struct address a;

    read_proto(hop->proto, out);
    read_host(hop->host, out);
    if (parse_node(hop->node, hop->bare_ipv6, &a) != 0) {
        out->known = false;
        return false;
    }
    out->client = a;
    return forwarded_is_trusted(&a, r->trusted, r->trusted_n);
}

/* ---- X-Forwarded-*: plain comma-separated lists ---- */

/* The item that is `back` items before the last of all lines. False when there are fewer: then *item is the first. */
static bool item_from_right(const struct forwarded_lines *lines, unsigned back, struct str *item)
{
    *item = str_make(NULL, 0);
    for (size_t i = lines->n; i-- > 0;) {
        struct str rest = lines->line[i];
        for (;;) {
            const char *comma = rest.n ? memrchr(rest.p, ',', rest.n) : NULL;
            size_t begin = comma ? (size_t)(comma - rest.p) + 1 : 0;
            *item = str_trim(str_make(rest.p + begin, rest.n - begin));
            if (back-- == 0)
                return true;
            if (!comma)
                break;
            rest.n = begin - 1;
        }
    }
    return false;
}

/* A proxy that sets X-Forwarded-Proto instead of appending to it leaves one item for any number of hops: the first
 * item then stands for all that are missing. */
static void walk_x(const struct forwarded_request *r, struct forwarded *out)
{
    for (unsigned back = 0; back < HOPS_MAX; back++) {
        struct hop hop = { .bare_ipv6 = true };
        bool more = item_from_right(&r->x_for, back, &hop.node);
        if (!more && back > 0)
            return;
        item_from_right(&r->x_proto, back, &hop.proto);
        item_from_right(&r->x_host, back, &hop.host);
        if (!take_hop(r, &hop, out))
            return;
    }
    out->known = false;
}

/* ---- Forwarded: elements of pairs, which may be quoted ---- */

static bool is_token_char(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
           (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static struct str take_token(struct str *s)
{
    size_t n = 0;

    while (n < s->n && is_token_char(s->p[n]))
        n++;
    struct str token = str_make(s->p, n);
    *s = str_make(s->p + n, s->n - n);
    return token;
}

/* The text between the quotes at the beginning of *s, with its backslashes: no address, scheme or host has any, so
 * such a text fails later, where it is looked at. -1 when the quote is never closed. */
static int take_quoted(struct str *s, struct str *text)
{
    for (size_t i = 1; i < s->n; i++) {
        if (s->p[i] == '\\') {
            i++;
        } else if (s->p[i] == '"') {
            *text = str_make(s->p + 1, i - 1);
            *s = str_make(s->p + i + 1, s->n - i - 1);
            return 0;
        }
    }
    return -1;
}

static void skip_space(struct str *s)
{
    while (s->n && (s->p[0] == ' ' || s->p[0] == '\t'))
        *s = str_make(s->p + 1, s->n - 1);
}

/* name=value; a name that is there twice in one element is malformed, a name that we do not know is skipped. */
static int take_pair(struct str *s, struct hop *hop)
{
    struct str name = take_token(s), value, *slot = NULL;

    if (name.n == 0 || s->n < 2 || s->p[0] != '=')
        return -1;
    *s = str_make(s->p + 1, s->n - 1);
    if (s->p[0] == '"') {
        if (take_quoted(s, &value) != 0)
            return -1;
    } else {
        value = take_token(s);
        if (value.n == 0)
            return -1;
    }
    if (str_equal_nocase(name, STR_OF("for")))
        slot = &hop->node;
    else if (str_equal_nocase(name, STR_OF("proto")))
        slot = &hop->proto;
    else if (str_equal_nocase(name, STR_OF("host")))
        slot = &hop->host;
    if (slot && slot->p)
        return -1;
    if (slot)
        *slot = value;
    return 0;
}

/* Up to the next ',' or the end. */
static int take_element(struct str *s, struct hop *hop)
{
    *hop = (struct hop){ .bare_ipv6 = false };
    for (;;) {
        skip_space(s);
        if (s->n && s->p[0] != ',' && s->p[0] != ';' && take_pair(s, hop) != 0)
            return -1;
        skip_space(s);
        if (s->n == 0 || s->p[0] == ',')
            return 0;
        if (s->p[0] != ';')
            return -1;
        *s = str_make(s->p + 1, s->n - 1);
    }
}

/* The elements of one line; of more than HOPS_MAX the last ones, in a ring. Their number, or -1. Quotes can only be
 * told from the left, so one malformed element spoils its line. */
static int parse_line(struct str s, struct hop ring[HOPS_MAX])
{
    int n = 0;

    for (;;) {
        if (take_element(&s, &ring[n % HOPS_MAX]) != 0)
            return -1;
        n++;
        if (s.n == 0)
            return n;
        s = str_make(s.p + 1, s.n - 1);
    }
}

static void walk_forwarded(const struct forwarded_request *r, struct forwarded *out)
{
    struct hop ring[HOPS_MAX];
    int hops = 0;

    for (size_t i = r->forwarded.n; i-- > 0;) {
        int n = parse_line(r->forwarded.line[i], ring);
        if (n < 0) {
            out->known = false;
            return;
        }
        while (n > 0 && hops++ < HOPS_MAX) {
            n--;
            if (!take_hop(r, &ring[n % HOPS_MAX], out))
                return;
        }
        if (n > 0) {
            out->known = false;
            return;
        }
    }
}

void forwarded_resolve(const struct forwarded_request *r, struct forwarded *out)
{
    bool has_fields = r->forwarded.n || r->x_for.n || r->x_proto.n || r->x_host.n;

    *out = (struct forwarded){ .client = r->peer, .known = !has_fields };
    if (!has_fields || !forwarded_is_trusted(&r->peer, r->trusted, r->trusted_n))
        return;
    out->proxied = true;
    out->known = true;
    if (r->forwarded.n)
        walk_forwarded(r, out);
    else
        walk_x(r, out);
}
