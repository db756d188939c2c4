/* Our extensions of OpenAPI, all at operations. Their page for authors: docs/contract.md. */
#include "api/reader.h"
#include "config/core_config.h"
#include "config/nearest.h"
#include "config/units.h"

struct extension_reader {
    struct api_operation *op;
    struct api_fields *fields;
};

struct extension {
    const char *name;
    void (*read)(struct api_reader *r, const struct yaml_node *node, struct extension_reader *e);
};

/* ---- who may ---- */

static void read_permission(struct api_reader *r, const struct yaml_node *node, struct extension_reader *e)
{
    bool is_one = str_equal(node->text, STR_OF(API_SIGNED_IN)) || api_is_permission(node->text);

    if (node->kind != YAML_TEXT || !is_one)
        api_complain(r, node->line,
                     "write the plugin's name, a dot and one word, as notes.read, or " API_SIGNED_IN
                     " for anybody who is",
                     "x-permission is no permission");
    else
        e->op->permission = node->text.p;
}

/* NULL node or another kind: complained about, `fallback`. */
static bool read_truth(struct api_reader *r, const struct yaml_node *node)
{
    if (node->kind == YAML_BOOL)
        return str_equal(node->text, STR_OF("true"));
    api_complain(r, node->line, NULL, "%s is true or false, not %s", node->key.p, yaml_kind_name(node->kind));
    return false;
}

static void read_public(struct api_reader *r, const struct yaml_node *node, struct extension_reader *e)
{
    e->op->is_public = read_truth(r, node);
}

/* For what has one possible value today. */
static bool is_word_only(struct api_reader *r, const struct yaml_node *node, const char *word)
{
    if (node->kind == YAML_TEXT && str_equal(node->text, str_from(word)))
        return true;
    api_complain(r, node->line, "write that, or leave the line out", "%s can only be %s", node->key.p, word);
    return false;
}

static void read_tenant(struct api_reader *r, const struct yaml_node *node, struct extension_reader *e)
{
    e->op->no_tenant = is_word_only(r, node, "none");
}

/* ---- how often, how long, how much ---- */

static void read_idempotent(struct api_reader *r, const struct yaml_node *node, struct extension_reader *e)
{
    e->op->idempotency_required = node->kind == YAML_TEXT && str_equal(node->text, STR_OF("required"));
    if (node->kind == YAML_TEXT && !e->op->idempotency_required)
        api_complain(r, node->line, NULL, "%s is true, false or required, not %s", node->key.p, node->text.p);
    else
        e->op->idempotent = e->op->idempotency_required || read_truth(r, node);
    if (e->op->idempotent && e->op->method != HTTP_POST && e->op->method != HTTP_PATCH)
        api_complain(r, node->key_line, "remove it", "x-idempotent: %s can be repeated anyway",
                     http_method_name(e->op->method));
}

static bool is_scalar(struct api_reader *r, const struct yaml_node *node)
{
    if (node->kind != YAML_LIST && node->kind != YAML_MAP)
        return true;
    api_complain(r, node->line, NULL, "%s is %s, and must be a text", node->key.p,
                 yaml_kind_name(node->kind));
    return false;
}

static void read_rate_limit(struct api_reader *r, const struct yaml_node *node, struct extension_reader *e)
{
    if (!is_scalar(r, node))
        return;
    const char *wrong = core_rate_parse(node->text, &e->op->rate_requests, &e->op->rate_window_us);
    if (!wrong && e->op->rate_requests == 0)
        wrong = "is off, which is the administrator's to say: leave the line out";
    if (wrong)
        api_complain(r, node->line, NULL, "x-rate-limit %s", wrong);
    else
        e->op->rate_limit = node->text.p;
}

static void read_timeout(struct api_reader *r, const struct yaml_node *node, struct extension_reader *e)
{
    if (!is_scalar(r, node))
        return;
    const char *wrong = units_parse_span(node->text, &e->op->timeout_us);
    if (!wrong && e->op->timeout_us == 0)
        wrong = "is no time at all: write 30s, or leave the line out";
    if (wrong)
        api_complain(r, node->line, NULL, "x-timeout %s", wrong);
}

static void read_body(struct api_reader *r, const struct yaml_node *node, struct extension_reader *e)
{
    (void)e; /* the media types read it, see body.c */
    is_word_only(r, node, "stream");
}

static void read_body_max(struct api_reader *r, const struct yaml_node *node, struct extension_reader *e)
{
    int64_t bytes = 0;

    if (!is_scalar(r, node))
        return;
    const char *wrong = units_parse_size(node->text, &bytes);
    if (!wrong && bytes == 0)
        wrong = "leaves no room for content: write 10 MiB, or leave the line out";
    if (wrong)
        api_complain(r, node->line, NULL, "x-body-max %s", wrong);
    else
        e->op->body_max = (uint64_t)bytes;
}

/* ---- what brings fields ---- */

static void read_if_match(struct api_reader *r, const struct yaml_node *node, struct extension_reader *e)
{
    struct api_field field = {
        .name = "if_match",
        .sent_as = "If-Match",
        .in = API_IN_HEADER,
        .type = API_STRING,
        .required = true,
        .is_etag = true,
        .line = node->key_line,
    };
    if (is_word_only(r, node, "required"))
        api_fields_add(r, e->fields, &field);
}

static bool is_query_field(const struct api_fields *fields, const char *name)
{
    for (size_t i = 0; i < fields->n; i++) {
        if (fields->v[i].in == API_IN_QUERY && strcmp(fields->v[i].name, name) == 0)
            return true;
    }
    return false;
}

/* What is declared as a parameter too keeps that: it may say more. */
static void add_query_field(struct api_reader *r, const struct yaml_node *node, struct extension_reader *e,
                            const char *name, enum api_type type)
{
    struct api_field field = {
        .name = name, .sent_as = name, .in = API_IN_QUERY, .type = type, .line = node->line
    };
    if (!is_query_field(e->fields, name))
        api_fields_add(r, e->fields, &field);
}

static void check_names(struct api_reader *r, const struct yaml_node *list)
{
    for (const struct yaml_node *it = list ? list->first : NULL; it; it = it->next) {
        if (it->kind != YAML_TEXT)
            api_complain(r, it->line, NULL, "%s is a list of columns' names", list->key.p);
    }
}

static void read_list(struct api_reader *r, const struct yaml_node *node, struct extension_reader *e)
{
    static const char *const known[] = { "sort", "filter", NULL };

    if (node->kind != YAML_MAP) {
        api_complain(r, node->line, "write { sort: [created_at], filter: [author] }, or {} for neither",
                     "x-list is %s, and must be a map", yaml_kind_name(node->kind));
        return;
    }
    api_check_keys(r, node, known);
    if (e->op->method != HTTP_GET)
        api_complain(r, node->key_line, "use get", "x-list: a list is read with GET, not with %s",
                     http_method_name(e->op->method));
    const struct yaml_node *sort = api_get_kind(r, node, "sort", YAML_LIST),
                           *filter = api_get_kind(r, node, "filter", YAML_LIST);
    check_names(r, sort);
    check_names(r, filter);
    add_query_field(r, node, e, "limit", API_INTEGER);
    add_query_field(r, node, e, "cursor", API_STRING);
    if (sort)
        add_query_field(r, sort, e, "sort", API_STRING);
    for (const struct yaml_node *it = filter ? filter->first : NULL; it; it = it->next) {
        if (it->kind == YAML_TEXT)
            add_query_field(r, it, e, it->text.p, API_STRING);
    }
}

/* ---- what is told in the client's language ---- */

static void read_said(struct api_reader *r, const struct yaml_node *node, struct extension_reader *e)
{
    (void)e;
    if (node->kind != YAML_LIST)
        api_complain(r, node->line, "write x-said: [detail]", "x-said is %s, and must be a list",
                     yaml_kind_name(node->kind));
    else
        check_names(r, node);
}

/* ---- all of them ---- */

static const struct extension extensions[] = {
    { "x-permission", read_permission },
    { "x-public", read_public },
    { "x-tenant", read_tenant },
    { "x-idempotent", read_idempotent },
    { "x-rate-limit", read_rate_limit },
    { "x-timeout", read_timeout },
    { "x-body", read_body },
    { "x-body-max", read_body_max },
    { "x-if-match", read_if_match },
    { "x-list", read_list },
    { "x-said", read_said },
};

static const struct extension *find(struct str name)
{
    for (size_t i = 0; i < DW_COUNT_OF(extensions); i++) {
        if (str_equal(name, str_from(extensions[i].name)))
            return &extensions[i];
    }
    return NULL;
}

bool api_extension_known(const char *key, const char **nearest)
{
    struct nearest near = nearest_init(str_from(key));

    *nearest = NULL;
    if (find(str_from(key)))
        return true;
    for (size_t i = 0; i < DW_COUNT_OF(extensions); i++)
        nearest_offer(&near, extensions[i].name);
    *nearest = near.name;
    return false;
}

static void check_access(struct api_reader *r, const struct yaml_node *operation,
                         const struct api_operation *op)
{
    const struct yaml_node *permission = yaml_find(operation, STR_OF("x-permission"));

    if (!permission && !op->is_public)
        api_complain(r, operation->key_line, "write x-permission: NAME.WORD, or x-public: true for anybody",
                     "every operation says who may: it has neither x-permission nor x-public: true");
    if (permission && op->is_public)
        api_complain(r, permission->key_line, "remove one", "it has x-permission and also x-public: true");
}

/* What comes as a stream is not there yet when it is asked whether it came before. */
static void settle_idempotent(struct api_reader *r, const struct yaml_node *operation,
                              struct api_operation *op)
{
    const struct yaml_node *how = api_get(operation, "x-body"),
                           *said = yaml_find(operation, STR_OF("x-idempotent"));

    if (!op->idempotent || !how || !str_equal(how->text, STR_OF("stream")))
        return;
    if (said)
        api_complain(r, said->key_line, "remove one", "it has x-idempotent and also x-body: stream");
    op->idempotent = false;
}

/* Somebody else's extension is left alone; keys that look like a slip in one of ours are the caller's to complain
 * about, with all other keys. */
void api_extensions_read(struct api_reader *r, const struct yaml_node *operation, struct api_operation *op,
                         struct api_fields *fields)
{
    struct extension_reader e = { .op = op, .fields = fields };

    op->idempotent = op->method == HTTP_POST; /* unless x-idempotent says otherwise */
    for (const struct yaml_node *it = operation->first; it; it = it->next) {
        const struct extension *extension = find(it->key);
        if (extension && !it->refused)
            extension->read(r, it, &e);
    }
    check_access(r, operation, op);
    settle_idempotent(r, operation, op);
}
