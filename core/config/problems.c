#include "config/problems.h"

#include <stdarg.h>
#include <stdio.h>

/* Far above what CONFIG_PROBLEMS_MAX sentences need. */
enum { PROBLEMS_MEMORY = 4 << 20, TEXT_MAX = 1000 };

void config_problems_init(struct config_problems *p)
{
    *p = (struct config_problems){ .first = NULL };
    p->end = &p->first;
    arena_init(&p->arena, NULL, 0, PROBLEMS_MEMORY);
}

void config_problems_finish(struct config_problems *p)
{
    arena_finish(&p->arena);
    config_problems_init(p);
}

bool config_problems_any(const struct config_problems *p)
{
    return p->errors > 0 || p->out_of_memory;
}

struct config_problem config_problem_at(struct config_place place, const char *table, const char *item)
{
    return (struct config_problem){ .place = place, .table = table, .item = item };
}

static const char *copy(struct config_problems *p, const char *text)
{
    if (!text)
        return NULL;
    const char *kept = arena_copy(&p->arena, str_from(text));
    if (!kept)
        p->out_of_memory = true;
    return kept;
}

static bool same_source(struct config_place a, struct config_place b)
{
    return a.source && b.source && strcmp(a.source, b.source) == 0;
}

/* By line among those of the same file, which are found in another order than they are read in; else at the end. */
static void insert(struct config_problems *p, struct config_problem *problem)
{
    struct config_problem **at = p->end;

    for (struct config_problem **it = &p->first; problem->place.line && *it; it = &(*it)->next) {
        if (!same_source((*it)->place, problem->place))
            continue;
        at = (*it)->place.line <= problem->place.line ? &(*it)->next : it;
        if (at == it)
            break;
    }
    problem->next = *at;
    *at = problem;
    if (at == p->end)
        p->end = &problem->next;
}

void config_problem_add(struct config_problems *p, struct config_problem problem, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list args;

    if (problem.warning)
        p->warnings++;
    else
        p->errors++;
    if (p->errors + p->warnings > CONFIG_PROBLEMS_MAX) {
        p->left_out++;
        return;
    }
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    struct config_problem *kept = arena_alloc(&p->arena, sizeof(*kept));
    if (!kept) {
        p->out_of_memory = true;
        return;
    }
    *kept = problem;
    kept->next = NULL;
    kept->place.source = copy(p, problem.place.source);
    kept->table = copy(p, problem.table);
    kept->item = copy(p, problem.item);
    kept->text = copy(p, text);
    kept->hint = copy(p, problem.hint);
    insert(p, kept);
}

void config_place_format(struct buf *out, struct config_place place)
{
    buf_add_text(out, place.source ? place.source : "nowhere");
    if (place.line)
        buf_add_format(out, ":%u", place.line);
}

void config_problem_format(struct buf *out, const struct config_problem *problem)
{
    if (problem->place.source) {
        config_place_format(out, problem->place);
        buf_add_text(out, ": ");
    }
    if (problem->warning)
        buf_add_text(out, "warning: ");
    if (problem->item) {
        buf_add_text(out, problem->item);
        buf_add_text(out, ": ");
    }
    buf_add_text(out, problem->text);
    if (problem->hint) {
        buf_add_text(out, ", ");
        buf_add_text(out, problem->hint);
    }
}

void config_problems_format(struct buf *out, const struct config_problems *p)
{
    for (const struct config_problem *it = p->first; it; it = it->next) {
        config_problem_format(out, it);
        buf_add_char(out, '\n');
    }
    if (p->left_out)
        buf_add_format(out, "and %zu more\n", p->left_out);
    if (p->out_of_memory)
        buf_add_text(out, "out of memory while the configuration was read\n");
}

static void add_json_text(struct buf *out, const char *name, const char *value)
{
    buf_add_format(out, ",\"%s\":", name);
    if (value)
        buf_add_json(out, str_from(value));
    else
        buf_add_text(out, "null");
}

static void add_json_problem(struct buf *out, const struct config_problem *problem)
{
    buf_add_text(out, "{\"file\":");
    if (problem->place.source)
        buf_add_json(out, str_from(problem->place.source));
    else
        buf_add_text(out, "null");
    if (problem->place.line)
        buf_add_format(out, ",\"line\":%u", problem->place.line);
    else
        buf_add_text(out, ",\"line\":null");
    add_json_text(out, "table", problem->table);
    add_json_text(out, "item", problem->item);
    add_json_text(out, "text", problem->text);
    add_json_text(out, "hint", problem->hint);
    buf_add_char(out, '}');
}

static void add_json_list(struct buf *out, const struct config_problems *p, bool warnings)
{
    const char *comma = "";

    buf_add_char(out, '[');
    for (const struct config_problem *it = p->first; it; it = it->next) {
        if (it->warning != warnings)
            continue;
        buf_add_text(out, comma);
        add_json_problem(out, it);
        comma = ",";
    }
    buf_add_char(out, ']');
}

void config_problems_json(struct buf *out, const struct config_problems *p)
{
    buf_add_format(out, "{\"ok\":%s,\"errors\":", config_problems_any(p) ? "false" : "true");
    add_json_list(out, p, false);
    buf_add_text(out, ",\"warnings\":");
    add_json_list(out, p, true);
    buf_add_format(out, ",\"left_out\":%zu}\n", p->left_out);
}
