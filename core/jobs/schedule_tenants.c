/* schedule_tenants.c - which tenants there are, asked before a transaction begins: whoever tells them has a database of his
 * own to ask. */
#include "jobs/schedule_inside.h"

static bool is_asked(const struct schedules *s)
{
    for (const struct planned *p = s->plans; p; p = p->next) {
        if (!p->plan.is_across_tenants)
            return s->options.tenants != NULL;
    }
    return false;
}

/* FNV-1a, over the name and its end. */
static void mix(uint64_t *digest, const char *name)
{
    const char *c = name;

    do
        *digest = (*digest ^ (unsigned char)*c) * UINT64_C(1099511628211);
    while (*c++);
}

static int take(const char *name, void *ud)
{
    struct schedule_tenants *all = ud;
    struct schedule_tenant *one = arena_calloc(&all->memory, sizeof(*one));

    if (one)
        one->name = arena_copy(&all->memory, str_from(name));
    if (!one || !one->name)
        return DW_ENOMEM;
    mix(&all->digest, name);
    *all->last = one;
    all->last = &one->next;
    return 0;
}

void schedule_tenants_read(const struct schedules *s, struct schedule_tenants *out)
{
    *out = (struct schedule_tenants){ .digest = UINT64_C(14695981039346656037), .are_known = true };
    arena_init(&out->memory, NULL, 0, 0);
    out->last = &out->first;
    if (is_asked(s))
        out->are_known = s->options.tenants(take, out, s->options.tenants_ud) >= 0;
}

void schedule_tenants_finish(struct schedule_tenants *all)
{
    arena_finish(&all->memory);
}
