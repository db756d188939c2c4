/* The first line is the Content-Type, the rest the body. It is parsed in one piece and again in small ones, which must
 * give the same parts and the same verdict. */
#include <assert.h>
#include <stdlib.h>

#include "http/multipart.h"
#include "util/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct str s)
{
    assert(s.n <= MULTIPART_HEAD_MAX && str_is_utf8(s));
}

static int on_begin(const struct multipart_part *part, void *ud)
{
    char room[MULTIPART_SAFE_NAME];

    check_text(part->name);
    check_text(part->filename);
    check_text(part->content_type);
    struct str safe = multipart_safe_name(part->filename, room);
    assert(safe.n > 0 && safe.n <= MULTIPART_SAFE_NAME && str_is_utf8(safe));
    assert(str_find(safe, '/') == safe.n && str_find(safe, '\\') == safe.n && safe.p[0] != '.');
    buf_add_text(ud, "<");
    buf_add_json(ud, part->name);
    buf_add_json(ud, part->filename);
    buf_add_json(ud, part->content_type);
    return 0;
}

static int on_data(struct str piece, void *ud)
{
    buf_add_str(ud, piece);
    return 0;
}

static int on_end(void *ud)
{
    buf_add_text(ud, ">");
    return 0;
}

/* Pieces of 1, 2, ... bytes up to `largest`, over and over. The status, or 0. */
static int parse(struct str type, struct str body, size_t largest, struct buf *out)
{
    const struct multipart_events on = { .begin = on_begin, .data = on_data, .end = on_end, .ud = out };
    struct multipart *m = malloc(sizeof(*m));
    int result = multipart_begin(m, type, &on);

    for (size_t at = 0, n = 1; result == 0 && at < body.n; n = n % largest + 1) {
        size_t take = largest > body.n ? body.n : n;
        if (take > body.n - at)
            take = body.n - at;
        result = multipart_feed(m, str_make(body.p + at, take));
        at += take;
    }
    if (result == 0)
        result = multipart_end(m);
    int status = result == 0 ? 0 : m->status;
    assert(status == 0 || (status >= 400 && m->reason));
    free(m);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = str_make((const char *)data, size), type;
    size_t line = str_find(input, '\n');
    struct buf whole = BUF_INIT, cut = BUF_INIT;

    if (line == size)
        return 0;
    type = str_make(input.p, line);
    struct str body = str_make(input.p + line + 1, size - line - 1);
    int status = parse(type, body, SIZE_MAX, &whole);
    assert(parse(type, body, 7, &cut) == status);
    assert(status != 0 || str_equal(buf_str(&whole), buf_str(&cut)));
    buf_finish(&whole);
    buf_finish(&cut);
    return 0;
}
