#include "plugin/schedules.h"

#include "config/units.h"
#include "plugin/descriptor.h"

static const struct str conf_prefix = STR("conf:");

/* ---- when: said by the plugin, or by the admin ---- */

static const dw_item *find_item(const struct plugin_descriptor *d, const char *name)
{
    for (size_t i = 0; i < d->items_n; i++) {
        if (strcmp(d->items[i].name, name) == 0)
            return &d->items[i];
    }
    return NULL;
}

static int refuse_item(struct buf *why, const char *name, const char *wrong)
{
    buf_add_format(why, "says when by its item %s, which %s", name, wrong);
    return -1;
}

/* Into room, from the settings. */
static int read_item(const dw_instance *i, const char *name, struct buf *room, struct buf *why)
{
    const dw_item *item = find_item(i->descriptor, name);

    if (!item || !i->conf)
        return refuse_item(why, name, "it does not have");
    const char *member = (const char *)i->conf + item->offset;
    if (item->type == DW_ITEM_TEXT) {
        const char *text;
        memcpy(&text, member, sizeof(text)); /* the plugin's struct: alignment is its business */
        buf_add_text(room, text ? text : "");
    } else if (item->type == DW_ITEM_SPAN) {
        dw_span span;
        memcpy(&span, member, sizeof(span));
        buf_add_text(room, span.us == 0 ? "off" : "every ");
        if (span.us != 0)
            units_format_span(room, span.us);
    } else {
        return refuse_item(why, name, "is neither a text nor a duration");
    }
    return 0;
}

/* ---- a plan ---- */

static int read_policies(const dw_schedule *s, struct schedule_plan *plan, struct buf *why)
{
    if (s->misfire && *s->misfire && !when_misfire_parse(str_from(s->misfire), &plan->misfire)) {
        buf_add_format(why, "has the misfire \"%s\"; there are coalesce, skip and all", s->misfire);
        return -1;
    }
    /* All that was missed is wanted one by one: nothing but a queue can do that. */
    plan->overlap = plan->misfire == WHEN_ALL ? SCHEDULE_QUEUE : SCHEDULE_SKIP;
    if (s->overlap && strcmp(s->overlap, "queue") == 0) {
        plan->overlap = SCHEDULE_QUEUE;
    } else if (s->overlap && strcmp(s->overlap, "skip") == 0) {
        plan->overlap = SCHEDULE_SKIP;
    } else if (s->overlap && *s->overlap) {
        buf_add_format(why, "has the overlap \"%s\"; there are skip and queue", s->overlap);
        return -1;
    }
    const char *wrong =
        s->jitter && *s->jitter ? units_parse_span(str_from(s->jitter), &plan->jitter_us) : NULL;
    if (wrong)
        buf_add_format(why, "has the jitter \"%s\": %s", s->jitter, wrong);
    return wrong ? -1 : 0;
}

/* Hands it to one of schedules_check() and schedules_add(). */
static int carry_out(dw_instance *i, const dw_schedule *s,
                     int (*act)(struct schedules *, const struct schedule_plan *, struct buf *),
                     struct buf *why)
{
    struct schedule_plan plan = { .owner = i->name,
                                  .name = s->name,
                                  .job = s->job,
                                  .when = s->when,
                                  .zone = s->zone && *s->zone ? s->zone : NULL,
                                  .is_across_tenants = s->across_tenants };
    struct buf room = BUF_INIT, wrong = BUF_INIT;
    int rc = read_policies(s, &plan, &wrong);

    if (rc == 0 && str_starts_with(str_from(s->when), conf_prefix)) {
        rc = read_item(i, s->when + conf_prefix.n, &room, &wrong);
        plan.when = buf_text(&room);
        if (buf_failed(&room))
            rc = -1;
    }
    if (rc == 0)
        rc = act(i->process->schedules, &plan, &wrong);
    if (rc != 0)
        buf_add_format(why, "its schedule %s %s", s->name,
                       wrong.n > 0 ? buf_text(&wrong) : "finds no memory");
    buf_finish(&wrong);
    buf_finish(&room);
    return rc;
}

int plugin_schedules_add(dw_instance *i, struct buf *why)
{
    const struct plugin_descriptor *d = i->descriptor;

    for (size_t n = 0; i->process->schedules && n < d->schedules_n; n++) {
        if (carry_out(i, &d->schedules[n], schedules_check, why) != 0)
            return -1;
    }
    for (size_t n = 0; i->process->schedules && n < d->schedules_n; n++) {
        if (carry_out(i, &d->schedules[n], schedules_add, why) != 0)
            return -1;
    }
    return 0;
}
