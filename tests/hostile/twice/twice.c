/* twice - answers twice, or not at all, or with what is no answer. What the host says to the second attempt is logged. */
#include <dowel/dowel.h>

static void told(dw_instance *instance, const char *step, int rc)
{
    dw_log_any(instance, DW_LOG_INFO, "told", "step", step, "rc", rc);
}

static int complete_twice(dw_call *c, dw_request *req)
{
    dw_instance *instance = dw_call_instance(c);
    dw_token *token;

    DW_TRY(dw_request_detach(req, &token, .timeout = DW_SECONDS(5)));
    told(instance, "first completion", dw_token_reply(token, 200, "nth", 1));
    told(instance, "second completion", dw_token_reply(token, 200, "nth", 2));
    told(instance, "third completion", dw_token_fail(token, DW_EINTERNAL, "the third"));
    return 0;
}

static int reply_twice(dw_call *c, dw_request *req)
{
    DW_TRY(dw_reply(req, 200, "nth", 1));
    told(dw_call_instance(c), "second reply", dw_reply(req, 409, "nth", 2));
    return 0;
}

static int reply_and_detach(dw_call *c, dw_request *req)
{
    dw_token *token = NULL;

    DW_TRY(dw_reply(req, 200, "nth", 1));
    told(dw_call_instance(c), "detach after reply", dw_request_detach(req, &token, .timeout = DW_SECONDS(5)));
    return 0;
}

static int detach_and_reply(dw_call *c, dw_request *req)
{
    dw_instance *instance = dw_call_instance(c);
    dw_token *token;

    DW_TRY(dw_request_detach(req, &token, .timeout = DW_SECONDS(5)));
    told(instance, "reply after detach", dw_reply(req, 200, "nth", 2));
    told(instance, "completion", dw_token_reply(token, 200, "nth", 1));
    return 0;
}

static int detach_twice(dw_call *c, dw_request *req)
{
    dw_instance *instance = dw_call_instance(c);
    dw_token *first, *second = NULL;

    DW_TRY(dw_request_detach(req, &first, .timeout = DW_SECONDS(5)));
    told(instance, "second detach", dw_request_detach(req, &second, .timeout = DW_SECONDS(5)));
    told(instance, "completion", dw_token_reply(first, 200, "nth", 1));
    return 0;
}

static int detach_and_fail(dw_call *c, dw_request *req)
{
    dw_instance *instance = dw_call_instance(c);
    dw_token *token;

    DW_TRY(dw_request_detach(req, &token, .timeout = DW_SECONDS(5)));
    told(instance, "completion", dw_token_reply(token, 200, "nth", 1));
    return DW_ECONFLICT;
}

static int reply_nothing(dw_call *c, dw_request *req)
{
    (void)c;
    (void)req;
    return 0;
}

static int return_nonsense(dw_call *c, dw_request *req)
{
    (void)c;
    DW_TRY(dw_reply(req, 200, "nth", 1));
    return -4711;
}

static const dw_operation operations[] = {
    { "completeTwice", complete_twice },
    { "replyTwice", reply_twice },
    { "replyAndDetach", reply_and_detach },
    { "detachAndReply", detach_and_reply },
    { "detachTwice", detach_twice },
    { "detachAndFail", detach_and_fail },
    { "replyNothing", reply_nothing },
    { "returnNonsense", return_nonsense },
    { 0 },
};

DOWEL_PLUGIN(.name = "twice", .version = "1.0.0", .summary = "Answers twice", .license = "MIT",
             .operations = operations);
