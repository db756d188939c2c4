/* The request reader, rule by rule, and against the probes of $DOWEL_VECTORS/smuggling. */
#include "http/reader.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "reader_play.h"
#include "util/compiler.h"
#include "vectors.h"

/* ---- however it is cut ---- */

/* Whole, byte by byte, and cut once at every position: what is read must be the same. */
static void assert_same_however_cut(const char *bytes, size_t n, const char *whole)
{
    static const struct {
        size_t step;
        bool direct;
    } ways[] = { { 1, false }, { 1, true }, { 7, true }, { SIZE_MAX, true } };
    struct play p;

    for (size_t i = 0; i < DW_COUNT_OF(ways); i++) {
        play_cut(&p, bytes, n, ways[i].step < n ? ways[i].step : n, ways[i].step, ways[i].direct);
        assert_string_equal(buf_text(&p.trace), whole);
        play_finish(&p);
    }
    for (size_t cut = 0; cut < n && n < 4096; cut++) {
        play_cut(&p, bytes, n, cut, SIZE_MAX, false);
        assert_string_equal(buf_text(&p.trace), whole);
        play_finish(&p);
    }
}

/* Reads the bytes in all these ways; the result of the first is left in p. */
static void play_all(struct play *p, const char *bytes, size_t n)
{
    play_cut(p, bytes, n, n, SIZE_MAX, false);
    assert_same_however_cut(bytes, n, buf_text(&p->trace));
}

/* ---- short ways to say what is expected ---- */

static void accepts_bytes(const char *bytes, size_t n, unsigned messages, const char *content)
{
    struct play p;

    play_all(&p, bytes, n);
    if (p.bad)
        fail_msg("%.60s: refused: %s", bytes, p.reader.reason);
    assert_int_equal(p.messages, messages);
    assert_int_equal(p.contents, strlen(content));
    if (*content)
        assert_non_null(strstr(buf_text(&p.trace), content));
    play_finish(&p);
}

static void refuses_bytes(const char *bytes, size_t n, int status, unsigned messages)
{
    struct play p;

    play_all(&p, bytes, n);
    if (!p.bad)
        fail_msg("%.60s: accepted:\n%s", bytes, buf_text(&p.trace));
    if (p.reader.status != status)
        fail_msg("%.60s: %d %s instead of %d", bytes, p.reader.status, p.reader.reason, status);
    assert_int_equal(p.messages, messages);
    play_finish(&p);
}

#define ACCEPTS(text, messages, content) accepts_bytes(text, sizeof(text) - 1, messages, content)
#define REFUSES(text, status)            refuses_bytes(text, sizeof(text) - 1, status, 0)

/* A head that is good but for this line. */
#define LINE_REFUSED(line, status) REFUSES("GET / HTTP/1.1\r\nHost: a\r\n" line "\r\n\r\n", status)
#define LINE_ACCEPTED(line)        ACCEPTS("GET / HTTP/1.1\r\nHost: a\r\n" line "\r\n\r\n", 1, "")

static void read_head(struct http_reader *r, const char *text)
{
    http_reader_begin(r);
    enum http_reader_event e = http_reader_head(r, text, strlen(text));
    if (e != HTTP_READER_HEAD)
        fail_msg("%s: %s", text, e == HTTP_READER_BAD ? r->reason : "more is wanted");
}

static void assert_text(const struct http_reader *r, struct http_span span, const char *wanted)
{
    struct str text = http_head_text(&r->head, span);

    if (!str_equal(text, str_from(wanted)))
        fail_msg("\"%.*s\" instead of \"%s\"", STR_ARG(text), wanted);
}

/* ---- the request line ---- */

static void a_plain_request(void **state)
{
    struct http_reader r;

    (void)state;
    read_head(&r, "GET /a/b?c=d?e HTTP/1.1\r\nHost: x.example:80\r\nAccept: \t*/* \t\r\nEmpty:\r\n\r\n");
    assert_int_equal(r.head.method, HTTP_GET);
    assert_int_equal(r.head.minor, 1);
    assert_text(&r, r.head.target, "/a/b?c=d?e");
    assert_text(&r, r.head.path, "/a/b");
    assert_text(&r, r.head.query, "c=d?e");
    assert_text(&r, r.head.host, "x.example:80");
    assert_int_equal(r.head.fields, 3);
    assert_true(str_equal(http_head_find(&r.head, STR_OF("aCCEPT")), STR_OF("*/*")));
    assert_int_equal(http_head_find(&r.head, STR_OF("empty")).n, 0);
    assert_non_null(http_head_find(&r.head, STR_OF("empty")).p);
    assert_null(http_head_find(&r.head, STR_OF("missing")).p);
    assert_false(r.head.close || r.head.chunked || r.head.has_length || r.head.expect_continue);
}

static void methods(void **state)
{
    (void)state;
    ACCEPTS("FOO / HTTP/1.1\r\nHost: a\r\n\r\n", 1, "");
    ACCEPTS("get / HTTP/1.1\r\nHost: a\r\n\r\n", 1, "");
    ACCEPTS("M-SEARCH!#$%&'*+-.^_`|~09 / HTTP/1.1\r\nHost: a\r\n\r\n", 1, "");
    ACCEPTS("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF / HTTP/1.1\r\nHost: a\r\n\r\n", 1, "");
    REFUSES("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\nHost: a\r\n\r\n", 501);
    REFUSES(" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    REFUSES("GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    REFUSES("G\xc3\x89T / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    REFUSES("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    REFUSES("GET\r\n\r\n", 400);
}

static void an_empty_line_may_come_first(void **state)
{
    (void)state;
    ACCEPTS("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 1, "");
    ACCEPTS("GET / HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 2, "");
    REFUSES("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    REFUSES("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    REFUSES("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
}

static void targets(void **state)
{
    (void)state;
    ACCEPTS("GET /%2e%2e/\xc3\xbc;a=b,c(d)[e]{f}|g HTTP/1.1\r\nHost: a\r\n\r\n", 1, "");
    ACCEPTS("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 1, "");
    ACCEPTS("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 1, "");
    REFUSES("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    REFUSES("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    REFUSES("GET / a HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    REFUSES("GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    REFUSES("GET /a\x7f HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    REFUSES("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    REFUSES("GET a/b HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    REFUSES("GET ?a HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    REFUSES("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    REFUSES("CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    REFUSES("CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    REFUSES("CONNECT a: HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    REFUSES("CONNECT [::1] HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    ACCEPTS("CONNECT [::1]:443 HTTP/1.1\r\nHost: a\r\n\r\n", 1, "");
}

static void absolute_targets(void **state)
{
    struct http_reader r;

    (void)state;
    read_head(&r, "GET HTTP://A.example:8080/p?q HTTP/1.1\r\nHost: a.EXAMPLE:8080\r\n\r\n");
    assert_text(&r, r.head.path, "/p");
    assert_text(&r, r.head.query, "q");
    assert_text(&r, r.head.host, "A.example:8080");
    read_head(&r, "GET https://a?q HTTP/1.0\r\n\r\n");
    assert_text(&r, r.head.path, "");
    assert_text(&r, r.head.query, "q");
    assert_text(&r, r.head.host, "a");
    REFUSES("GET http://evil/ HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    REFUSES("GET http://a/ HTTP/1.1\r\n\r\n", 400);
    REFUSES("GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    REFUSES("GET http://u@a/ HTTP/1.1\r\nHost: u@a\r\n\r\n", 400);
    REFUSES("GET http://a:b/ HTTP/1.1\r\nHost: a:b\r\n\r\n", 400);
}

static void versions(void **state)
{
    (void)state;
    ACCEPTS("GET / HTTP/1.0\r\n\r\n", 1, "");
    REFUSES("GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505);
    REFUSES("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505);
    REFUSES("GET / HTTP/0.9\r\n\r\n", 505);
    REFUSES("GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400);
    REFUSES("GET / HTTP/1.\r\nHost: a\r\n\r\n", 400);
    REFUSES("GET / http/1.1\r\nHost: a\r\n\r\n", 400);
    REFUSES("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400);
    REFUSES("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    REFUSES("GET / HTTP/1.1\nHost: a\n\n", 400);
    REFUSES("GET /\r\n\r\n", 400);
    REFUSES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400);
}

/* ---- header fields ---- */

static void lines(void **state)
{
    (void)state;
    LINE_ACCEPTED("X:\t a\tb \xff\x80 \"(),/:;<=>?@[\\]{}\t ");
    LINE_ACCEPTED("!#$%&'*+-.^_`|~09aZ: x");
    LINE_REFUSED("X : a", 400);
    LINE_REFUSED("X\t: a", 400);
    LINE_REFUSED(": a", 400);
    LINE_REFUSED("X", 400);
    LINE_REFUSED("X(y: a", 400);
    LINE_REFUSED("\xffX: a", 400);
    LINE_REFUSED("X: a\0b", 400);
    LINE_REFUSED("X: a\x0b"
                 "b",
                 400);
    LINE_REFUSED("X: a\x7f", 400);
    LINE_REFUSED("X: a\rY: b", 400);
    LINE_REFUSED("X: a\nY: b", 400);
    LINE_REFUSED("X: a\r\n b", 400);
    LINE_REFUSED("X: a\r\n\tb", 400);
    LINE_REFUSED("X:\r\n b", 400);
    LINE_REFUSED("X: a\r\r\nY: b", 400);
    REFUSES("GET / HTTP/1.1\r\n X: a\r\nHost: a\r\n\r\n", 400);
    REFUSES("GET / HTTP/1.1\r\nHost: a\r\n\n", 400);
    REFUSES("GET / HTTP/1.1\r\nHost: a\r\n\rX", 400);
}

static void hosts(void **state)
{
    static const char *const good[] = { "a",     "a.example", "a:80",  "a:",          "127.0.0.1:8000",
                                        "[::1]", "[::1]:80",  "a_b.c", "x%20y!$&'()", "[::ffff:1.2.3.4]" };
    static const char *const bad[] = { "",        " ",         "a b",         ":80",      "a:b",  "a:65536",
                                       "a:80:80", "a/b",       "u@a",         "[::1",     "[]",   "[::1]x",
                                       "::1",     "a]",        "[z]",         "\xc3\xa4", "a:-1", "[[::1]]",
                                       "[zzz]",   "[1.2.3.4]", "[fe80::1%1]", "[::1]:x",  "a?b",  "a#b",
                                       "[:]" };
    char text[128];

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(good); i++) {
        int n = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", good[i]);
        accepts_bytes(text, (size_t)n, 1, "");
    }
    for (size_t i = 0; i < DW_COUNT_OF(bad); i++) {
        int n = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", bad[i]);
        refuses_bytes(text, (size_t)n, 400, 0);
    }
    REFUSES("GET / HTTP/1.1\r\n\r\n", 400);
    REFUSES("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400);
    REFUSES("GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", 400);
}

static void one_request_or_more(void **state)
{
    static const struct {
        const char *version, *connection;
        bool close;
    } cases[] = {
        { "1.1", "", false },
        { "1.1", "Connection: keep-alive\r\n", false },
        { "1.1", "Connection: Close\r\n", true },
        { "1.1", "Connection: upgrade , close\r\n", true },
        { "1.1", "Connection: x\r\nConnection: close\r\n", true },
        { "1.1", "Connection: closed\r\n", false },
        { "1.0", "", true },
        { "1.0", "Connection: Keep-Alive\r\n", false },
        { "1.0", "Connection: keep-alive, close\r\n", true },
    };
    char text[128];

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        struct http_reader r;
        snprintf(text, sizeof(text), "GET / HTTP/%s\r\nHost: a\r\n%s\r\n", cases[i].version,
                 cases[i].connection);
        read_head(&r, text);
        if (r.head.close != cases[i].close)
            fail_msg("%s: close is %d", text, r.head.close);
    }
}

static void expectations(void **state)
{
    struct http_reader r;

    (void)state;
    read_head(&r, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n");
    assert_true(r.head.expect_continue);
    read_head(&r, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_true(r.head.expect_continue);
    read_head(&r, "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n"); /* nothing to wait for */
    assert_false(r.head.expect_continue);
    read_head(&r, "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    assert_false(r.head.expect_continue);
    LINE_REFUSED("Expect: something", 417);
}

/* ---- framing ---- */

static void lengths(void **state)
{
    (void)state;
    ACCEPTS("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: a\r\n\r\n", 2,
            "abc");
    ACCEPTS("GET / HTTP/1.1\r\nHost: a\r\ncontent-length:\t003 \r\n\r\nabc", 1, "abc");
    ACCEPTS("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 1, "");
    ACCEPTS("POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", 1, "abc");
    ACCEPTS("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\nabc", 0, "");
    LINE_REFUSED("Content-Length: 9223372036854775808", 400);
    LINE_REFUSED("Content-Length: 18446744073709551619", 400);
    LINE_REFUSED("Content-Length:", 400);
    LINE_REFUSED("Content-Length: +3", 400);
    LINE_REFUSED("Content-Length: -1", 400);
    LINE_REFUSED("Content-Length: 0x3", 400);
    LINE_REFUSED("Content-Length: 3, 3", 400);
    LINE_REFUSED("Content-Length: 3 3", 400);
    LINE_REFUSED("Content-Length: 3.0", 400);
    LINE_REFUSED("Content-Length: 3\r\nContent-Length: 3", 400);
    LINE_REFUSED("Content-Length: 3\r\n 4", 400);
    LINE_REFUSED("Content-Length : 3", 400);
}

static void codings(void **state)
{
    (void)state;
    ACCEPTS("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n", 1, "");
    LINE_REFUSED("Transfer-Encoding: gzip, chunked", 501);
    LINE_REFUSED("Transfer-Encoding: chunked, chunked", 501);
    LINE_REFUSED("Transfer-Encoding: identity", 501);
    LINE_REFUSED("Transfer-Encoding: xchunked", 501);
    LINE_REFUSED("Transfer-Encoding: \"chunked\"", 501);
    LINE_REFUSED("Transfer-Encoding:\r\n chunked", 400);
    LINE_REFUSED("Transfer-Encoding:\x0b"
                 "chunked",
                 400);
    LINE_REFUSED("Transfer-Encoding : chunked", 400);
    LINE_REFUSED("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400);
    LINE_REFUSED("Transfer-Encoding: chunked\r\nContent-Length: 3", 400);
    LINE_REFUSED("Content-Length: 3\r\nTransfer-Encoding: chunked", 400);
    LINE_REFUSED("Content-Length: 0\r\nTransfer-Encoding: identity", 400);
    REFUSES("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
    REFUSES("POST / HTTP/1.0\r\nTransfer-Encoding: gzip\r\n\r\n", 400);
}

#define CHUNKED "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

static void chunks(void **state)
{
    (void)state;
    ACCEPTS(CHUNKED "3\r\nabc\r\n0A\r\n0123456789\r\n000\r\n\r\n" CHUNKED "0\r\n\r\n", 2, "abc0123456789");
    ACCEPTS(CHUNKED "9\r\n01234\r\n\r\n\r\n0\r\n\r\n", 1, "01234\r\n\r\n");
}

static void chunk_extensions(void **state)
{
    (void)state;
    ACCEPTS(CHUNKED "3;a=b;c;d=\"e;\\\"\t \xff\"\r\nabc\r\n0;x\r\n\r\n", 1, "abc");
    REFUSES(CHUNKED "3;\r\nabc\r\n0\r\n\r\n", 400);
    REFUSES(CHUNKED "3;a=\r\nabc\r\n0\r\n\r\n", 400);
    REFUSES(CHUNKED "3;=b\r\nabc\r\n0\r\n\r\n", 400);
    REFUSES(CHUNKED "3;a\nb\r\nabc\r\n0\r\n\r\n", 400);
    REFUSES(CHUNKED "3;a=\"b\r\n\"\r\nabc\r\n0\r\n\r\n", 400);
    REFUSES(CHUNKED "3;a=\"b\"c\r\nabc\r\n0\r\n\r\n", 400);
    REFUSES(CHUNKED "3;a=\"\\\0\"\r\nabc\r\n0\r\n\r\n", 400);
    REFUSES(CHUNKED "3 ;a\r\nabc\r\n0\r\n\r\n", 400);
    REFUSES(CHUNKED "3;a b\r\nabc\r\n0\r\n\r\n", 400);
}

static void broken_chunks(void **state)
{
    (void)state;
    REFUSES(CHUNKED "\r\n", 400);
    REFUSES(CHUNKED "x\r\n", 400);
    REFUSES(CHUNKED "0x3\r\nabc\r\n0\r\n\r\n", 400);
    REFUSES(CHUNKED "+3\r\nabc\r\n0\r\n\r\n", 400);
    REFUSES(CHUNKED "-0\r\n\r\n", 400);
    REFUSES(CHUNKED " 3\r\nabc\r\n0\r\n\r\n", 400);
    REFUSES(CHUNKED "3 \r\nabc\r\n0\r\n\r\n", 400);
    REFUSES(CHUNKED "3\nabc\n0\n\n", 400);
    REFUSES(CHUNKED "3\rabc\r\n0\r\n\r\n", 400);
    REFUSES(CHUNKED "3\r\nabcXX0\r\n\r\n", 400);
    REFUSES(CHUNKED "3\r\nabc\n0\r\n\r\n", 400);
    REFUSES(CHUNKED "3\r\nabc\r0\r\n\r\n", 400);
    REFUSES(CHUNKED "2\r\nabc\r\n0\r\n\r\n", 400);
    REFUSES(CHUNKED "4\r\nabc\r\n0\r\n\r\n", 400);
    REFUSES(CHUNKED "fffffffffffffffff\r\nabc", 400);
    REFUSES(CHUNKED "8000000000000000\r\nabc", 400);
    REFUSES(CHUNKED "00000000000000003\r\nabc", 400);
    ACCEPTS(CHUNKED "0000000000000003\r\nabc\r\n0\r\n\r\n", 1, "abc");
    ACCEPTS(CHUNKED "3fffffffffffffff\r\nabc", 0, "");
}

static void trailers(void **state)
{
    (void)state;
    ACCEPTS(CHUNKED "0\r\nX: y\r\nContent-Length: 5\r\nEmpty:\r\n\r\n" CHUNKED "0\r\n\r\n", 2, "");
    REFUSES(CHUNKED "0\r\n X: y\r\n\r\n", 400);
    REFUSES(CHUNKED "0\r\nX : y\r\n\r\n", 400);
    REFUSES(CHUNKED "0\r\nX: y\r\n z\r\n\r\n", 400);
    REFUSES(CHUNKED "0\r\nX: y\n\r\n", 400);
    REFUSES(CHUNKED "0\r\nX: \0\r\n\r\n", 400);
    REFUSES(CHUNKED "0\r\nX\r\n\r\n", 400);
    REFUSES(CHUNKED "0\r\n\n", 400);
}

/* ---- limits ---- */

/* `before`, then so many times `filler`, then `after`. */
static struct buf long_text(const char *before, const char *filler, size_t times, const char *after)
{
    struct buf b = BUF_INIT;

    buf_add_text(&b, before);
    for (size_t i = 0; i < times; i++)
        buf_add_text(&b, filler);
    buf_add_text(&b, after);
    assert_false(buf_failed(&b));
    return b;
}

static void check_long(struct buf b, int status)
{
    if (status)
        refuses_bytes(b.p, b.n, status, 0);
    else
        accepts_bytes(b.p, b.n, 1, "");
    buf_finish(&b);
}

static void long_lines(void **state)
{
    enum { LINE = sizeof("GET / HTTP/1.1\r\n") - 1, FIELD = sizeof("X: \r\n") - 1 };
    static const char start[] = "GET / HTTP/1.1\r\nHost: a\r\n", end[] = " HTTP/1.1\r\nHost: a\r\n\r\n";

    (void)state;
    check_long(long_text("GET /", "x", HTTP_LINE_MAX - LINE, end), 0);
    check_long(long_text("GET /", "x", HTTP_LINE_MAX - LINE + 1, end), 414);
    check_long(long_text("GET /", "x", 20000, ""), 414); /* without waiting for its end */
    check_long(long_text("\r\nGET /", "x", HTTP_LINE_MAX - LINE, end), 0);
    check_long(long_text("GET / HTTP/1.1\r\nHost: a\r\nX: ", "x", HTTP_FIELD_MAX - FIELD, "\r\n\r\n"), 0);
    check_long(long_text("GET / HTTP/1.1\r\nHost: a\r\nX: ", "x", HTTP_FIELD_MAX - FIELD + 1, "\r\n\r\n"),
               431);
    check_long(long_text("GET / HTTP/1.1\r\nHost: a\r\n", "x", 20000, ""), 431);
    check_long(long_text("GET / HTTP/1.1\r\nHost: a\r\nX:", " ", 20000, ""), 431);
    check_long(long_text(start, "X: y\r\n", HTTP_FIELDS_MAX - 1, "\r\n"), 0);
    check_long(long_text(start, "X: y\r\n", HTTP_FIELDS_MAX, "\r\n"), 431);
}

/* The longest head there can be, and one byte more. */
static void long_heads(void **state)
{
    (void)state;
    for (int extra = 0; extra < 2; extra++) {
        struct buf b = long_text("\r\nGET /", "x", HTTP_LINE_MAX - 16, " HTTP/1.1\r\n");
        size_t fields = b.n;
        buf_add_text(&b, "Host: a\r\n");
        while (HTTP_FIELDS_BYTES - (b.n - fields) > 1000) {
            struct buf field = long_text("X: ", "y", 995, "\r\n");
            buf_add_str(&b, buf_str(&field));
            buf_finish(&field);
        }
        struct buf last =
            long_text("X: ", "y", HTTP_FIELDS_BYTES - (b.n - fields) - 5 + (size_t)extra, "\r\n\r\n");
        buf_add_str(&b, buf_str(&last));
        buf_finish(&last);
        check_long(b, extra ? 431 : 0);
    }
}

static void endless_extensions(void **state)
{
    (void)state;
    check_long(long_text(CHUNKED "0;", "x", HTTP_FIELDS_BYTES - 10, "\r\n\r\n"), 0);
    check_long(long_text(CHUNKED "0;", "x", HTTP_FIELDS_BYTES + 1, ""), 400);
    check_long(long_text(CHUNKED, "1;abcdefgh\r\nz\r\n", HTTP_FIELDS_BYTES / 9 + 1, ""), 400);
    check_long(long_text(CHUNKED "0\r\n", "X: yyyy\r\n", HTTP_FIELDS_BYTES / 9 + 1, ""), 400);
}

/* What follows a refused message is not read: it might be what somebody smuggled in. */
static void nothing_is_read_after_a_refusal(void **state)
{
    static const char good_bad_good[] = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"
                                        "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n";
    struct http_reader r;
    struct str content;
    size_t used;

    (void)state;
    refuses_bytes(good_bad_good, sizeof(good_bad_good) - 1, 400, 1);
    read_head(&r, CHUNKED);
    assert_int_equal(http_reader_content(&r, "x0\r\n\r\n", 6, &used, &content), HTTP_READER_BAD);
    assert_int_equal(http_reader_content(&r, "0\r\n\r\n", 5, &used, &content), HTTP_READER_BAD);
}

/* ---- the probes ---- */

/* Rows whose wanted verdict is the default "accept/normal" of the one who filled in the table, though RFC 9112 wants,
 * or RFC 9110 lets, a server refuse. */
static const struct {
    const char *name;
    int status;
    const char *reason;
} refused_probes[] = {
    { "lowercase http", 400, "RFC 9112 2.3: the name HTTP is case-sensitive" },
    { "tab sep", 400, "RFC 9112 3: single spaces stand between the parts of a request line" },
    { "TLS hello", 400, "RFC 9112 3: a request begins with a method" },
    { "Expect junk", 417, "RFC 9110 10.1.1: an unknown expectation may be answered by 417" },
};

static int refused_by_exception(const char *name)
{
    for (size_t i = 0; i < DW_COUNT_OF(refused_probes); i++) {
        if (strcmp(refused_probes[i].name, name) == 0)
            return refused_probes[i].status;
    }
    return 0;
}

/* A verdict that names statuses wants one of them; one without wants the request accepted. */
static bool verdict_holds(const char *name, const char *verdict, const struct play *p)
{
    bool wants_refusal = false;
    int exception = refused_by_exception(name);

    if (exception)
        return p->bad && p->reader.status == exception;
    for (const char *at = verdict; *at; at++) {
        int status = atoi(at);
        if (status < 400 || status > 599)
            continue;
        wants_refusal = true;
        if (p->bad && p->reader.status == status)
            return true;
        at += 2;
    }
    return !wants_refusal && !p->bad && buf_str(&p->trace).n > 0;
}

static void probe(const json_t *row)
{
    const char *name = json_string_value(json_object_get(row, "name"));
    const char *raw = json_string_value(json_object_get(row, "raw_b64"));
    const char *verdict = json_string_value(json_object_get(row, "rfc9112_or_policy"));
    struct play p;

    assert_true(name && raw && verdict);
    size_t room = strlen(raw) / 4 * 3 + 1;
    unsigned char *bytes = malloc(room);
    assert_non_null(bytes);
    int n = EVP_DecodeBlock(bytes, (const unsigned char *)raw, (int)strlen(raw));
    assert_true(n >= 0);
    for (size_t i = strlen(raw); i > 0 && raw[i - 1] == '='; i--)
        n--;
    play_all(&p, (const char *)bytes, (size_t)n);
    if (!verdict_holds(name, verdict, &p))
        fail_msg("%s: wanted %s, got:\n%s", name, verdict, buf_text(&p.trace));
    play_finish(&p);
    free(bytes);
}

static void probes_get_their_verdicts(void **state)
{
    char path[512];
    size_t i;
    json_t *row;

    (void)state;
    if (!vectors_path(path, sizeof(path), "smuggling/evhttp_probe.json"))
        skip();
    json_error_t error;
    json_t *all = json_load_file(path, 0, &error);
    if (!all)
        fail_msg("%s:%d: %s", path, error.line, error.text);
    json_t *rows = json_object_get(all, "rows");
    assert_int_equal(json_array_size(rows), 68);
    json_array_foreach(rows, i, row) probe(row);
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_request),
        cmocka_unit_test(methods),
        cmocka_unit_test(an_empty_line_may_come_first),
        cmocka_unit_test(targets),
        cmocka_unit_test(absolute_targets),
        cmocka_unit_test(versions),
        cmocka_unit_test(lines),
        cmocka_unit_test(hosts),
        cmocka_unit_test(one_request_or_more),
        cmocka_unit_test(expectations),
        cmocka_unit_test(lengths),
        cmocka_unit_test(codings),
        cmocka_unit_test(chunks),
        cmocka_unit_test(chunk_extensions),
        cmocka_unit_test(broken_chunks),
        cmocka_unit_test(trailers),
        cmocka_unit_test(long_lines),
        cmocka_unit_test(long_heads),
        cmocka_unit_test(endless_extensions),
        cmocka_unit_test(nothing_is_read_after_a_refusal),
        cmocka_unit_test(probes_get_their_verdicts),
    };
    return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
