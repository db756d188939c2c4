/* host_http.c - the table of what plugins do with requests; its functions check the handle and pass on. */
#include "http/message.h"
#include "plugin/detach.h"
#include "plugin/host.h"
#include "plugin/reply.h"
#include "plugin/reply_rows.h"

static int read_values(dw_request *req, dw_list pairs)
{
    struct request *r;

    DW_TRY(request_check(req, "dw_request_read", &r));
    return request_read(r, pairs);
}

static json_t *json(dw_request *req)
{
    struct request *r = request_of(req, "dw_request_json");
    return r ? request_json(r) : NULL;
}

static dw_bytes body(dw_request *req)
{
    struct request *r = request_of(req, "dw_request_body");
    return r ? request_body(r) : (dw_bytes){ NULL, 0 };
}

/* What the exchange has is not terminated. */
static const char *text_of(struct request *r, struct str s)
{
    return call_copy(r->c, s);
}

static const char *header(dw_request *req, const char *name)
{
    struct request *r = request_of(req, "dw_request_header");
    struct str value = r && name ? http_request_header(r->x, name) : str_make(NULL, 0);

    return value.p ? text_of(r, value) : NULL;
}

static const char *method(dw_request *req)
{
    struct request *r = request_of(req, "dw_request_method");

    if (!r)
        return "";
    if (http_request_method(r->x) != HTTP_UNKNOWN)
        return http_method_name(http_request_method(r->x));
    const struct http_head *head = http_request_head(r->x);
    return text_of(r, http_head_text(head, head->method_name));
}

static const char *path(dw_request *req)
{
    struct request *r = request_of(req, "dw_request_path");
    return r ? text_of(r, http_request_path(r->x)) : "";
}

static const char *id(dw_request *req)
{
    struct request *r = request_of(req, "dw_request_id");
    return r ? text_of(r, http_request_id(r->x)) : "";
}

static const char *address(dw_request *req)
{
    struct request *r = request_of(req, "dw_request_address");
    char text[ADDRESS_TEXT_SIZE];

    if (!r)
        return "";
    address_format(http_request_client(r->x), text);
    return text_of(r, str_from(text));
}

static const char *origin(dw_request *req)
{
    struct request *r = request_of(req, "dw_request_origin");

    if (!r)
        return "";
    struct str host = http_request_host(r->x);
    struct buf text = BUF_INIT;
    buf_add_text(&text, http_request_is_tls(r->x) ? "https://" : "http://");
    buf_add(&text, host.p, host.n);
    const char *copy = buf_failed(&text) ? "" : text_of(r, buf_str(&text));
    buf_finish(&text);
    return copy;
}

const dw_http_api host_http_api = {
    .struct_size = sizeof(dw_http_api),
    .read = read_values,
    .json = json,
    .body = body,
    .header = header,
    .method = method,
    .path = path,
    .id = id,
    .reply = reply_list,
    .reply_json = reply_json,
    .reply_bytes = reply_bytes,
    .reply_open = reply_open,
    .reply_close = reply_close,
    .reply_header = reply_header,
    .detach = detach_request,
    .token_reply = detach_reply,
    .token_fail = detach_fail,
    .reply_row = reply_row,
    .reply_rows = reply_rows,
    .reply_list = reply_page,
    .address = address,
    .origin = origin,
};
