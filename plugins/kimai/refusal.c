#include "refusal.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

/* The members that Kimai's form for timesheets can have; all else it names is about the whole. */
static const char *const members[] = { "project",  "activity", "user",      "tags",      "description",
                                       "billable", "exported", "fixedRate", "hourlyRate" };

static json_t *children_of(const json_t *body)
{
    return json_object_get(json_object_get(body, "errors"), "children");
}

bool refusal_is_form(const json_t *body)
{
    return json_is_object(json_object_get(body, "errors"));
}

bool refusal_names(const json_t *body, const char *member)
{
    return json_array_size(json_object_get(json_object_get(children_of(body), member), "errors")) > 0;
}

bool refusal_knows(const json_t *body, const char *member)
{
    return json_object_get(children_of(body), member) != NULL;
}

static bool is_member(const char *name)
{
    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
        if (strcmp(name, members[i]) == 0)
            return true;
    return false;
}

bool refusal_is_whole(const json_t *body)
{
    json_t *children = children_of(body);

    if (json_array_size(json_object_get(json_object_get(body, "errors"), "errors")) > 0)
        return true;
    for (void *at = json_object_iter(children); at; at = json_object_iter_next(children, at))
        if (!is_member(json_object_iter_key(at)) && refusal_names(body, json_object_iter_key(at)))
            return true;
    return false;
}

/* ---- its texts ---- */

static void add(char *out, size_t size, const char *name, const char *text)
{
    const size_t n = strlen(out);
    int wanted;

    if (strstr(out, text))
        return; /* the end is in the future as well as the begin: Kimai says some things twice */
    wanted = snprintf(out + n, size - n, "%s%s%s%s", n ? "; " : "", name, *name ? ": " : "", text);
    if (wanted < 0)
        out[n] = '\0';
    else if ((size_t)wanted >= size - n)
        out[text_whole(out, size - 1)] = '\0';
}

static void add_all(char *out, size_t size, const char *name, const json_t *texts)
{
    for (size_t i = 0; i < json_array_size(texts); i++)
        if (json_is_string(json_array_get(texts, i)))
            add(out, size, name, json_string_value(json_array_get(texts, i)));
}

void refusal_text(const json_t *body, char *out, size_t size)
{
    json_t *children = children_of(body);

    *out = '\0';
    add_all(out, size, "", json_object_get(json_object_get(body, "errors"), "errors"));
    for (void *at = json_object_iter(children); at; at = json_object_iter_next(children, at))
        add_all(out, size, json_object_iter_key(at), json_object_get(json_object_iter_value(at), "errors"));
}
