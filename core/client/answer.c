#include "client/transfer.h"

#include <stdlib.h>
#include <strings.h>

/* Peers send a kilobyte or two; the rest is an attack or an accident. */
enum { HEAD_MAX = 64 * 1024 };

const char *client_error_name(enum client_error error)
{
    static const char *const names[CLIENT_ERRORS] = {
        [CLIENT_OK] = "ok",
        [CLIENT_INVALID] = "invalid",
        [CLIENT_DENIED] = "denied",
        [CLIENT_UNREACHED] = "unreached",
        [CLIENT_UNKNOWN] = "unknown",
        [CLIENT_STATUS] = "status",
        [CLIENT_TOO_LARGE] = "too_large",
        [CLIENT_TIMEOUT] = "timeout",
        [CLIENT_TLS] = "tls",
        [CLIENT_CANCELLED] = "cancelled",
        [CLIENT_MEMORY] = "memory",
        [CLIENT_HELD] = "held",
    };
    return (unsigned)error < CLIENT_ERRORS ? names[error] : "?";
}

struct client_answer *answer_create(void)
{
    struct client_answer *a = calloc(1, sizeof(*a));

    if (!a)
        return NULL;
    a->retry_after_us = -1;
    a->content_type = "";
    a->message = "";
    a->body = str_make("", 0);
    return a;
}

void client_answer_destroy(struct client_answer *a)
{
    if (!a)
        return;
    buf_finish(&a->fields_);
    buf_finish(&a->body_);
    buf_finish(&a->message_);
    free(a);
}

void answer_reset(struct client_answer *a)
{
    a->status = 0;
    a->retry_after_us = -1;
    a->content_type = "";
    a->fields_.n = 0;
    a->body_.n = 0;
}

/* "HTTP/1.1 200 OK", "HTTP/2 200": 0 when it is neither. */
static int read_status(struct str line)
{
    uint64_t status;
    size_t space = str_find(line, ' ');

    if (space + 4 > line.n || !str_to_uint(str_make(line.p + space + 1, 3), 999, &status))
        return 0;
    return (int)status;
}

/* Kept as name NUL value NUL, so that a value can be handed out as it stands. */
int answer_add_line(struct client_answer *a, struct str line)
{
    if (str_starts_with(line, STR_OF("HTTP/"))) {
        answer_reset(a);
        a->status = read_status(line);
        return 0;
    }
    size_t colon = str_find(line, ':');
    if (colon == line.n || colon == 0 || memchr(line.p, 0, line.n))
        return 0;
    if (a->fields_.n + line.n > HEAD_MAX)
        return -1;
    struct str value = str_trim(str_make(line.p + colon + 1, line.n - colon - 1));
    buf_add(&a->fields_, line.p, colon);
    buf_add_char(&a->fields_, 0);
    buf_add_str(&a->fields_, value);
    buf_add_char(&a->fields_, 0);
    return buf_failed(&a->fields_) ? -1 : 0;
}

const char *client_answer_header(const struct client_answer *a, const char *name)
{
    const char *p = a->fields_.p, *end = a->fields_.n ? p + a->fields_.n : p;

    while (p < end) {
        const char *value = p + strlen(p) + 1;
        if (strcasecmp(p, name) == 0)
            return value;
        p = value + strlen(value) + 1;
    }
    return NULL;
}
