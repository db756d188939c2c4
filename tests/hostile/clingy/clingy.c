/* clingy - does not let go when it is stopped: it stays in stop, or leaves a thread behind that works on. */
#include <dowel/dowel.h>

#include <pthread.h>
#include <unistd.h>

struct clingy_conf {
    bool stays;
    bool leaves_thread;
};

static const dw_item items[] = {
    DW_ITEM(struct clingy_conf, stays, .fallback = "false", .help = "Stay in stop for ever"),
    DW_ITEM(struct clingy_conf, leaves_thread, .fallback = "false", .help = "Leave a thread behind"),
    { 0 },
};

/* As one that was forgotten would: it keeps a call, logs, and nobody ever tells it to end. */
static void *work_on(void *instance)
{
    dw_call *c;

    while (dw_call_open(instance, "working on", &c) != 0)
        usleep(100);
    for (;;) {
        dw_log_any(instance, DW_LOG_DEBUG, "still here");
        usleep(100);
    }
    return NULL;
}

static int start(dw_call *c)
{
    const struct clingy_conf *conf = dw_conf(c);
    pthread_t thread;

    if (!conf->leaves_thread)
        return 0;
    if (pthread_create(&thread, NULL, work_on, dw_call_instance(c)) != 0)
        return DW_EUNAVAILABLE;
    pthread_detach(thread);
    return 0;
}

static int stop(dw_call *c)
{
    const struct clingy_conf *conf = dw_conf(c);

    while (conf->stays)
        sleep(1);
    return 0;
}

DOWEL_PLUGIN(.name = "clingy", .version = "1.0.0", .summary = "Does not let go", .license = "MIT",
             .conf = DW_ITEMS(struct clingy_conf, items), .start = start, .stop = stop);
