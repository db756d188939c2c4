#include "http/writer.h"

#include "http/stream.h"

/* On every reply: browsers must not guess types, frame us, or tell others our addresses. */
static const struct str constant_fields = STR("X-Content-Type-Options: nosniff\r\n"
                                              "X-Frame-Options: DENY\r\n"
                                              "Referrer-Policy: same-origin\r\n");
static const struct str tls_fields = STR("Strict-Transport-Security: max-age=31536000\r\n");

static char *put(char *p, const char *text, size_t n)
{
    memcpy(p, text, n);
    return p + n;
}

static char *put_str(char *p, struct str s)
{
    return s.n ? put(p, s.p, s.n) : p;
}

static char *put_uint(char *p, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    return put(p, digits + at, sizeof(digits) - at);
}

#define PUT(p, literal) put((p), (literal), sizeof(literal) - 1)

static char *put_status(char *p, int status)
{
    if (status == 200)
        return PUT(p, "HTTP/1.1 200 OK\r\nDate: ");
    p = PUT(p, "HTTP/1.1 ");
    p = put_uint(p, (uint64_t)status);
    *p++ = ' ';
    p = put_str(p, str_from(http_status_text(status)));
    return PUT(p, "\r\nDate: ");
}

static bool has_content(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

static char *put_framing(char *p, const struct http_exchange *x)
{
    const struct http_reply *reply = &x->reply;

    if (reply->stream)
        return stream_is_chunked(reply->stream) ? PUT(p, "Transfer-Encoding: chunked\r\n") : p;
    if (!has_content(reply->status))
        return p;
    p = PUT(p, "Content-Length: ");
    p = put_uint(p, reply_size(reply));
    return PUT(p, "\r\n");
}

static char *put_connection(char *p, const struct http_exchange *x, bool close)
{
    if (close)
        return PUT(p, "Connection: close\r\n");
    return x->reader.head.minor == 0 ? PUT(p, "Connection: keep-alive\r\n") : p;
}

size_t writer_head(const struct http_exchange *x, bool close, const char *date, char *out)
{
    const struct http_reply *reply = &x->reply;
    char *p = put_status(out, reply->status);

    p = put(p, date, CLOCK_HTTP_SIZE - 1);
    p = PUT(p, "\r\n");
    if (reply->content_type) {
        p = PUT(p, "Content-Type: ");
        p = put_str(p, str_from(reply->content_type));
        p = PUT(p, "\r\n");
    }
    p = put_framing(p, x);
    p = put_connection(p, x, close);
    if (x->id_size) {
        p = PUT(p, "X-Request-Id: ");
        p = put(p, x->id, x->id_size);
        p = PUT(p, "\r\n");
    }
    p = put_str(p, constant_fields);
    if (x->client_tls)
        p = put_str(p, tls_fields);
    p = put_str(p, buf_str(&reply->fields));
    p = PUT(p, "\r\n");
    return (size_t)(p - out);
}
