#include "http/access.h"

#include "log/log.h"

static struct str raw_path(const struct http_exchange *x)
{
    return x->path.p ? x->path : http_head_text(&x->reader.head, x->reader.head.path);
}

static struct str method(const struct http_exchange *x)
{
    const struct http_head *head = &x->reader.head;

    if (head->method != HTTP_UNKNOWN)
        return str_from(http_method_name(head->method));
    return head->fields ? http_head_text(head, head->method_name) : STR_OF("?");
}

/* A handler that is still running may be making a trace just now; one that the client brought has been there before. */
static struct str trace_of(const struct http_exchange *x)
{
    bool there = x->parent_size || (!exchange_is_out_of_hand(x) && x->traced);
    return str_make(x->trace.id, there ? TRACE_ID : 0);
}

void access_log(struct http_exchange *x, int status, int64_t took_us, bool cut)
{
    char client[ADDRESS_TEXT_SIZE];

    address_format(&x->client, client);
    /* The last one stands there for a plugin's routes only. */
    const char *owner = x->route ? x->route->owner : NULL;
    log_info("request", LOG_STR("id", http_request_id(x)), LOG_STR("trace", trace_of(x)),
             LOG_TEXT("client", client), LOG_STR("method", method(x)), LOG_STR("path", raw_path(x)),
             LOG_TEXT("route", x->route ? x->route->path : ""), LOG_NUMBER("status", status),
             LOG_NUMBER("bytes", x->sent), LOG_SPAN("took", took_us), LOG_BOOL("cut", cut),
             owner ? LOG_TEXT("plugin", owner) : LOG_END);
}
