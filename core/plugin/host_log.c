#include "plugin/host.h"

#include <stdatomic.h>

#include "metrics/metrics.h"
#include "plugin/call.h"
#include "plugin/counters.h"
#include "plugin/values.h"

enum { FIELDS = 3 + 32 + 2, ROOM = 1024, ROOM_MAX = 64 << 10 };

static enum log_level level_of(int level)
{
    return level <= DW_LOG_DEBUG ? LOG_DEBUG : level >= DW_LOG_ERROR ? LOG_ERROR : (enum log_level)level;
}

/* ---- lines ---- */

static int enabled(dw_call *c, int level)
{
    if (!call_may_log(c)) {
        call_stray(c, "dw_debug");
        return 0;
    }
    return c->instance->process->logged || log_enabled(level_of(level));
}

/* What is asked for first, then the plugin's own. A line is written even when its fields are wrong: it may be the one that
 * says why. `room` is not the call's memory, of which a line must not take any. */
static void write_line(dw_instance *i, struct log_field *fields, size_t n, int level, dw_list l)
{
    const dw_list pairs = { l.v + 1, l.n - 1 };
    const char *wrong = pairs_wrong(pairs);
    char first[ROOM];
    struct arena room;

    arena_init(&room, first, sizeof(first), ROOM_MAX);
    struct str text = value_text(&l.v[0]);
    const char *message = l.v[0].n == SIZE_MAX ? text.p : arena_copy(&room, text);
    if (i->process->logged)
        i->process->logged(i, level, message ? message : "", pairs, i->process->logged_ud);
    if (wrong)
        fields[n++] = LOG_TEXT("misuse", wrong);
    pairs_to_fields(pairs, fields + n, FIELDS - n, &room);
    log_write(level_of(level), message ? message : "", fields);
    arena_finish(&room);
}

static bool has_text(dw_list l)
{
    return l.n > 0 && l.v[0].type == DW_TEXT && l.v[0].as.p;
}

static void write(dw_call *c, int level, dw_list l)
{
    struct log_field fields[FIELDS];
    size_t n = 0;

    if (!call_may_log(c)) {
        call_stray(c, "dw_info");
        return;
    }
    dw_instance *i = c->instance;
    if (!has_text(l)) {
        call_misuse(c, "a log line has no text");
        return;
    }
    if (!i->process->logged && !log_enabled(level_of(level)))
        return;
    fields[n++] = LOG_TEXT("plugin", i->name);
    fields[n++] = LOG_TEXT("callback", c->what);
    if (c->request_id.n > 0)
        fields[n++] = LOG_STR("request", c->request_id);
    write_line(i, fields, n, level, l);
}

static void write_any(dw_instance *i, int level, dw_list l)
{
    struct log_field fields[FIELDS];

    if (call_check_instance(i, "dw_log_any") != 0)
        return;
    if (!has_text(l)) {
        metric_add(i->metrics.misuses, 1);
        log_error("a plugin broke the contract", LOG_TEXT("plugin", i->name),
                  LOG_TEXT("what", "a log line has no text"));
        return;
    }
    if (!i->process->logged && !log_enabled(level_of(level)))
        return;
    fields[0] = LOG_TEXT("plugin", i->name);
    write_line(i, fields, 1, level, l);
}

/* ---- counting ---- */

/* Made when first wanted; who comes second frees its own. NULL: memory. */
static struct counters *counters_of(dw_instance *i)
{
    struct counters *c = atomic_load_explicit(&i->counters, memory_order_acquire), *none = NULL;

    if (c || counters_create(&c) != 0)
        return c;
    if (atomic_compare_exchange_strong(&i->counters, &none, c))
        return c;
    counters_destroy(c);
    return none;
}

static const char *read_by(const dw_value *v, int64_t *by)
{
    *by = v->as.i;
    if ((v->type == DW_INT && v->as.i >= 0) || (v->type == DW_UINT && v->as.u <= INT64_MAX))
        return NULL;
    return "something else where a whole number of 0 or more is wanted";
}

static void count(dw_call *c, dw_list l)
{
    bool is_first_over = false;
    int64_t by = 0;

    if (!call_may_log(c)) {
        call_stray(c, "dw_count");
        return;
    }
    dw_instance *i = c->instance;
    const char *wrong = l.n < 2 || l.v[0].type != DW_TEXT ? "no name and number" : read_by(&l.v[1], &by);
    struct counters *counters = wrong ? NULL : counters_of(i);
    if (counters)
        wrong = counters_add(counters, i->name, value_text(&l.v[0]), by, (dw_list){ l.v + 2, l.n - 2 },
                             &is_first_over);
    if (wrong)
        call_misuse(c, "dw_count was given %s", wrong);
    if (is_first_over)
        log_warn("a plugin counts under more sets of labels than one may have; further ones are not counted",
                 LOG_TEXT("plugin", i->name), LOG_STR("name", value_text(&l.v[0])),
                 LOG_NUMBER("limit", COUNTERS_MAX));
}

const dw_log_api host_log_api = {
    .struct_size = sizeof(dw_log_api),
    .enabled = enabled,
    .write = write,
    .write_any = write_any,
    .count = count,
};
