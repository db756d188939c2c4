#include "config/yaml.h"

#include <libfyaml.h>
#include <stdlib.h>

#include "config/file.h"

/* A list or map that is still being read. */
struct level {
    struct yaml_node *node, **end;
    struct str key;
    unsigned key_line;
    bool has_key;
};

struct builder {
    struct arena *arena;
    yaml_complain complain;
    void *ud;
    struct level levels[YAML_DEPTH_MAX];
    size_t depth, nodes, documents;
    unsigned line; /* of the last event that had one */
    bool wrong;
    struct yaml_node *root;
};

/* What an event carries, whichever kind it is of. */
struct event {
    enum fy_event_type type;
    struct fy_token *anchor, *tag, *value;
};

/* Goes on afterwards; returns -1 for those who cannot. */
static int complain(struct builder *b, unsigned line, const char *item, const char *text, const char *hint)
{
    b->wrong = true;
    b->complain(line, item, text, hint, b->ud);
    return -1;
}

static struct level *top(struct builder *b)
{
    return b->depth ? &b->levels[b->depth - 1] : NULL;
}

static const char *current_key(struct builder *b)
{
    struct level *level = top(b);
    return level && level->has_key ? level->key.p : NULL;
}

static int out_of_memory(struct builder *b)
{
    return complain(b, b->line, NULL, "is too much to keep: out of memory", NULL);
}

static int copy_token(struct builder *b, struct fy_token *token, struct str *out)
{
    size_t n = 0;
    const char *p = token ? fy_token_get_text(token, &n) : "";
    char *copy = p ? arena_copy(b->arena, str_make(p, n)) : NULL;

    if (!copy)
        return out_of_memory(b);
    *out = str_make(copy, n);
    return 0;
}

static bool is_plain(struct fy_token *token)
{
    return !token || fy_token_scalar_style(token) == FYSS_PLAIN;
}

static void refuse_node(struct builder *b, struct yaml_node *node, const char *text, const char *hint)
{
    complain(b, node->line, current_key(b), text, hint);
    node->refused = true;
}

static void resolve(struct builder *b, struct yaml_node *node, struct fy_token *token)
{
    const char *hint = NULL, *trap = is_plain(token) ? yaml_plain_trap(node->text, &hint) : NULL;

    node->kind = is_plain(token) ? yaml_plain_kind(node->text) : YAML_TEXT;
    if (trap)
        refuse_node(b, node, trap, hint);
    if (memchr(node->text.p, 0, node->text.n))
        refuse_node(b, node, "has a NUL character", "remove \\0");
}

static int set_key(struct builder *b, struct level *level, const struct event *e)
{
    if (e->type != FYET_SCALAR)
        return complain(b, b->line, NULL, "the key of a map must be a text", NULL);
    if (copy_token(b, e->value, &level->key) != 0)
        return -1;
    if (level->key.n == 0 || memchr(level->key.p, 0, level->key.n))
        complain(b, b->line, NULL, "a key is empty or has a NUL character", NULL);
    level->key_line = b->line;
    level->has_key = true;
    return 0;
}

static void attach(struct builder *b, struct yaml_node *node)
{
    struct level *level = top(b);

    if (!level) {
        b->root = node;
        return;
    }
    if (level->node->kind == YAML_MAP) {
        node->key = level->key;
        node->key_line = level->key_line;
        level->has_key = false;
    }
    *level->end = node;
    level->end = &node->next;
    level->node->n++;
}

static int open_level(struct builder *b, struct yaml_node *node)
{
    if (b->depth == YAML_DEPTH_MAX)
        return complain(b, b->line, NULL, "is nested deeper than 32 levels", NULL);
    b->levels[b->depth++] = (struct level){ .node = node, .end = &node->first };
    return 0;
}

static void refuse_decorations(struct builder *b, struct yaml_node *node, const struct event *e)
{
    if (e->type == FYET_ALIAS)
        refuse_node(b, node, "aliases (*name) are not supported", "write the value itself");
    if (e->anchor)
        refuse_node(b, node, "anchors (&name) are not supported", "write the value where it is needed");
    if (e->tag)
        refuse_node(b, node, "tags (!name) are not supported", "remove it");
}

static int add_node(struct builder *b, const struct event *e)
{
    struct level *level = top(b);

    if (++b->nodes > YAML_NODES_MAX)
        return complain(b, b->line, NULL, "has more than 100000 values", NULL);
    struct yaml_node *node = arena_calloc(b->arena, sizeof(*node));
    if (!node)
        return out_of_memory(b);
    node->line = b->line;
    node->text = str_from("");
    refuse_decorations(b, node, e);
    if (level && level->node->kind == YAML_MAP && !level->has_key)
        return set_key(b, level, e);
    if (e->type == FYET_SCALAR) {
        if (copy_token(b, e->value, &node->text) != 0)
            return -1;
        resolve(b, node, e->value);
    } else if (e->type != FYET_ALIAS) {
        node->kind = e->type == FYET_MAPPING_START ? YAML_MAP : YAML_LIST;
    }
    attach(b, node);
    return node->kind == YAML_MAP || node->kind == YAML_LIST ? open_level(b, node) : 0;
}

/* What is sorted: the entries of a map. */
struct keyed {
    struct yaml_node *node;
};

static int compare_keys(const void *a, const void *b)
{
    const struct yaml_node *x = ((const struct keyed *)a)->node, *y = ((const struct keyed *)b)->node;
    size_t n = x->key.n < y->key.n ? x->key.n : y->key.n;
    int order = memcmp(x->key.p, y->key.p, n);

    if (order == 0 && x->key.n != y->key.n)
        order = x->key.n < y->key.n ? -1 : 1;
    if (order == 0 && x->key_line != y->key_line)
        order = x->key_line < y->key_line ? -1 : 1;
    return order;
}

/* Sorted, because a map may have as many keys as a file has room for. */
static int refuse_duplicates(struct builder *b, struct yaml_node *map)
{
    char text[60];

    if (map->n < 2)
        return 0;
    struct keyed *sorted = calloc(map->n, sizeof(*sorted));
    if (!sorted)
        return out_of_memory(b);
    size_t n = 0;
    for (struct yaml_node *it = map->first; it; it = it->next)
        sorted[n++].node = it;
    qsort(sorted, n, sizeof(*sorted), compare_keys);
    for (size_t i = 1; i < n; i++) {
        if (!str_equal(sorted[i - 1].node->key, sorted[i].node->key))
            continue;
        snprintf(text, sizeof(text), "stands twice, first in line %u", sorted[i - 1].node->key_line);
        complain(b, sorted[i].node->key_line, sorted[i].node->key.p, text, "remove one of the two");
        sorted[i].node->refused = true;
    }
    free(sorted);
    return 0;
}

static int close_level(struct builder *b)
{
    struct level *level = top(b);
    int result = level->node->kind == YAML_MAP ? refuse_duplicates(b, level->node) : 0;
    b->depth--;
    return result;
}

static int start_document(struct builder *b)
{
    if (++b->documents > 1)
        return complain(b, b->line, NULL, "a second document begins here", "keep one document in a file");
    return 0;
}

static int take_event(struct builder *b, struct fy_event *event)
{
    const struct fy_mark *mark = fy_event_start_mark(event);
    struct event e = { .type = event->type };

    if (mark)
        b->line = (unsigned)mark->line + 1;
    switch (event->type) {
    case FYET_DOCUMENT_START: return start_document(b);
    case FYET_SEQUENCE_END:
    case FYET_MAPPING_END: return close_level(b);
    case FYET_SCALAR:
        e.anchor = event->scalar.anchor;
        e.tag = event->scalar.tag;
        e.value = event->scalar.value;
        return add_node(b, &e);
    case FYET_SEQUENCE_START:
        e.anchor = event->sequence_start.anchor;
        e.tag = event->sequence_start.tag;
        return add_node(b, &e);
    case FYET_MAPPING_START:
        e.anchor = event->mapping_start.anchor;
        e.tag = event->mapping_start.tag;
        return add_node(b, &e);
    case FYET_ALIAS: return add_node(b, &e);
    default: return 0;
    }
}

/* What libfyaml found wrong; it stops at the first error. */
static void report_syntax(struct builder *b, struct fy_diag *diag)
{
    struct fy_diag_error *error;
    char text[200];
    void *at = NULL;

    while ((error = fy_diag_errors_iterate(diag, &at))) {
        unsigned line = error->line > 0 ? (unsigned)error->line : b->line;
        snprintf(text, sizeof(text), "is not YAML: %s", error->msg);
        complain(b, line, NULL, text, NULL);
    }
    if (!b->wrong)
        complain(b, b->line, NULL, "is not YAML", NULL);
}

static int run(struct builder *b, struct fy_parser *parser, struct fy_diag *diag)
{
    struct fy_event *event;

    while ((event = fy_parser_parse(parser))) {
        int result = take_event(b, event);
        fy_parser_event_free(parser, event);
        if (result != 0)
            return -1;
    }
    if (fy_parser_get_stream_error(parser)) {
        report_syntax(b, diag);
        return -1;
    }
    return 0;
}

/* What libfyaml 0.7 must not see: bytes that are not UTF-8, and directives, at whose end it may look for a newline for
 * ever. No valid line of ours begins with a percent sign. */
static int check_bytes(struct builder *b, struct str text)
{
    struct config_file_fault fault;
    struct str line;

    if (config_file_check_text(text, &fault) != 0)
        return complain(b, fault.line, NULL, fault.text, fault.hint);
    for (unsigned number = 1; str_split(&text, '\n', &line); number++) {
        for (size_t i = 0; i < line.n; i++) {
            bool starts = i == 0 || line.p[i - 1] == '\r';
            if (starts && line.p[i] == '%')
                return complain(b, number, NULL, "directives (%YAML, %TAG) are not supported",
                                "remove the line");
        }
    }
    return 0;
}

int yaml_parse(struct arena *arena, struct str text, struct yaml_node **out, yaml_complain complain_fn,
               void *ud)
{
    struct builder b = { .arena = arena, .complain = complain_fn, .ud = ud, .line = 1 };
    struct fy_diag_cfg quiet = { .level = FYET_ERROR };
    struct fy_diag *diag = NULL;
    struct fy_parser *parser = NULL;
    int result = -1;

    *out = NULL;
    if (text.n == 0)
        return 0;
    if (check_bytes(&b, text) != 0)
        return -1;
    diag = fy_diag_create(&quiet);
    if (!diag) {
        out_of_memory(&b);
        goto done;
    }
    fy_diag_set_collect_errors(diag, true);
    struct fy_parse_cfg config = {
        .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE,
        .diag = diag,
    };
    parser = fy_parser_create(&config);
    if (!parser || fy_parser_set_string(parser, text.p, text.n) != 0) {
        out_of_memory(&b);
        goto done;
    }
    if (run(&b, parser, diag) != 0)
        goto done;
    *out = b.root;
    result = b.wrong ? -1 : 0;
done:
    fy_parser_destroy(parser);
    fy_diag_destroy(diag);
    return result;
}

const struct yaml_node *yaml_find(const struct yaml_node *map, struct str key)
{
    if (!map || map->kind != YAML_MAP)
        return NULL;
    for (const struct yaml_node *it = map->first; it; it = it->next) {
        if (str_equal(it->key, key))
            return it;
    }
    return NULL;
}
