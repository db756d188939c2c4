/* slow - holds a worker for a minute and does not listen. */
#include <dowel/dowel.h>

#include <time.h>
#include <unistd.h>

enum { LONG_S = 60 };

static time_t seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static int wait_asleep(dw_call *c, dw_request *req)
{
    unsigned left = LONG_S;

    (void)c;
    while (left > 0)
        left = sleep(left);
    return dw_reply(req, 200, "slept", (int)LONG_S);
}

static int wait_awake(dw_call *c, dw_request *req)
{
    time_t end = seconds() + LONG_S;

    (void)c;
    while (seconds() < end)
        ;
    return dw_reply(req, 200, "span", (int)LONG_S);
}

static const dw_operation operations[] = {
    { "waitAsleep", wait_asleep },
    { "waitAwake", wait_awake },
    { 0 },
};

DOWEL_PLUGIN(.name = "slow", .version = "1.0.0", .summary = "Takes its time", .license = "MIT",
             .operations = operations);
