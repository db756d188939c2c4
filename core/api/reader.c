#include "api/reader.h"

#include <stdarg.h>
#include <stdio.h>

#include "config/nearest.h"

enum { COMPLAINT_MAX = 512 };

static bool is_told(const struct api_reader *r, unsigned line, const char *text)
{
    for (const struct config_problem *it = r->problems->first; it; it = it->next) {
        bool is_here = it->place.line == line && it->place.source && strcmp(it->place.source, r->source) == 0;
        if (is_here && strcmp(it->text, text) == 0)
            return true;
    }
    return false;
}

void api_complain(struct api_reader *r, unsigned line, const char *hint, const char *format, ...)
{
    struct config_place place = { r->source, line };
    char text[COMPLAINT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    r->wrong = true;
    if (is_told(r, line, text))
        return;
    struct config_problem problem = config_problem_at(place, NULL, r->item);
    problem.hint = hint;
    config_problem_add(r->problems, problem, "%s", text);
}

void api_complain_memory(struct api_reader *r)
{
    r->wrong = true;
    r->problems->out_of_memory = true;
}

const char *api_did_you_mean(struct api_reader *r, const char *name)
{
    return name ? arena_format(r->arena, "did you mean %s?", name) : NULL;
}

const struct yaml_node *api_get(const struct yaml_node *map, const char *key)
{
    const struct yaml_node *node = yaml_find(map, str_from(key));
    return node && !node->refused ? node : NULL;
}

const struct yaml_node *api_get_kind(struct api_reader *r, const struct yaml_node *map, const char *key,
                                     enum yaml_kind kind)
{
    const struct yaml_node *node = api_get(map, key);
    bool is_unquoted = node && kind == YAML_TEXT && node->kind < YAML_LIST;

    if (!node || node->kind == kind)
        return node;
    api_complain(r, node->line, is_unquoted ? "put it in quotes" : NULL, "%s is %s, and must be %s", key,
                 yaml_kind_name(node->kind), yaml_kind_name(kind));
    return NULL;
}

const char *api_get_text(struct api_reader *r, const struct yaml_node *map, const char *key)
{
    const struct yaml_node *node = api_get_kind(r, map, key, YAML_TEXT);
    return node ? node->text.p : NULL;
}

bool api_get_bool(struct api_reader *r, const struct yaml_node *map, const char *key, bool fallback)
{
    const struct yaml_node *node = api_get_kind(r, map, key, YAML_BOOL);
    return node ? str_equal(node->text, STR_OF("true")) : fallback;
}

static void check_extension(struct api_reader *r, const struct yaml_node *map, const struct yaml_node *node)
{
    const char *nearest = NULL;

    if (map == r->root && str_equal(node->key, STR_OF("x-permissions")))
        return;
    if (api_extension_known(node->key.p, &nearest)) {
        if (map != r->operation)
            api_complain(r, node->key_line, "write it there", "%s belongs to an operation", node->key.p);
    } else if (nearest)
        api_complain(r, node->key_line, api_did_you_mean(r, nearest), "%s is not known", node->key.p);
}

static bool is_one_of(const char *const *names, const char *name)
{
    for (; *names; names++) {
        if (strcmp(*names, name) == 0)
            return true;
    }
    return false;
}

void api_check_keys(struct api_reader *r, const struct yaml_node *map, const char *const *known)
{
    for (const struct yaml_node *it = map->first; it; it = it->next) {
        if (str_starts_with(it->key, STR_OF("x-"))) {
            check_extension(r, map, it);
            continue;
        }
        if (is_one_of(known, it->key.p))
            continue;
        struct nearest nearest = nearest_init(it->key);
        for (const char *const *name = known; *name; name++)
            nearest_offer(&nearest, *name);
        api_complain(r, it->key_line, api_did_you_mean(r, nearest.name), "%s is not known here", it->key.p);
    }
}
