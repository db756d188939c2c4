/* stamps - customers of the shop earn a point for each whole euro, and a reward for each hundred points. */
#include <dowel/dowel.h>

enum { CENTS_A_POINT = 100, POINTS_A_LEVEL = 100 };

static int sum_points(dw_call *c, const char *customer, int64_t *sum)
{
    return dw_db_get(c, DW_TO(sum), "SELECT coalesce(sum(points), 0) FROM stamps_points WHERE customer = $1",
                     customer);
}

/* ---- points: an event, told at least once ---- */

/* 1, or 0 when this event was counted before. */
static int count_points(dw_call *c, const char *event_id, const char *customer, int64_t points)
{
    return dw_db_exec(c,
                      "INSERT INTO stamps_points (tenant_id, event_id, customer, points, earned_at)"
                      " VALUES (:tenant, $1, $2, $3, :now) ON CONFLICT (tenant_id, event_id) DO NOTHING",
                      event_id, customer, points);
}

static int on_order(dw_call *c, const dw_event *event)
{
    const char *customer;
    int64_t cents, sum;

    DW_TRY(dw_json_read(c, event->data, "customer!", &customer, "cents!", &cents));
    DW_TRY(dw_tx_begin(c));
    int counted = count_points(c, event->id, customer, cents / CENTS_A_POINT);
    DW_TRY(counted);
    DW_TRY(sum_points(c, customer, &sum));
    /* One job that waits is enough, however many orders a customer places meanwhile. */
    if (counted && sum >= POINTS_A_LEVEL)
        DW_TRY(
            dw_job_add(c, .kind = "reward", .with = DW_LIST("customer", customer), .unique_key = customer));
    return dw_tx_commit(c);
}

/* ---- rewards: a job, whose effect is committed once ---- */

static int give(dw_call *c, const char *customer, int64_t level)
{
    int given =
        dw_db_exec(c,
                   "INSERT INTO stamps_rewards (tenant_id, customer, level, given_at)"
                   " VALUES (:tenant, $1, $2, :now) ON CONFLICT (tenant_id, customer, level) DO NOTHING",
                   customer, level);

    if (given <= 0)
        return given;
    return dw_event_emit(c, "stamps.reward.given", "customer", customer, "level", level);
}

static int reward(dw_call *c, dw_job *job)
{
    const char *customer;
    int64_t sum;

    DW_TRY(dw_job_read(job, "customer!", &customer));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(sum_points(c, customer, &sum));
    for (int64_t level = 1; level <= sum / POINTS_A_LEVEL; level++)
        DW_TRY(give(c, customer, level));
    return dw_job_done(job);
}

static const dw_subscription subscriptions[] = { { "shop.order.placed", on_order }, { 0 } };
static const dw_job_kind jobs[] = { { .name = "reward", .run = reward }, { 0 } };

DOWEL_PLUGIN(.name = "stamps", .version = "1.0.0", .summary = "Points and rewards for orders",
             .license = "MIT", .wants = "shop>=1.0", .subscriptions = subscriptions, .jobs = jobs);
