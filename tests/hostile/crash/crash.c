/* crash - ends the process in every way that a handler can. */
#include <dowel/dowel.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

/* volatile: the compiler must not see through what is meant to happen at run time. */
static int *volatile nowhere;
static volatile int zero;
static volatile int endless = 1;

static int read_nowhere(dw_call *c, dw_request *req)
{
    (void)c;
    return dw_reply(req, 200, "value", *nowhere);
}

static int divide(dw_call *c, dw_request *req)
{
    (void)c;
    return dw_reply(req, 200, "value", 4711 / zero);
}

static int call_abort(dw_call *c, dw_request *req)
{
    (void)c;
    (void)req;
    abort();
}

static int call_exit(dw_call *c, dw_request *req)
{
    (void)c;
    (void)req;
    exit(0);
}

static int kill_itself(dw_call *c, dw_request *req)
{
    (void)c;
    (void)req;
    raise(SIGKILL);
    return 0;
}

static int dig(const volatile char *above)
{
    volatile char here[1024];

    here[0] = (char)(above[0] + 1);
    return endless ? dig(here) + here[0] : 0;
}

static int overflow(dw_call *c, dw_request *req)
{
    (void)c;
    return dw_reply(req, 200, "value", dig(""));
}

/* ---- on threads of its own ---- */

static int run(void *(*work)(void *), dw_call *c, dw_request *req)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, work, dw_call_instance(c)) != 0)
        return DW_EUNAVAILABLE;
    pthread_join(thread, NULL);
    return dw_reply(req, 204);
}

static void *dig_with_call(void *instance)
{
    dw_call *c;

    if (dw_call_open(instance, "digging", &c) != 0)
        return NULL;
    dig("");
    dw_call_close(c);
    return NULL;
}

/* Nobody knows whose thread this is. */
static void *read_without_call(void *instance)
{
    (void)instance;
    zero = *nowhere;
    return NULL;
}

static int overflow_elsewhere(dw_call *c, dw_request *req)
{
    return run(dig_with_call, c, req);
}

static int read_elsewhere(dw_call *c, dw_request *req)
{
    return run(read_without_call, c, req);
}

static const dw_operation operations[] = {
    { "readNowhere", read_nowhere },
    { "divide", divide },
    { "callAbort", call_abort },
    { "callExit", call_exit },
    { "killItself", kill_itself },
    { "overflow", overflow },
    { "overflowElsewhere", overflow_elsewhere },
    { "readElsewhere", read_elsewhere },
    { 0 },
};

DOWEL_PLUGIN(.name = "crash", .version = "1.0.0", .summary = "Ends the process", .license = "MIT",
             .operations = operations);
