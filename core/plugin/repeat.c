#include "plugin/repeat.h"

#include "http/trace.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "plugin/call_db.h"
#include "util/clock.h"

static const int64_t first_pause_us = 2 * (int64_t)CLOCK_MS, retry_after_us = CLOCK_SECOND;

/* Twice as long each time, and never the same for two that were in each other's way. */
static int64_t pause_of(unsigned done)
{
    int64_t most = first_pause_us << done;

    return most / 2 + (int64_t)(trace_random() % (uint64_t)(most / 2));
}

/* True when there is no time left for another run. Without a wait where the harness has the clock. */
static bool wait_before(const struct repeat *r, dw_call *c)
{
    if (c->instance->process->sleep_us)
        return call_is_cancelled(c);
    return call_wait_until(c, clock_monotonic_us() + pause_of(r->done));
}

/* The client had better wait than come again at once. */
static void say_later(dw_call *c, int rc)
{
    if (c->error.code == rc && rc == DW_EUNAVAILABLE && c->error.retry_after.us == 0)
        c->error.retry_after.us = retry_after_us;
}

static bool has_enough(const struct repeat *r, const dw_call *c)
{
    if (r->done < REPEATS_MAX)
        return false;
    log_warn("a transaction is given up, that the database wanted repeated each time it ran",
             LOG_TEXT("plugin", c->instance->name), LOG_TEXT("callback", c->what),
             LOG_STR("request", c->request_id), LOG_NUMBER("repeats", r->done),
             LOG_TEXT("why", c->error.text));
    return true;
}

bool repeat_wanted(struct repeat *r, dw_call *c, int rc)
{
    if (rc >= 0 || !c->wants_repeat)
        return false;
    call_session_end(c); /* nobody waits for it while it waits; and says whether something was committed */
    if (c->was_seen_outside)
        return false;
    say_later(c, rc);
    if (has_enough(r, c) || wait_before(r, c))
        return false;
    r->done++;
    metric_add(c->instance->metrics.repeats, 1);
    return true;
}
