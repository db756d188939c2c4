/* The permissions that a contract declares: those that x-permissions at its top describes, and those that its operations
 * ask for. */
#include "api/reader.h"

#include <string.h>

static bool is_word(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool is_letter = c >= 'a' && c <= 'z', is_more = (c >= '0' && c <= '9') || c == '_' || c == '-';
        if (!is_letter && (i == 0 || !is_more))
            return false;
    }
    return s.n > 0;
}

bool api_is_permission(struct str text)
{
    struct str rest = text, name;

    return str_split(&rest, '.', &name) && is_word(name) && is_word(rest);
}

/* ---- one entry of x-permissions ---- */

static const char *read_roles(struct api_reader *r, const struct yaml_node *node)
{
    const struct yaml_node *list = api_get_kind(r, node, "roles", YAML_LIST);
    const char *roles = "";

    for (const struct yaml_node *it = list ? list->first : NULL; it && roles; it = it->next) {
        if (it->kind != YAML_TEXT || !is_word(it->text))
            api_complain(r, it->line, "write names such as [viewer, member]",
                         "roles has something that is no role");
        else
            roles = arena_format(r->arena, "%s%s%s", roles, *roles ? " " : "", it->text.p);
    }
    if (!roles)
        api_complain_memory(r);
    return roles;
}

static void read_entry(struct api_reader *r, const struct yaml_node *node, struct api_permission *out)
{
    static const char *const known[] = { "summary", "roles", NULL };

    *out = (struct api_permission){ .name = node->key.p, .summary = "", .roles = "", .line = node->key_line };
    if (!api_is_permission(node->key))
        api_complain(r, node->key_line, "write the plugin's name, a dot and one word, as notes.read",
                     "%s is no permission", node->key.p);
    if (node->kind == YAML_TEXT) {
        out->summary = node->text.p;
    } else if (node->kind != YAML_MAP) {
        api_complain(r, node->line,
                     "write what it is for, as \"Read notes\", or { summary: ..., roles: [...] }",
                     "the permission %s is %s", node->key.p, yaml_kind_name(node->kind));
    } else {
        const char *summary = api_get_text(r, node, "summary");
        api_check_keys(r, node, known);
        out->summary = summary ? summary : "";
        out->roles = read_roles(r, node);
    }
}

/* ---- all of them ---- */

static bool has(const struct api_document *d, const char *name)
{
    for (size_t i = 0; i < d->permissions_n; i++) {
        if (strcmp(d->permissions[i].name, name) == 0)
            return true;
    }
    return false;
}

void api_permissions_read(struct api_reader *r, struct api_document *d)
{
    const struct yaml_node *map = api_get_kind(r, r->root, "x-permissions", YAML_MAP);
    size_t max = (map ? map->n : 0) + d->operations_n + 1;
    struct api_permission *list = arena_calloc(r->arena, max * sizeof(*list));

    if (!list) {
        api_complain_memory(r);
        return;
    }
    d->permissions = list;
    for (const struct yaml_node *it = map ? map->first : NULL; it; it = it->next) {
        if (!it->refused)
            read_entry(r, it, &list[d->permissions_n++]);
    }
    for (size_t i = 0; i < d->operations_n; i++) {
        const struct api_operation *op = &d->operations[i];
        if (op->permission && strcmp(op->permission, API_SIGNED_IN) != 0 && !has(d, op->permission))
            list[d->permissions_n++] = (struct api_permission){
                .name = op->permission, .summary = "", .roles = "", .line = op->line
            };
    }
}
