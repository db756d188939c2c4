#include "http/message.h"

#include "util/compiler.h"

static const struct str method_names[HTTP_METHODS] = {
    [HTTP_GET] = STR("GET"),         [HTTP_HEAD] = STR("HEAD"),   [HTTP_POST] = STR("POST"),
    [HTTP_PUT] = STR("PUT"),         [HTTP_PATCH] = STR("PATCH"), [HTTP_DELETE] = STR("DELETE"),
    [HTTP_OPTIONS] = STR("OPTIONS"), [HTTP_TRACE] = STR("TRACE"), [HTTP_CONNECT] = STR("CONNECT"),
};

const char *http_method_name(enum http_method method)
{
    return method < HTTP_METHODS ? method_names[method].p : "?";
}

enum http_method http_method_from(struct str token)
{
    for (unsigned m = 0; m < HTTP_METHODS; m++) {
        if (str_equal(method_names[m], token))
            return (enum http_method)m;
    }
    return HTTP_UNKNOWN;
}

static const struct {
    int status;
    const char *text;
} status_texts[] = {
    { 100, "Continue" },
    { 101, "Switching Protocols" },
    { 200, "OK" },
    { 201, "Created" },
    { 202, "Accepted" },
    { 204, "No Content" },
    { 205, "Reset Content" },
    { 206, "Partial Content" },
    { 301, "Moved Permanently" },
    { 302, "Found" },
    { 303, "See Other" },
    { 304, "Not Modified" },
    { 307, "Temporary Redirect" },
    { 308, "Permanent Redirect" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 402, "Payment Required" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 406, "Not Acceptable" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 410, "Gone" },
    { 411, "Length Required" },
    { 412, "Precondition Failed" },
    { 413, "Content Too Large" },
    { 414, "URI Too Long" },
    { 415, "Unsupported Media Type" },
    { 416, "Range Not Satisfiable" },
    { 417, "Expectation Failed" },
    { 421, "Misdirected Request" },
    { 422, "Unprocessable Content" },
    { 425, "Too Early" },
    { 426, "Upgrade Required" },
    { 428, "Precondition Required" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 451, "Unavailable For Legal Reasons" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 502, "Bad Gateway" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
    { 507, "Insufficient Storage" },
};

const char *http_status_text(int status)
{
    if (status == 200)
        return "OK";
    for (size_t i = 0; i < DW_COUNT_OF(status_texts); i++) {
        if (status_texts[i].status == status)
            return status_texts[i].text;
    }
    return "Unknown";
}

struct str http_head_next(const struct http_head *head, struct str name, uint16_t *at)
{
    while (*at < head->fields) {
        const struct http_field *f = &head->field[(*at)++];
        if (f->name.n == name.n && str_equal_nocase(http_head_text(head, f->name), name))
            return http_head_text(head, f->value);
    }
    return str_make(NULL, 0);
}

struct str http_head_find(const struct http_head *head, struct str name)
{
    uint16_t at = 0;
    return http_head_next(head, name, &at);
}
