#include "scopes.h"

#include <string.h>

#include "account.h"

bool scope_covers(const char *granted, const char *wanted)
{
    size_t n = strlen(granted);

    if (n == 0 || granted[n - 1] != '*')
        return strcmp(granted, wanted) == 0;
    bool is_pattern = n == 1 || granted[n - 2] == '.';
    return is_pattern && strncmp(granted, wanted, n - 1) == 0;
}

size_t scopes_next(const char **rest, const char **word)
{
    *word = *rest + strspn(*rest, " ");
    size_t n = strcspn(*word, " ");
    *rest = *word + n;
    return n;
}

const char *scopes_joined(dw_call *c, const json_t *list)
{
    dw_text *text = dw_text_new(c);
    const json_t *it;
    size_t i;

    json_array_foreach((json_t *)(uintptr_t)list, i, it)
    {
        dw_text_add(text, i > 0 ? " " : "");
        dw_text_add(text, json_string_value(it));
    }
    return dw_text_get(text).p;
}

/* ---- do they exist ---- */

static bool is_known(dw_call *c, const char *word)
{
    const dw_permission *p;

    if (strcmp(word, "*") == 0)
        return true;
    for (size_t i = 0; (p = auth_permission(c, i)); i++) {
        if (scope_covers(word, p->name))
            return true;
    }
    return false;
}

int scopes_check(dw_call *c, const char *scopes)
{
    const char *rest = scopes ? scopes : "", *at;
    size_t n;

    if (strlen(rest) > SCOPES_MAX)
        return dw_fail(c, DW_EINVALID,
                       "these are too many scopes; name a plugin's permissions by its pattern, as notes.*");
    while ((n = scopes_next(&rest, &at)) > 0) {
        const char *word = dw_copy(c, (dw_str){ at, n });
        if (!is_known(c, word))
            return dw_fail(c, DW_EINVALID, "there is no such permission; /api/v1/permissions lists them",
                           "scope", word);
    }
    return 0;
}

/* ---- of what somebody has ---- */

static bool has_any(const struct account_permissions *has, const char *scope)
{
    for (size_t i = 0; i < has->n; i++) {
        if (scope_covers(scope, has->names[i]))
            return true;
    }
    return false;
}

const char *scopes_permitted(dw_call *c, const char *scopes, const struct account_permissions *has)
{
    const char *rest = scopes, *at;
    size_t n;

    if (!scopes)
        return NULL;
    dw_text *out = dw_text_new(c);
    while ((n = scopes_next(&rest, &at)) > 0) {
        const char *word = dw_copy(c, (dw_str){ at, n });
        if (!has_any(has, word))
            continue;
        if (dw_text_get(out).n > 0)
            dw_text_add(out, " ");
        dw_text_add(out, word);
    }
    return dw_text_get(out).p;
}

bool scopes_cover(dw_call *c, const char *scopes, const char *permission)
{
    const char *rest = scopes, *at;
    size_t n;

    while ((n = scopes_next(&rest, &at)) > 0) {
        if (scope_covers(dw_copy(c, (dw_str){ at, n }), permission))
            return true;
    }
    return false;
}

void scopes_limit(dw_call *c, const char *scopes, struct account_permissions *has)
{
    const char **names = dw_alloc(c, (has->n + 1) * sizeof(*names));
    size_t n = 0;

    if (!scopes)
        return;
    for (size_t i = 0; i < has->n; i++) {
        if (scopes_cover(c, scopes, has->names[i]))
            names[n++] = has->names[i];
    }
    has->names = names;
    has->n = n;
}
