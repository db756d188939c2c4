#include "http/multipart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/buf.h"
#include "util/compiler.h"

#define TYPE "multipart/form-data; boundary=XX"
#define HEAD "Content-Disposition: form-data; name=\"a\"\r\n"

/* Writes what comes as text: [name|filename|type:content] for each part. */
struct record {
    struct buf out;
    int refuse_begin, refuse_data, refuse_end;
    unsigned open;
};

static void add_or_dash(struct buf *out, struct str s)
{
    buf_add_str(out, s.p ? s : STR_OF("-"));
}

static int on_begin(const struct multipart_part *part, void *ud)
{
    struct record *r = ud;

    assert_int_equal(r->open++, 0);
    buf_add_char(&r->out, '[');
    add_or_dash(&r->out, part->name);
    buf_add_char(&r->out, '|');
    add_or_dash(&r->out, part->filename);
    buf_add_char(&r->out, '|');
    add_or_dash(&r->out, part->content_type);
    buf_add_char(&r->out, ':');
    return r->refuse_begin;
}

static int on_data(struct str piece, void *ud)
{
    struct record *r = ud;

    assert_int_equal(r->open, 1);
    assert_true(piece.n > 0);
    buf_add_str(&r->out, piece);
    return r->refuse_data;
}

static int on_end(void *ud)
{
    struct record *r = ud;

    assert_int_equal(r->open--, 1);
    buf_add_char(&r->out, ']');
    return r->refuse_end;
}

/* Feeds a copy of exactly that size, so that ASan sees a byte read too many. */
static int feed_exact(struct multipart *m, struct str piece)
{
    char *copy = malloc(piece.n ? piece.n : 1);
    memcpy(copy, piece.p, piece.n);
    int result = multipart_feed(m, str_make(copy, piece.n));
    free(copy);
    return result;
}

/* The body in two pieces, or byte by byte when cut is above its size. The status: 0 when all is well. */
static int parse(const char *type, struct str body, size_t cut, struct record *r)
{
    const struct multipart_events on = { .begin = on_begin, .data = on_data, .end = on_end, .ud = r };
    struct multipart *m = malloc(sizeof(*m));
    int result;

    memset(m, 0xa5, sizeof(*m));
    result = multipart_begin(m, str_from(type), &on);
    if (cut <= body.n && result == 0) {
        result = feed_exact(m, str_make(body.p, cut));
        if (result == 0)
            result = feed_exact(m, str_make(body.p + cut, body.n - cut));
    }
    for (size_t i = 0; cut > body.n && i < body.n && result == 0; i++)
        result = feed_exact(m, str_make(body.p + i, 1));
    if (result == 0)
        result = multipart_end(m);
    int status = result == 0 ? 0 : m->status;
    if (status) {
        assert_non_null(m->reason);
        assert_int_equal(multipart_feed(m, STR_OF("x")), -1); /* a failure stays one */
        assert_int_equal(multipart_end(m), -1);
    }
    free(m);
    return status;
}

static const struct vector {
    const char *type;
    struct str body;
    int status;
    const char *parts; /* NULL: not looked at */
} vectors[] = {
    /* What clients send. */
    { TYPE, STR("--XX\r\n" HEAD "\r\n1\r\n--XX--\r\n"), 0, "[a|-|-:1]" },
    { TYPE, STR("--XX\r\n" HEAD "\r\n1\r\n--XX--"), 0, "[a|-|-:1]" },
    { TYPE, STR("--XX\r\n" HEAD "\r\n\r\n--XX--\r\n"), 0, "[a|-|-:]" },
    { TYPE, STR("--XX--\r\n"), 0, "" },
    { TYPE, STR("--XX--"), 0, "" },
    { TYPE, STR("--XX\r\n" HEAD "\r\n1\r\n--XX\r\n" HEAD "\r\n2\r\n--XX--\r\n"), 0, "[a|-|-:1][a|-|-:2]" },
    { TYPE,
      STR("--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.txt\"\r\nContent-Type: "
          "text/plain\r\n\r\n"
          "hello\r\n--XX--\r\n"),
      0, "[f|x.txt|text/plain:hello]" },
    { TYPE,
      STR("--XX\r\ncontent-type:  image/png \r\nCONTENT-DISPOSITION:Form-Data;NAME=f;FileName=x.png\r\n"
          "Content-Length: 1\r\nContent-Transfer-Encoding: binary\r\n\r\nz\r\n--XX--\r\n"),
      0, "[f|x.png|image/png:z]" },
    { TYPE, STR("--XX\r\nContent-Disposition: form-data; name=\"\"; filename=\"\"\r\n\r\n\r\n--XX--"), 0,
      "[||-:]" },
    { TYPE, STR("--XX\r\nContent-Disposition: form-data; name=\"a;b=\\\"c\\\\\"; x=y\r\n\r\n1\r\n--XX--"), 0,
      "[a;b=\"c\\|-|-:1]" },
    { TYPE,
      STR("--XX\r\nContent-Disposition: form-data; name=a; filename=\"C:\\temp\\x.txt\"\r\n\r\n\r\n--XX--"),
      0, "[a|C:\\temp\\x.txt|-:]" },
    { TYPE, STR("--XX\r\nContent-Disposition: form-data; name=\"gr\xc3\xbcn%22\"\r\n\r\n1\r\n--XX--"), 0,
      "[gr\xc3\xbcn%22|-|-:1]" },
    { "Multipart/Form-Data;charset=utf-8 ; boundary=\"X X\"", STR("--X X\r\n" HEAD "\r\n1\r\n--X X--\r\n"), 0,
      "[a|-|-:1]" },
    { "multipart/form-data; boundary=0123456789012345678901234567890123456789012345678901234567890123456789",
      STR("--0123456789012345678901234567890123456789012345678901234567890123456789--"), 0, "" },

    /* Content that resembles a boundary. */
    { TYPE, STR("--XX\r\n" HEAD "\r\n\r\n\r\n--X\r\n--XY--XX\r\r\n-\r\n--XX--\r\n"), 0,
      "[a|-|-:\r\n\r\n--X\r\n--XY--XX\r\r\n-]" },
    { TYPE, STR("--XX\r\n" HEAD "\r\n\n--XX--\n\r\r\n--XX--\r\n"), 0, "[a|-|-:\n--XX--\n\r]" },
    { TYPE, STR("--XX\r\n" HEAD "\r\n--XX--\r\n--XX--\r\n"), 0, "[a|-|-:--XX--]" },
    { TYPE, STR("--XX\r\n" HEAD "\r\n\r\r\r\n\r\n--XX--\r\n"), 0, "[a|-|-:\r\r\r\n]" },

    /* Framing. */
    { TYPE, STR(""), 400, NULL },
    { TYPE, STR("--X"), 400, NULL },
    { TYPE, STR("--XX"), 400, NULL },
    { TYPE, STR("--XX\r\n"), 400, NULL },
    { TYPE, STR("--XX-"), 400, NULL },
    { TYPE, STR("--XX-x"), 400, NULL },
    { TYPE, STR("--YY\r\n" HEAD "\r\n1\r\n--YY--\r\n"), 400, NULL },
    { TYPE, STR("\r\n--XX\r\n" HEAD "\r\n1\r\n--XX--\r\n"), 400, NULL },
    { TYPE, STR("preamble\r\n--XX\r\n" HEAD "\r\n1\r\n--XX--\r\n"), 400, NULL },
    { TYPE, STR("--XX \r\n" HEAD "\r\n1\r\n--XX--\r\n"), 400, NULL },
    { TYPE, STR("--XX\n" HEAD "\r\n1\r\n--XX--\r\n"), 400, NULL },
    { TYPE, STR("--XXX\r\n" HEAD "\r\n1\r\n--XXX--\r\n"), 400, NULL },
    { TYPE, STR("--XX\r\n" HEAD "\r\n1\r\n--XX"), 400, NULL },
    { TYPE, STR("--XX\r\n" HEAD "\r\n1\r\n--XXY\r\n--XX--"), 400, NULL },
    { TYPE, STR("--XX\r\n" HEAD "\r\n1\r\n--XX-- "), 400, NULL },
    { TYPE, STR("--XX\r\n" HEAD "\r\n1\r\n--XX--\r"), 400, NULL },
    { TYPE, STR("--XX\r\n" HEAD "\r\n1\r\n--XX--\n"), 400, NULL },
    { TYPE, STR("--XX\r\n" HEAD "\r\n1\r\n--XX--\r\nepilogue"), 400, NULL },
    { TYPE, STR("--XX\r\n" HEAD "\r\n1\r\n--XX--\r\n\r\n"), 400, NULL },
    { TYPE, STR("--XX\r\n" HEAD "\r\n1\r\n"), 400, NULL },
    { TYPE, STR("--XX\r\n" HEAD), 400, NULL },

    /* Headers. */
    { TYPE, STR("--XX\r\n\r\n1\r\n--XX--"), 400, NULL },
    { TYPE, STR("--XX\r\nContent-Type: text/plain\r\n\r\n1\r\n--XX--"), 400, NULL },
    { TYPE, STR("--XX\r\nContent-Disposition: form-data\r\n\r\n1\r\n--XX--"), 400, NULL },
    { TYPE, STR("--XX\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--XX--"), 400, NULL },
    { TYPE, STR("--XX\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\n1\r\n--XX--"), 400, NULL },
    { TYPE, STR("--XX\r\nContent-Disposition: form-data; name=a; filename=b; filename=c\r\n\r\n\r\n--XX--"),
      400, NULL },
    { TYPE, STR("--XX\r\nContent-Disposition: form-data; name=a; filename*=UTF-8''b\r\n\r\n\r\n--XX--"), 400,
      NULL },
    { TYPE, STR("--XX\r\n" HEAD HEAD "\r\n1\r\n--XX--"), 400, NULL },
    { TYPE, STR("--XX\r\n" HEAD "Content-Type: a/b\r\nContent-Type: a/c\r\n\r\n1\r\n--XX--"), 400, NULL },
    { TYPE, STR("--XX\r\n" HEAD "Content-Transfer-Encoding: base64\r\n\r\n1\r\n--XX--"), 400, NULL },
    { TYPE, STR("--XX\r\nContent-Disposition: form-data; name=\"a\r\n\r\n1\r\n--XX--"), 400, NULL },
    { TYPE, STR("--XX\r\nContent-Disposition: form-data; name=\"a\\\"\r\n\r\n1\r\n--XX--"), 400, NULL },
    { TYPE, STR("--XX\r\nContent-Disposition: form-data; name=\"a\"x\r\n\r\n1\r\n--XX--"), 400, NULL },
    { TYPE, STR("--XX\r\nContent-Disposition: form-data; name=\r\n\r\n1\r\n--XX--"), 400, NULL },
    { TYPE, STR("--XX\r\nContent-Disposition: form-data; name\r\n\r\n1\r\n--XX--"), 400, NULL },
    { TYPE, STR("--XX\r\nContent-Disposition: form-data; name=a;\r\n\r\n1\r\n--XX--"), 400, NULL },
    { TYPE, STR("--XX\r\nContent-Disposition: form-data, name=a\r\n\r\n1\r\n--XX--"), 400, NULL },
    { TYPE, STR("--XX\r\nContent-Disposition : form-data; name=a\r\n\r\n1\r\n--XX--"), 400, NULL },
    { TYPE, STR("--XX\r\nContent-Disposition: form-data;\r\n name=a\r\n\r\n1\r\n--XX--"), 400, NULL },
    { TYPE, STR("--XX\r\n" HEAD "no colon\r\n\r\n1\r\n--XX--"), 400, NULL },
    { TYPE, STR("--XX\r\n" HEAD ": x\r\n\r\n1\r\n--XX--"), 400, NULL },
    { TYPE, STR("--XX\r\n" HEAD "X: a\rb\r\n\r\n1\r\n--XX--"), 400, NULL },
    { TYPE, STR("--XX\r\n" HEAD "X: a\nb\r\n\r\n1\r\n--XX--"), 400, NULL },
    { TYPE, STR("--XX\r\n" HEAD "X: a\0b\r\n\r\n1\r\n--XX--"), 400, NULL },
    { TYPE, STR("--XX\r\nContent-Disposition: form-data; name=\"\xff\"\r\n\r\n1\r\n--XX--"), 400, NULL },

    /* Content-Type. */
    { "multipart/form-data", STR("--XX--"), 400, NULL },
    { "multipart/form-data; boundary=", STR("----"), 400, NULL },
    { "multipart/form-data; boundary=\"\"", STR("----"), 400, NULL },
    { "multipart/form-data; boundary=\"X \"", STR("--X --"), 400, NULL },
    { "multipart/form-data; boundary=\"X", STR("--X--"), 400, NULL },
    { "multipart/form-data; boundary=\"X<\"", STR("--X<--"), 400, NULL },
    { "multipart/form-data; boundary=X; boundary=Y", STR("--X--"), 400, NULL },
    { "multipart/form-data, boundary=X", STR("--X--"), 400, NULL },
    { "multipart/form-datax; boundary=X", STR("--X--"), 400, NULL },
    { "multipart/form-data; boundary=01234567890123456789012345678901234567890123456789012345678901234567890",
      STR("--"), 400, NULL },
    { "multipart/mixed; boundary=XX", STR("--XX--"), 415, NULL },
    { "application/json", STR("{}"), 415, NULL },
    { "", STR(""), 415, NULL },
};

static void check(const struct vector *v, size_t at, size_t cut)
{
    struct record r = { .out = BUF_INIT };

    int status = parse(v->type, v->body, cut, &r);
    if (status != v->status)
        fail_msg("vector %zu cut at %zu: status %d", at, cut, status);
    if (v->parts && strcmp(buf_text(&r.out), v->parts) != 0)
        fail_msg("vector %zu cut at %zu: got %s", at, cut, buf_text(&r.out));
    buf_finish(&r.out);
}

static void every_cut_gives_the_same_parts(void **state)
{
    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(vectors); i++) {
        for (size_t cut = 0; cut <= vectors[i].body.n + 1; cut++) /* the last one: byte by byte */
            check(&vectors[i], i, cut);
    }
}

static int parse_once(struct buf *body)
{
    struct record r = { .out = BUF_INIT };
    int status = parse(TYPE, buf_str(body), body->n, &r);
    buf_finish(&r.out);
    return status;
}

static void parts_are_bounded(void **state)
{
    struct buf body = BUF_INIT;

    (void)state;
    for (int i = 0; i < MULTIPART_PARTS_MAX; i++)
        buf_add_text(&body, "--XX\r\n" HEAD "\r\n1\r\n");
    size_t n = body.n;
    buf_add_text(&body, "--XX--");
    assert_int_equal(parse_once(&body), 0);
    body.n = n;
    buf_add_text(&body, "--XX\r\n" HEAD "\r\n1\r\n--XX--");
    assert_int_equal(parse_once(&body), 413);
    buf_finish(&body);
}

static void headers_are_bounded(void **state)
{
    struct buf body = BUF_INIT;

    (void)state;
    buf_add_text(&body, "--XX\r\n" HEAD "X: ");
    size_t begin = body.n;
    while (body.n < MULTIPART_HEAD_MAX + 6 - 4) /* "--XX" CR LF before, CR LF CR LF after */
        buf_add_char(&body, 'x');
    buf_add_text(&body, "\r\n\r\n1\r\n--XX--");
    assert_int_equal(parse_once(&body), 0);
    body.n = begin;
    while (body.n < MULTIPART_HEAD_MAX + 6 - 3)
        buf_add_char(&body, 'x');
    buf_add_text(&body, "\r\n\r\n1\r\n--XX--");
    assert_int_equal(parse_once(&body), 413);
    buf_finish(&body);
}

static void names_are_bounded(void **state)
{
    struct buf body = BUF_INIT;

    (void)state;
    for (size_t extra = 0; extra < 2; extra++) {
        body.n = 0;
        buf_add_text(&body, "--XX\r\nContent-Disposition: form-data; name=");
        for (size_t i = 0; i < MULTIPART_NAME_MAX + extra; i++)
            buf_add_char(&body, 'n');
        buf_add_text(&body, "\r\n\r\n1\r\n--XX--");
        assert_int_equal(parse_once(&body), extra ? 400 : 0);
    }
    buf_finish(&body);
}

static void a_refusal_of_the_caller_ends_it(void **state)
{
    const struct str body = STR("--XX\r\n" HEAD "\r\n1\r\n--XX--");
    struct record refusals[] = { { .refuse_begin = 507 }, { .refuse_data = 413 }, { .refuse_end = 500 } };
    const int wanted[] = { 507, 413, 500 };

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(refusals); i++) {
        assert_int_equal(parse(TYPE, body, body.n, &refusals[i]), wanted[i]);
        buf_finish(&refusals[i].out);
    }
}

static const struct {
    const char *filename, *safe;
} names[] = {
    { "photo.jpg", "photo.jpg" },
    { "../../etc/passwd", "passwd" },
    { "/etc/passwd", "passwd" },
    { "C:\\temp\\x.txt", "x.txt" },
    { "..\\..\\boot.ini", "boot.ini" },
    { ".htaccess", "htaccess" },
    { "...", "file" },
    { "", "file" },
    { "a/", "file" },
    { ". .-rf", "rf" },
    { "a\tb\r\n.txt", "ab.txt" },
    { "a<b>:\"|?*.txt", "a_b______.txt" },
    { "gr\xc3\xbcn.txt", "gr\xc3\xbcn.txt" },
    { "name. . ", "name" },
    { "CON", "_CON" },
    { "nul.txt", "_nul.txt" },
    { "Com1.log", "_Com1.log" },
    { "con1", "con1" },
    { "console.txt", "console.txt" },
    { "a\xff", "a" },
};

static void names_for_people_are_harmless(void **state)
{
    char out[MULTIPART_SAFE_NAME];

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(names); i++) {
        struct str got = multipart_safe_name(str_from(names[i].filename), out);
        if (!str_equal(got, str_from(names[i].safe)))
            fail_msg("%s: got %.*s", names[i].filename, STR_ARG(got));
    }
    char longest[400];
    for (size_t i = 0; i + 1 < sizeof(longest); i += 2)
        memcpy(longest + i, "\xc3\xbc", 2);
    struct str got = multipart_safe_name(str_make(longest, sizeof(longest)), out);
    assert_true(got.n > MULTIPART_SAFE_NAME - 4 && str_is_utf8(got));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut_gives_the_same_parts),
        cmocka_unit_test(parts_are_bounded),
        cmocka_unit_test(headers_are_bounded),
        cmocka_unit_test(names_are_bounded),
        cmocka_unit_test(a_refusal_of_the_caller_ends_it),
        cmocka_unit_test(names_for_people_are_harmless),
    };
    return cmocka_run_group_tests_name("multipart", tests, NULL, NULL);
}
