/* Staging a reply: everything here only notes what shall be sent. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "http/exchange_struct.h"
#include "http/problem.h"

enum { FIELDS_MAX = 16 * 1024, CONTENT_TYPE_MAX = 1024 };

void reply_clear(struct http_reply *reply)
{
    free(reply->owned);
    if (reply->fd >= 0)
        close(reply->fd);
    reply->owned = NULL;
    reply->fd = -1;
    reply->body = str_make(NULL, 0);
    reply->size = 0;
    reply->status = 0;
    reply->content_type = NULL;
}

uint64_t reply_size(const struct http_reply *reply)
{
    return reply->fd >= 0 ? (uint64_t)reply->size : reply->body.n;
}

struct str reply_field(const struct http_reply *reply, struct str name)
{
    struct str rest = buf_str(&reply->fields), line;

    while (rest.n && str_split(&rest, '\n', &line)) {
        size_t colon = str_find(line, ':');
        if (colon + 3 <= line.n && str_equal_nocase(str_make(line.p, colon), name))
            return str_make(line.p + colon + 2, line.n - colon - 3); /* without ": " and the CR */
    }
    return str_make(NULL, 0);
}

void reply_weaken_etag(struct http_reply *reply)
{
    struct str tag = reply_field(reply, STR_OF("ETag"));

    if (!tag.n || tag.p[0] != '"')
        return;
    size_t at = (size_t)(tag.p - reply->fields.p);
    if (!buf_reserve(&reply->fields, 2))
        return;
    memmove(reply->fields.p + at + 2, reply->fields.p + at, reply->fields.n - at);
    memcpy(reply->fields.p + at, "W/", 2);
    reply->fields.n += 2;
}

size_t http_reply_mark(const struct http_exchange *x)
{
    return x->reply.fields.n;
}

void http_reply_rollback(struct http_exchange *x, size_t mark)
{
    if (x->reply.stream)
        return;
    reply_clear(&x->reply);
    if (x->reply.fields.n > mark)
        x->reply.fields.n = mark;
}

bool http_replied(const struct http_exchange *x)
{
    return x->reply.status != 0;
}

static bool is_field_name(struct str name)
{
    static const char more[] = "!#$%&'*+-.^_`|~";

    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!alnum && (c == 0 || !strchr(more, c)))
            return false;
    }
    return name.n > 0;
}

static bool is_field_value(struct str value)
{
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* Where a message ends and what becomes of the connection is the transport's to say: a second Content-Length would let
 * two readers see two messages. */
static bool is_transports(struct str name)
{
    static const struct str names[] = {
        STR("Content-Length"), STR("Transfer-Encoding"), STR("Connection"), STR("Keep-Alive"),
        STR("Trailer"),        STR("Upgrade"),           STR("Date"),
    };

    for (size_t i = 0; i < DW_COUNT_OF(names); i++) {
        if (str_equal_nocase(name, names[i]))
            return true;
    }
    return false;
}

int http_reply_header(struct http_exchange *x, const char *name, struct str value)
{
    struct buf *fields = &x->reply.fields;
    struct str label = str_from(name);

    /* The head of a stream may be on its way already, written by the loop. */
    if (x->reply.stream || !is_field_name(label) || is_transports(label) || !is_field_value(value) ||
        fields->n + label.n + value.n + 4 > FIELDS_MAX)
        return -1;
    if (!buf_reserve(fields, label.n + value.n + 4))
        return -1;
    buf_add_str(fields, label);
    buf_add(fields, ": ", 2);
    buf_add_str(fields, value);
    buf_add(fields, "\r\n", 2);
    return 0;
}

/* Content types are the program's own words, a static file's, or what somebody uploaded: no text may split the head or be
 * more than it has room for. */
int reply_stage(struct http_exchange *x, int status, const char *content_type)
{
    struct str type = str_from(content_type);

    if (x->reply.status != 0 || status < 200 || status > 599)
        return -1;
    if (type.n > CONTENT_TYPE_MAX || !is_field_value(type))
        return -1;
    x->reply.status = status;
    x->reply.content_type = content_type;
    return 0;
}

int http_reply_borrow(struct http_exchange *x, int status, const char *content_type, struct str body)
{
    if (reply_stage(x, status, content_type) != 0)
        return -1;
    x->reply.body = body;
    return 0;
}

int http_reply(struct http_exchange *x, int status, const char *content_type, struct str body)
{
    char *copy = NULL;

    if (body.n && x->reply.status == 0) {
        copy = arena_alloc(&x->arena, body.n);
        if (!copy)
            return -1;
        memcpy(copy, body.p, body.n);
    }
    return http_reply_borrow(x, status, content_type, str_make(copy, body.n));
}

int http_reply_take(struct http_exchange *x, int status, const char *content_type, struct buf *body)
{
    struct buf mine = *body;

    *body = (struct buf)BUF_INIT;
    if (buf_failed(&mine) || http_reply_borrow(x, status, content_type, buf_str(&mine)) != 0) {
        buf_finish(&mine);
        return -1;
    }
    x->reply.owned = mine.p;
    return 0;
}

int http_reply_empty(struct http_exchange *x, int status)
{
    return http_reply_borrow(x, status, NULL, str_make(NULL, 0));
}

int http_reply_file(struct http_exchange *x, int status, const char *content_type, int fd, off_t offset,
                    off_t size)
{
    if (offset < 0 || size < 0 || reply_stage(x, status, content_type) != 0) {
        close(fd);
        return -1;
    }
    x->reply.fd = fd;
    x->reply.offset = offset;
    x->reply.size = size;
    return 0;
}

static bool has_line(const struct buf *fields, struct str line)
{
    struct str rest = buf_str(fields), found;

    while (rest.n && str_split(&rest, '\n', &found)) {
        if (str_equal_nocase(str_trim(found), line))
            return true;
    }
    return false;
}

static void drop_field(struct buf *fields, struct str name)
{
    struct str rest = buf_str(fields), line;

    while (rest.n && str_split(&rest, '\n', &line)) {
        if (!str_equal_nocase(str_make(line.p, str_find(line, ':')), name))
            continue;
        size_t at = (size_t)(line.p - fields->p), n = line.n + 1;
        memmove(fields->p + at, fields->p + at + n, fields->n - at - n);
        fields->n -= n;
        rest = str_make(fields->p + at, fields->n - at);
    }
}

/* What a handler, or compression, said of the content that a problem takes the place of. */
static void forget_content(struct http_reply *reply)
{
    static const struct str names[] = { STR("Content-Encoding"),    STR("Content-Range"),
                                        STR("Content-Disposition"), STR("ETag"),
                                        STR("Last-Modified"),       STR("Accept-Ranges"),
                                        STR("Content-Language") };

    reply_clear(reply);
    for (size_t i = 0; i < DW_COUNT_OF(names); i++)
        drop_field(&reply->fields, names[i]);
}

/* Its title at least is said in the client's language; NULL: of the rest nobody knows in which one. */
static void say_languages(struct http_exchange *x, const char *languages)
{
    if (languages)
        http_reply_header(x, "Content-Language", str_from(languages));
    if (!has_line(&x->reply.fields, STR_OF("Vary: Accept-Language")))
        http_reply_header(x, "Vary", STR_OF("Accept-Language"));
}

static int stage_problem(struct http_exchange *x, int status, const char *detail, const char *languages,
                         const struct problem_error *errors, size_t errors_n)
{
    struct buf body = BUF_INIT;

    if (x->reply.stream)
        return -1;
    forget_content(&x->reply);
    say_languages(x, languages);
    problem_write_in(&body, http_request_language(x), status, str_from(detail), http_request_id(x), errors,
                     errors_n);
    if (http_reply_take(x, status, PROBLEM_CONTENT_TYPE, &body) == 0)
        return 0;
    /* Without memory for the words the status still says what it can. */
    return http_reply_empty(x, status);
}

/* What has no German words stays English, below a German title. */
static const char *languages_of(enum http_language language, const char *english, const char *said)
{
    if (language == HTTP_ENGLISH)
        return "en";
    return english == said && english ? "de, en" : "de";
}

int http_reply_problem_with(struct http_exchange *x, int status, const char *detail, enum http_words words,
                            const struct problem_error *errors, size_t errors_n)
{
    enum http_language language = http_request_language(x);
    const char *said = http_say(language, detail);

    if (words == HTTP_WORDS_OF_OTHERS)
        return stage_problem(x, status, detail, NULL, errors, errors_n);
    if (words == HTTP_WORDS_SAID)
        return stage_problem(x, status, detail, languages_of(language, detail, NULL), errors, errors_n);
    return stage_problem(x, status, said, languages_of(language, detail, said), errors, errors_n);
}

int http_reply_problem(struct http_exchange *x, int status, const char *detail)
{
    return http_reply_problem_with(x, status, detail, HTTP_WORDS_OURS, NULL, 0);
}

void reply_settle(struct http_exchange *x)
{
    struct http_reply *reply = &x->reply;

    if (reply->status != 0 && !buf_failed(&reply->fields))
        return;
    reply_clear(reply);
    buf_finish(&reply->fields);
    reply->status = 500;
}

int http_reply_problem_format(struct http_exchange *x, int status, const char *format, ...)
{
    enum http_language language = http_request_language(x);
    const char *said = http_say(language, format);
    char detail[512];
    va_list args;

    va_start(args, format);
    vsnprintf(detail, sizeof(detail), said, args);
    va_end(args);
    return stage_problem(x, status, detail, languages_of(language, format, said), NULL, 0);
}
