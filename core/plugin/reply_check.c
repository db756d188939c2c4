#include "plugin/reply_check.h"

#include "api/input.h"
#include "http/exchange_struct.h"
#include "log/log.h"
#include "plugin/request.h"

static void tell_log(struct http_exchange *x, const char *plugin, const char *what,
                     const struct api_reply_faults *faults)
{
    const struct problem_error *first = faults->errors_n ? &faults->errors[0] : NULL;

    log_error("a reply is not what the plugin's api.yaml says", LOG_TEXT("plugin", plugin),
              LOG_TEXT("callback", what), LOG_STR("request", http_request_id(x)),
              LOG_TEXT("why", faults->detail), LOG_STR("pointer", first ? first->pointer : STR_OF("")),
              LOG_STR("detail", first ? first->detail : STR_OF("")));
}

/* Is it wrong, and why? */
static bool is_wrong(struct http_exchange *x, const struct api_replies *replies,
                     const struct api_operation *op, struct api_reply_faults *faults)
{
    const struct http_reply *reply = &x->reply;
    const struct api_reply given = { reply->status, str_from(reply->content_type), reply->body };

    if (!replies || reply->stream || reply->fd >= 0 || reply->status == 0)
        return false;
    int rc = api_reply_check(replies, op, &given, http_arena(x), faults);
    if (rc < 0)
        *faults = (struct api_reply_faults){ .detail = "There is no memory to check the reply." };
    return rc != 0;
}

static void refuse(struct http_exchange *x, size_t mark, const struct api_reply_faults *faults)
{
    const struct api_refusal refusal = {
        .status = 500, .detail = faults->detail, .errors = faults->errors, .errors_n = faults->errors_n
    };

    http_reply_rollback(x, mark);
    api_input_refuse(x, &refusal);
}

void reply_check(struct http_exchange *x, size_t mark)
{
    const struct plugin_route *route = http_request_route(x)->ud;
    struct api_reply_faults faults;

    if (!is_wrong(x, route->replies, route->operation, &faults))
        return;
    tell_log(x, route->instance->name, route->what, &faults);
    if (route->instance->process->wrong_replies)
        atomic_fetch_add(route->instance->process->wrong_replies, 1);
    refuse(x, mark, &faults);
}

void reply_check_as(struct http_exchange *x, size_t mark, const struct api_replies *replies,
                    const struct api_operation *op)
{
    struct api_reply_faults faults;

    if (!is_wrong(x, replies, op, &faults))
        return;
    tell_log(x, "core", op->id, &faults);
    refuse(x, mark, &faults);
}
