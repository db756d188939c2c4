/* never - promises an answer and does not give it. */
#include <dowel/dowel.h>

#include <pthread.h>

static int never_complete(dw_call *c, dw_request *req)
{
    dw_token *token;

    (void)c;
    return dw_request_detach(req, &token, .timeout = DW_SECONDS(1));
}

/* ---- a thread that ends without a word ---- */

static void *forget(void *token)
{
    return token;
}

static int complete_never_elsewhere(dw_call *c, dw_request *req)
{
    dw_token *token;
    pthread_t thread;

    (void)c;
    DW_TRY(dw_request_detach(req, &token, .timeout = DW_SECONDS(1)));
    if (pthread_create(&thread, NULL, forget, token) == 0)
        pthread_join(thread, NULL);
    return 0;
}

/* ---- a thread that detaches in the place of the handler ---- */

struct errand {
    dw_request *req;
    dw_token *token;
    int rc;
};

static void *detach(void *ud)
{
    struct errand *e = ud;

    e->rc = dw_request_detach(e->req, &e->token, .timeout = DW_SECONDS(1));
    return NULL;
}

static int detach_elsewhere(dw_call *c, dw_request *req)
{
    struct errand e = { .req = req };
    pthread_t thread;

    if (pthread_create(&thread, NULL, detach, &e) != 0)
        return DW_EUNAVAILABLE;
    pthread_join(thread, NULL);
    dw_info(c, "told", "step", "detach on another thread", "rc", e.rc);
    return 0;
}

static const dw_operation operations[] = {
    { "neverComplete", never_complete },
    { "completeNeverElsewhere", complete_never_elsewhere },
    { "detachElsewhere", detach_elsewhere },
    { 0 },
};

DOWEL_PLUGIN(.name = "never", .version = "1.0.0", .summary = "Never answers", .license = "MIT",
             .operations = operations);
