/* The tree has a node for each segment of a template. Its literal children stand in a sorted array beside their first
 * eight bytes, so that a look-up compares integers and touches the text of one child at most.
 *
 * The names of parameters belong to a template, not to the tree: "/users/{id}" and "/users/{user}/keys" share the node
 * of their parameter, because plugins that do not know of each other register below the same prefix and a name takes no
 * part in the matching. Two templates of the same shape, however, are the same resource and must be spelt alike
 * (OpenAPI 3.1, 4.8.8.2). */
#include "http/router.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "http/versions.h"
#include "metrics/metrics.h"
#include "util/buf.h"
#include "util/compiler.h"

/* Bounds the recursion of router_find. */
enum { SEGMENTS_MAX = 32, NAME_MAX_LENGTH = 63 };

/* What stands at the end of a template: its routes, by method. */
struct endpoint {
    const char *path;
    char *name[HTTP_PARAMS_MAX];
    unsigned params;
    unsigned allowed;
    struct http_route *route[HTTP_METHODS + 1]; /* the last: of any other method */
};

struct node;

struct literal {
    uint64_t key;
    struct node *node;
};

struct node {
    struct str text; /* of a literal; borrowed from the template */
    struct literal *literals;
    size_t literals_n;
    struct node *parameter;
    struct endpoint *here;      /* templates that end with this segment */
    struct endpoint *remainder; /* templates that go on with "{rest...}" */
};

struct router {
    struct node root;
    unsigned versions[ROUTER_VERSIONS_MAX]; /* the newest first */
    size_t versions_n;
};

enum segment_kind { SEGMENT_LITERAL, SEGMENT_PARAMETER, SEGMENT_REMAINDER };

struct segment {
    enum segment_kind kind;
    struct str text; /* the literal, or the parameter's name */
};

struct template
{
    const char *path;
    unsigned segments, params;
    struct segment segment[SEGMENTS_MAX];
};

/* ---- templates ---- */

static bool is_name_char(char c, bool first)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_')
        return true;
    return !first && c >= '0' && c <= '9';
}

static bool is_name(struct str s)
{
    if (s.n == 0 || s.n > NAME_MAX_LENGTH)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (!is_name_char(s.p[i], i == 0))
            return false;
    }
    return true;
}

/* NULL, or what is wrong with it. */
static const char *check_literal(struct str s, bool last)
{
    if (s.n == 0)
        return last ? NULL : "a segment is empty; write one '/' only";
    if (str_equal(s, STR_OF(".")) || str_equal(s, STR_OF("..")))
        return "'.' and '..' are resolved before a path is matched, so this could never be reached";
    if (s.p[0] == ':' || s.p[0] == '*')
        return "write parameters as {name} and the remainder as {name...}";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '{' || c == '}')
            return "a parameter must be a whole segment, as in /users/{id}";
        if (c == '%')
            return "templates are compared with decoded paths; write the character itself";
        if (c == '?' || c == '#')
            return "a template ends before '?' and '#'";
        if (c < 0x20 || c == 0x7f)
            return "control characters are not allowed";
    }
    return str_is_utf8(s) ? NULL : "this is not UTF-8";
}

/* Of a segment in braces. */
static const char *read_parameter(struct str inner, bool last, const struct template *t, struct segment *out)
{
    out->kind = SEGMENT_PARAMETER;
    if (str_ends_with(inner, STR_OF("..."))) {
        if (!last)
            return "{name...} takes all the rest, so it must be the last segment";
        inner.n -= 3;
        out->kind = SEGMENT_REMAINDER;
    }
    if (!is_name(inner))
        return "the name of a parameter is 1 to 63 letters, digits and '_', and begins with no digit";
    if (t->params == HTTP_PARAMS_MAX)
        return "there are more than 8 parameters";
    for (unsigned i = 0; i < t->segments; i++) {
        if (t->segment[i].kind != SEGMENT_LITERAL && str_equal(t->segment[i].text, inner))
            return "two parameters have the same name";
    }
    out->text = inner;
    return NULL;
}

static const char *read_segment(struct str s, bool last, struct template *t)
{
    struct segment *out = &t->segment[t->segments];
    const char *wrong;

    if (s.n >= 2 && s.p[0] == '{' && s.p[s.n - 1] == '}') {
        wrong = read_parameter(str_make(s.p + 1, s.n - 2), last, t, out);
        t->params++;
    } else {
        *out = (struct segment){ .kind = SEGMENT_LITERAL, .text = s };
        wrong = check_literal(s, last);
    }
    t->segments++;
    return wrong;
}

static const char *read_template(const char *path, struct template *t)
{
    struct str rest, item;

    *t = (struct template){ .path = path };
    if (!path || path[0] != '/')
        return "a template begins with '/'";
    rest = str_from(path + 1);
    while (str_split(&rest, '/', &item)) {
        if (t->segments == SEGMENTS_MAX)
            return "there are more than 32 segments";
        const char *wrong = read_segment(item, rest.p == NULL, t);
        if (wrong)
            return wrong;
    }
    return NULL;
}

const char *router_template_wrong(const char *path)
{
    struct template t;
    return read_template(path, &t);
}

/* ---- the tree ---- */

/* The first eight bytes, so that integers compare as the texts do. */
static uint64_t key_of(struct str s)
{
    uint64_t key = 0;

    for (size_t i = 0; i < s.n && i < 8; i++)
        key |= (uint64_t)(unsigned char)s.p[i] << (56 - 8 * i);
    return key;
}

static int compare_text(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;

    return order ? order : (a.n > b.n) - (a.n < b.n);
}

/* Where the child is, or where it would have to be inserted. */
static size_t position(const struct node *at, uint64_t key, struct str text)
{
    size_t low = 0, high = at->literals_n;

    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct literal *l = &at->literals[middle];
        if (l->key < key || (l->key == key && compare_text(l->node->text, text) < 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct node *find_literal(const struct node *at, uint64_t key, struct str text)
{
    size_t i = position(at, key, text);

    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): with i below literals_n there is an array */
    if (i == at->literals_n || at->literals[i].key != key || !str_equal(at->literals[i].node->text, text))
        return NULL;
    return at->literals[i].node;
}

static struct node *add_literal(struct node *at, struct str text)
{
    uint64_t key = key_of(text);
    size_t i = position(at, key, text);
    struct node *child = find_literal(at, key, text);

    if (child)
        return child;
    struct literal *grown = realloc(at->literals, (at->literals_n + 1) * sizeof(*grown));
    if (!grown)
        return NULL;
    at->literals = grown;
    child = calloc(1, sizeof(*child));
    if (!child)
        return NULL;
    child->text = text;
    memmove(grown + i + 1, grown + i, (at->literals_n - i) * sizeof(*grown));
    grown[i] = (struct literal){ .key = key, .node = child };
    at->literals_n++;
    return child;
}

static struct node *add_parameter(struct node *at)
{
    if (!at->parameter)
        at->parameter = calloc(1, sizeof(*at->parameter));
    return at->parameter;
}

static void destroy_endpoint(struct endpoint *e)
{
    if (!e)
        return;
    for (size_t i = 0; i < DW_COUNT_OF(e->name); i++)
        free(e->name[i]);
    for (size_t i = 0; i < DW_COUNT_OF(e->route); i++)
        free(e->route[i]);
    free(e);
}

static struct endpoint *create_endpoint(const struct template *t)
{
    struct endpoint *e = calloc(1, sizeof(*e));

    if (!e)
        return NULL;
    e->path = t->path;
    for (unsigned i = 0; i < t->segments; i++) {
        const struct segment *s = &t->segment[i];
        if (s->kind == SEGMENT_LITERAL)
            continue;
        e->name[e->params] = strndup(s->text.p, s->text.n);
        if (!e->name[e->params++]) {
            destroy_endpoint(e);
            return NULL;
        }
    }
    return e;
}

/* The place of the template's endpoint, its nodes being made on the way; NULL when memory is out (nodes that lead
 * nowhere are harmless). */
static struct endpoint **reach(struct router *r, const struct template *t)
{
    struct node *at = &r->root;

    for (unsigned i = 0; i < t->segments; i++) {
        const struct segment *s = &t->segment[i];
        if (s->kind == SEGMENT_REMAINDER)
            return &at->remainder;
        at = s->kind == SEGMENT_LITERAL ? add_literal(at, s->text) : add_parameter(at);
        if (!at)
            return NULL;
    }
    return &at->here;
}

static void finish_node(struct node *n)
{
    for (size_t i = 0; i < n->literals_n; i++) {
        finish_node(n->literals[i].node);
        free(n->literals[i].node);
    }
    free(n->literals);
    if (n->parameter)
        finish_node(n->parameter);
    free(n->parameter);
    destroy_endpoint(n->here);
    destroy_endpoint(n->remainder);
}

/* ---- adding ---- */

int router_create(struct router **out)
{
    *out = calloc(1, sizeof(**out));
    return *out ? 0 : -1;
}

void router_destroy(struct router *r)
{
    if (!r)
        return;
    finish_node(&r->root);
    free(r);
}

static const char *method_text(const struct http_route *route)
{
    return route->method == HTTP_UNKNOWN ? "any" : http_method_name(route->method);
}

static void add_owner_label(struct buf *labels, const struct http_route *route)
{
    if (!route->owner)
        return;
    buf_add_char(labels, ',');
    metrics_label(labels, "plugin", str_from(route->owner));
}

static struct metric *duration_metric(const struct http_route *route)
{
    struct buf labels = BUF_INIT;
    struct metric *m = NULL;

    metrics_label(&labels, "method", str_from(method_text(route)));
    buf_add_char(&labels, ',');
    metrics_label(&labels, "route", str_from(route->path));
    add_owner_label(&labels, route);
    const char *text = buf_text(&labels);
    if (!buf_failed(&labels))
        m = metrics_histogram("dowel_http_request_duration_seconds",
                              "Time from a request's head to its reply", text);
    buf_finish(&labels);
    return m;
}

static struct metric *status_metric(const struct http_route *route, const char *class)
{
    struct buf labels = BUF_INIT;
    struct metric *m = NULL;

    metrics_label(&labels, "status", str_from(class));
    add_owner_label(&labels, route);
    const char *text = buf_text(&labels);
    if (!buf_failed(&labels))
        m = metrics_counter("dowel_http_requests_total", "Requests answered, by class of status", text);
    buf_finish(&labels);
    return m;
}

static void make_metrics(struct http_route *route)
{
    static const char *const classes[6] = { "other", "1xx", "2xx", "3xx", "4xx", "5xx" };

    route->duration = duration_metric(route);
    for (unsigned i = 0; route->owner && i < DW_COUNT_OF(classes); i++)
        route->status[i] = status_metric(route, classes[i]);
}

static unsigned methods_allowed(const struct http_route *route)
{
    if (route->method == HTTP_UNKNOWN)
        return (1u << HTTP_METHODS) - 1;
    return 1u << route->method | (route->method == HTTP_GET ? 1u << HTTP_HEAD : 0);
}

static int refuse(char why[ROUTER_WHY_SIZE], const struct http_route *route, const char *reason)
{
    snprintf(why, ROUTER_WHY_SIZE, "%s %s: %s", method_text(route), route->path ? route->path : "(no path)",
             reason);
    return -1;
}

/* The part of adding that concerns the route alone. */
static int check_route(const struct http_route *route, struct template *t, char why[ROUTER_WHY_SIZE])
{
    const char *wrong = NULL;

    if ((unsigned)route->method > HTTP_UNKNOWN) {
        snprintf(why, ROUTER_WHY_SIZE, "%s: no such method", route->path ? route->path : "(no path)");
        return -1;
    }
    if (!route->handler)
        wrong = "it has no handler";
    else if (route->body == HTTP_BODY_STREAM && route->where == HTTP_ON_LOOP)
        wrong = "a streamed body blocks its reader, which a loop must not; use HTTP_ON_WORKER";
    else
        wrong = read_template(route->path, t);
    return wrong ? refuse(why, route, wrong) : 0;
}

static const struct http_route *any_route_of(const struct endpoint *e)
{
    size_t i = 0;
    while (i < HTTP_METHODS && !e->route[i])
        i++;
    return e->route[i];
}

/* The route that is in the way of another one at this endpoint, with the sentence; or NULL. */
static const struct http_route *clash_at(const struct endpoint *e, const struct http_route *route,
                                         char why[ROUTER_WHY_SIZE])
{
    if (strcmp(e->path, route->path) != 0) {
        snprintf(why, ROUTER_WHY_SIZE,
                 "%s %s: clashes with %s, the same path with other names; use those here too",
                 method_text(route), route->path, e->path);
        return any_route_of(e);
    }
    if (e->route[route->method])
        refuse(why, route, "clashes with a route of the same method and path");
    return e->route[route->method];
}

/* The copy that stands in the tree now, still without metrics; or NULL, and *other is the one that is in the way. */
static struct http_route *insert(struct router *r, const struct http_route *route,
                                 const struct http_route **other, char why[ROUTER_WHY_SIZE])
{
    struct template t;

    *other = NULL;
    if (check_route(route, &t, why) != 0)
        return NULL;
    struct endpoint **place = reach(r, &t);
    if (place && !*place)
        *place = create_endpoint(&t);
    struct http_route *copy = place && *place ? malloc(sizeof(*copy)) : NULL;
    if (!copy) {
        refuse(why, route, "out of memory");
        return NULL;
    }
    *other = clash_at(*place, route, why);
    if (*other) {
        free(copy);
        return NULL;
    }
    *copy = *route;
    (*place)->route[route->method] = copy;
    (*place)->allowed |= methods_allowed(route);
    return copy;
}

/* Those above the first sixteen are found by their number only. */
static void note_version(struct router *r, unsigned version)
{
    size_t at = 0;

    while (at < r->versions_n && r->versions[at] > version)
        at++;
    if (version == 0 || r->versions_n == ROUTER_VERSIONS_MAX ||
        (at < r->versions_n && r->versions[at] == version))
        return;
    memmove(&r->versions[at + 1], &r->versions[at], (r->versions_n - at) * sizeof(*r->versions));
    r->versions[at] = version;
    r->versions_n++;
}

size_t router_versions(const struct router *r, const unsigned **out)
{
    *out = r->versions;
    return r->versions_n;
}

int router_add(struct router *r, const struct http_route *route, char why[ROUTER_WHY_SIZE])
{
    const struct http_route *other;
    struct http_route *added = insert(r, route, &other, why);

    if (!added)
        return -1;
    make_metrics(added);
    note_version(r, versions_of(str_from(route->path)));
    return 0;
}

struct plan {
    struct router router;
    const struct http_route *other;
    char *why;
    int rc;
};

static void plan_existing(const struct http_route *route, void *ud)
{
    struct plan *p = ud;
    const struct http_route *other;

    if (p->rc == 0 && !insert(&p->router, route, &other, p->why))
        p->rc = -1;
}

static const struct http_route *original_of(const struct router *r, const struct http_route *copy);

/* Plans in a tree of its own: metrics can never be taken back, so they are made for what is really added. */
int router_check(const struct router *r, const struct http_route *routes, size_t n,
                 const struct http_route **other, char why[ROUTER_WHY_SIZE])
{
    struct plan p = { .why = why };

    *other = NULL;
    router_each(r, plan_existing, &p);
    for (size_t i = 0; i < n && p.rc == 0; i++) {
        if (!insert(&p.router, &routes[i], &p.other, why))
            p.rc = -1;
    }
    if (p.other)
        *other = original_of(r, p.other);
    finish_node(&p.router.root);
    return p.rc;
}

/* ---- finding ---- */

static const struct endpoint *descend(const struct node *at, const char *p, const char *end,
                                      struct router_match *out);

static const struct endpoint *enter(const struct node *child, const char *cut, const char *end,
                                    struct router_match *out)
{
    return cut < end ? descend(child, cut + 1, end, out) : child->here;
}

static void put_param(struct router_match *out, const char *p, const char *end)
{
    /* A path through the tree has at most as many parameters as the longest template in it. */
    assert(out->params < HTTP_PARAMS_MAX);
    out->param[out->params++].value = str_make(p, (size_t)(end - p));
}

/* p is where a segment begins. Tries what is more precise first, and goes back when that leads nowhere. */
static const struct endpoint *descend(const struct node *at, const char *p, const char *end,
                                      struct router_match *out)
{
    const struct endpoint *e = NULL;
    const char *cut = p;
    uint64_t key = 0;
    unsigned shift = 64;

    for (; cut < end && *cut != '/'; cut++) {
        if (shift) {
            shift -= 8;
            key |= (uint64_t)(unsigned char)*cut << shift;
        }
    }
    const struct node *literal = find_literal(at, key, str_make(p, (size_t)(cut - p)));
    if (literal)
        e = enter(literal, cut, end, out);
    if (!e && at->parameter && cut > p) {
        unsigned before = out->params;
        put_param(out, p, cut);
        e = enter(at->parameter, cut, end, out);
        if (!e)
            out->params = before;
    }
    if (!e && at->remainder) {
        put_param(out, p, end);
        e = at->remainder;
    }
    return e;
}

static const struct http_route *route_for(const struct endpoint *e, enum http_method method)
{
    const struct http_route *route = e->route[method];

    if (!route && method == HTTP_HEAD)
        route = e->route[HTTP_GET];
    return route ? route : e->route[HTTP_UNKNOWN];
}

void router_find(const struct router *r, enum http_method method, struct str path, struct router_match *out)
{
    out->route = NULL;
    out->allowed = 0;
    out->params = 0;
    if (path.n == 0 || path.p[0] != '/')
        return;
    const struct endpoint *e = descend(&r->root, path.p + 1, path.p + path.n, out);
    if (!e)
        return;
    out->route = route_for(e, method);
    out->allowed = e->allowed;
    for (unsigned i = 0; i < out->params; i++)
        out->param[i].name = e->name[i];
}

/* ---- visiting ---- */

static void visit_endpoint(const struct endpoint *e, void (*visit)(const struct http_route *route, void *ud),
                           void *ud)
{
    for (size_t i = 0; e && i < DW_COUNT_OF(e->route); i++) {
        if (e->route[i])
            visit(e->route[i], ud);
    }
}

static void visit_node(const struct node *n, void (*visit)(const struct http_route *route, void *ud),
                       void *ud)
{
    visit_endpoint(n->here, visit, ud);
    for (size_t i = 0; i < n->literals_n; i++)
        visit_node(n->literals[i].node, visit, ud);
    if (n->parameter)
        visit_node(n->parameter, visit, ud);
    visit_endpoint(n->remainder, visit, ud);
}

void router_each(const struct router *r, void (*visit)(const struct http_route *route, void *ud), void *ud)
{
    visit_node(&r->root, visit, ud);
}

struct search {
    const struct http_route *like, *found;
};

static void compare_route(const struct http_route *route, void *ud)
{
    struct search *s = ud;

    if (route->method == s->like->method && strcmp(route->path, s->like->path) == 0)
        s->found = route;
}

/* The route of r that a copy was made of, or NULL when it was made of another. */
static const struct http_route *original_of(const struct router *r, const struct http_route *copy)
{
    struct search s = { .like = copy };

    router_each(r, compare_route, &s);
    return s.found;
}
