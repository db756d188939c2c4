#include "plugin/order.h"

#include "util/compiler.h"

/* ---- versions ---- */

static bool is_word(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
              c == '-'))
            return false;
    }
    return s.n > 0;
}

int version_parse(struct str text, struct version *out)
{
    size_t dash = str_find(text, '-'), n = 0;
    struct str numbers = str_make(text.p, dash), part;
    uint64_t number;

    *out = (struct version){ { 0 }, { NULL, 0 } };
    if (dash < text.n)
        out->before = str_make(text.p + dash + 1, text.n - dash - 1);
    if (numbers.n == 0 || (dash < text.n && !is_word(out->before)))
        return -1;
    while (str_split(&numbers, '.', &part)) {
        if (n == DW_COUNT_OF(out->parts) || !str_to_uint(part, UINT32_MAX, &number))
            return -1;
        out->parts[n++] = (uint32_t)number;
    }
    return 0;
}

static int compare_texts(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;

    return order ? order : (a.n > b.n) - (a.n < b.n);
}

int version_compare(const struct version *a, const struct version *b)
{
    for (size_t i = 0; i < DW_COUNT_OF(a->parts); i++) {
        if (a->parts[i] != b->parts[i])
            return a->parts[i] < b->parts[i] ? -1 : 1;
    }
    if (a->before.n == 0 || b->before.n == 0)
        return (a->before.n == 0) - (b->before.n == 0);
    return compare_texts(a->before, b->before);
}

/* ---- needs ---- */

static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!(c >= 'a' && c <= 'z') && !(i > 0 && ((c >= '0' && c <= '9') || c == '_')))
            return false;
    }
    return s.n > 0;
}

static bool parse_one(struct str word, struct order_need *out)
{
    size_t equals = str_find(word, '=');
    struct version version;

    *out = (struct order_need){ word, ORDER_ANY, { NULL, 0 } };
    if (equals < word.n) {
        bool least = equals > 0 && word.p[equals - 1] == '>';
        out->name = str_make(word.p, equals - (least ? 1 : 0));
        out->how = least ? ORDER_AT_LEAST : ORDER_EXACTLY;
        out->version = str_make(word.p + equals + 1, word.n - equals - 1);
        if (version_parse(out->version, &version) != 0)
            return false;
    }
    return is_name(out->name);
}

int order_parse(const char *text, struct order_need out[ORDER_NEEDS_MAX], struct buf *why)
{
    struct str rest = str_from(text), word;
    int n = 0;

    while (str_split(&rest, ' ', &word)) {
        if (word.n == 0)
            continue;
        if (n == ORDER_NEEDS_MAX) {
            buf_add_format(why, "it has more than %d entries", ORDER_NEEDS_MAX);
            return -1;
        }
        if (!parse_one(word, &out[n++])) {
            buf_add_format(why, "\"%.*s\" is not of the form name, name>=1.0 or name=1.0", STR_ARG(word));
            return -1;
        }
    }
    return n;
}

static size_t needs_of(const char *text, struct order_need out[ORDER_NEEDS_MAX])
{
    struct buf ignored = BUF_INIT;
    int n = order_parse(text, out, &ignored);

    buf_finish(&ignored);
    return n > 0 ? (size_t)n : 0;
}

static const struct order_plugin *find(const struct order_plugin *plugins, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++) {
        if (str_equal(str_from(plugins[i].name), name))
            return &plugins[i];
    }
    return NULL;
}

static bool fits(const struct order_need *need, const char *has)
{
    struct version wanted, found;

    if (need->how == ORDER_ANY)
        return true;
    if (version_parse(need->version, &wanted) != 0 || version_parse(str_from(has), &found) != 0)
        return false;
    int order = version_compare(&found, &wanted);
    return need->how == ORDER_EXACTLY ? order == 0 : order >= 0;
}

/* NULL, or why the need is not met. */
static char *unmet(const struct order_plugin *plugins, size_t n, const struct order_need *need,
                   struct arena *arena)
{
    static const char *const signs[] = { [ORDER_ANY] = "", [ORDER_AT_LEAST] = ">=", [ORDER_EXACTLY] = "=" };
    const struct order_plugin *p = find(plugins, n, need->name);

    if (!p)
        return arena_format(arena, "needs the plugin %.*s, which is not enabled: dowel plugin enable %.*s",
                            STR_ARG(need->name), STR_ARG(need->name));
    if (*p->version && !fits(need, p->version)) /* of one that could not be read it is not known */
        return arena_format(arena, "needs %.*s%s%.*s, but the version of %s is %s", STR_ARG(need->name),
                            signs[need->how], STR_ARG(need->version), p->name, p->version);
    if (p->declined)
        return arena_format(arena, "needs %s, which was declined: %s", p->name, p->declined);
    return NULL;
}

const char *order_missing(const struct order_plugin *plugins, size_t n, const struct order_plugin *p,
                          struct arena *arena)
{
    struct order_need needs[ORDER_NEEDS_MAX];
    size_t needs_n = needs_of(p->needs, needs);

    for (size_t i = 0; i < needs_n; i++) {
        const struct order_plugin *other = find(plugins, n, needs[i].name);
        if (other && !other->declined && fits(&needs[i], other->version))
            continue;
        const char *why = unmet(plugins, n, &needs[i], arena);
        return why ? why : "out of memory";
    }
    return NULL;
}

/* ---- sorting ---- */

struct sorting {
    struct order_plugin *plugins;
    size_t n;
    struct arena *arena;
    bool *placed, *seen;
};

/* A reason spreads to those who need the plugin, and from them on: until nothing changes. */
static void decline_unmet(const struct sorting *s)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < s->n; i++) {
            struct order_plugin *p = &s->plugins[i];
            if (p->declined)
                continue;
            p->declined = order_missing(s->plugins, s->n, p, s->arena);
            changed |= p->declined != NULL;
        }
    }
}

/* Follows needs from `from` until `to`; the way back is written in front. */
static bool finds_way(const struct sorting *s, size_t from, size_t to, struct buf *way)
{
    struct order_need needs[ORDER_NEEDS_MAX];
    size_t n = needs_of(s->plugins[from].needs, needs);

    s->seen[from] = true;
    for (size_t i = 0; i < n; i++) {
        const struct order_plugin *p = find(s->plugins, s->n, needs[i].name);
        size_t next = p ? (size_t)(p - s->plugins) : s->n;
        size_t length = way->n;
        if (!p || (next != to && (s->seen[next] || p->declined)))
            continue;
        buf_add_format(way, " -> %s", p->name);
        if (next == to || finds_way(s, next, to, way))
            return true;
        way->n = length;
    }
    return false;
}

static const char *ring_through(const struct sorting *s, size_t i)
{
    struct buf way = BUF_INIT;
    const char *ring = NULL;

    memset(s->seen, 0, s->n * sizeof(*s->seen));
    if (finds_way(s, i, i, &way)) {
        ring = arena_format(
            s->arena,
            "needs itself in a ring: %s%s; one of these plugins must do without the next, or only want it",
            s->plugins[i].name, buf_text(&way));
        ring = ring ? ring : "needs itself in a ring";
    }
    buf_finish(&way);
    return ring;
}

/* All members are found before one is declined: a ring is looked for through plugins that are not. */
static int decline_rings(const struct sorting *s)
{
    const char **rings = arena_calloc(s->arena, s->n * sizeof(*rings) + 1);

    if (!rings)
        return -1;
    for (size_t i = 0; i < s->n; i++)
        rings[i] = s->plugins[i].declined ? NULL : ring_through(s, i);
    for (size_t i = 0; i < s->n; i++) {
        if (rings[i])
            s->plugins[i].declined = rings[i];
    }
    return 0;
}

static bool are_placed(const struct sorting *s, const char *text)
{
    struct order_need needs[ORDER_NEEDS_MAX];
    size_t n = needs_of(text, needs);

    for (size_t i = 0; i < n; i++) {
        const struct order_plugin *p = find(s->plugins, s->n, needs[i].name);
        if (p && !p->declined && !s->placed[p - s->plugins])
            return false;
    }
    return true;
}

/* The first by name whose needs, and with `wants` also whose wants, stand before it; n when there is none. */
static size_t next_of(const struct sorting *s, bool wants)
{
    size_t best = s->n;

    for (size_t i = 0; i < s->n; i++) {
        const struct order_plugin *p = &s->plugins[i];
        if (p->declined || s->placed[i] || !are_placed(s, p->needs) || (wants && !are_placed(s, p->wants)))
            continue;
        if (best == s->n || strcmp(p->name, s->plugins[best].name) < 0)
            best = i;
    }
    return best;
}

static int place_all(const struct sorting *s, size_t *sequence)
{
    int n = 0;

    for (;;) {
        size_t i = next_of(s, true);
        if (i == s->n) /* those that are left want each other in a ring: a wish has to give way */
            i = next_of(s, false);
        if (i == s->n)
            return n;
        s->placed[i] = true;
        sequence[n++] = i;
    }
}

int order_sort(struct order_plugin *plugins, size_t n, size_t *sequence, struct arena *arena)
{
    struct sorting s = { plugins, n, arena, arena_calloc(arena, n + 1), arena_calloc(arena, n + 1) };

    if (!s.placed || !s.seen)
        return -1;
    decline_unmet(&s);
    if (decline_rings(&s) != 0)
        return -1;
    decline_unmet(&s);
    return place_all(&s, sequence);
}
