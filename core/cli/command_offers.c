#include "cli/command_offers.h"

#include <stdlib.h>
#include <string.h>

#include "cli/own_commands.h"
#include "cli/table.h"

/* As the registry declines one that clashes. */
static void judge(struct offers *o, struct plan_plugin *p, const struct offer *offer)
{
    struct buf why = BUF_INIT;
    int result = commands_check_words(offer->commands, offer->n, cli_verb_words(), &why);

    for (const struct offer *other = o->v; other < offer && result == 0; other++)
        result =
            commands_check_beside(offer->commands, offer->n, other->name, other->commands, other->n, &why);
    if (result != 0)
        plan_decline(p, &o->view.arena, buf_str(&why));
    buf_finish(&why);
}

/* False: it has none. */
static bool add_offer(struct offers *o, const struct plan_plugin *p)
{
    struct offer *offer = &o->v[o->n];
    int n = 0;

    if (p->file && p->file->found)
        n = command_line_found(p->file->found, &o->view.arena, &offer->commands);
    offer->plugin = p;
    offer->name = p->name;
    offer->n = n > 0 ? (size_t)n : 0;
    o->n += n > 0;
    return n > 0;
}

static bool has_offer(const struct offers *o, const struct plan_plugin *p)
{
    for (size_t i = 0; i < o->n; i++) {
        if (o->v[i].plugin == p)
            return true;
    }
    return false;
}

static struct offer own_offer(void)
{
    struct offer offer = { .name = "core" };

    offer.commands = own_commands(&offer.n);
    return offer;
}

void offers_open(struct offers *o, const struct cli *c)
{
    struct plan *plan = &o->view.plan;

    *o = (struct offers){ .v = NULL };
    o->result = plugin_view_peek(&o->view, c);
    o->n = 0;
    o->v = calloc(plan->n + 2, sizeof(*o->v));
    if (!o->v)
        return;
    o->v[o->n++] = own_offer();
    if (o->result != CLI_OK)
        return;
    for (size_t i = 0; i < plan->sequence_n; i++) {
        struct plan_plugin *p = plan->sequence[i];
        if (p->state == PLUGIN_LOADED && add_offer(o, p))
            judge(o, p, &o->v[o->n - 1]);
    }
    for (size_t i = 0; i < plan->n; i++) {
        if (!has_offer(o, &plan->plugins[i]))
            add_offer(o, &plan->plugins[i]);
    }
}

void offers_close(struct offers *o)
{
    free(o->v);
    plugin_view_close(&o->view);
}

void offers_each(const struct offers *o,
                 bool (*visit)(const struct offer *offer, const dw_command *command, void *ud), void *ud)
{
    for (size_t i = 0; i < o->n; i++) {
        for (size_t k = 0; offer_is_working(&o->v[i]) && k < o->v[i].n; k++) {
            if (!visit(&o->v[i], &o->v[i].commands[k], ud))
                return;
        }
    }
}

struct str command_first_word(const dw_command *command)
{
    return str_make(command->name, strcspn(command->name, " "));
}
