/* The request reader against llhttp's own test cases ($DOWEL_VECTORS/llhttp-md, markdown): what it refuses we refuse, what
 * it reads we read, with as many messages and as much content. Where we differ stands in a table here, with the reason,
 * and in docs/http.md.
 *
 * llhttp does not ask for a Host field, RFC 9112 does: it is put in where a case has none. A case of a lenient mode is
 * one that the strict mode refuses, so we must refuse it. */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "reader_play.h"
#include "util/compiler.h"
#include "vectors.h"

/* ---- where we differ ---- */

struct difference {
    const char *name; /* "file: heading" */
    const char *reason;
    bool seen;
};

#define NO_SUCH_PROTOCOL "only HTTP is spoken here, not RTSP or ICE"
#define ANY_METHOD       "a method is any token; the pipeline answers 501 to those it does not know"
#define NO_FRAGMENT      "a fragment is never sent (RFC 9112 3.2.1)"
#define NO_USER          "a user and password in a target are refused (RFC 9110 4.2.4)"
#define NO_ZONE          "a zone means something on the client's machine only"

static struct difference differences[] = {
    { "connection.md: `keep-alive`, CRLF between requests, implicit `keep-alive`",
      "one empty line before a request is ignored (RFC 9112 2.2), not two", false },
    { "content-length.md: Content-Length reset when no body is received",
      "the case tells llhttp that there is no content, against what the head says", false },
    { "invalid.md: HTTP protocol and ANNOUNCE method", ANY_METHOD, false },
    { "invalid.md: Invalid method", ANY_METHOD, false },
    { "invalid.md: Invalid HTTP version", "the version is judged when its line is complete", false },
    { "method.md: M-SEARCH request", "the target * belongs to OPTIONS (RFC 9112 3.2.4)", false },
    { "method.md: SOURCE request with ICE", NO_SUCH_PROTOCOL, false },
    { "method.md: OPTIONS request with RTSP", NO_SUCH_PROTOCOL, false },
    { "method.md: ANNOUNCE request with RTSP", NO_SUCH_PROTOCOL, false },
    { "sample.md: No HTTP version", "HTTP/0.9 is not spoken", false },
    { "transfer-encoding.md: POST with `chunked` as last transfer-encoding",
      "the only coding understood is chunked alone (501); its target has a fragment, too", false },
    { "transfer-encoding.md: POST with `chunked` as last transfer-encoding (multiple headers)",
      "Transfer-Encoding may be there once; its target has a fragment, too", false },
    { "uri.md: Fragment in URI", NO_FRAGMENT, false },
    { "uri.md: `host:port` and basic auth", NO_USER, false },
    { "url.md: Absolute URL", NO_FRAGMENT, false },
    { "url.md: Relative URL", NO_FRAGMENT, false },
    { "url.md: URL fragment", NO_FRAGMENT, false },
    { "url.md: Complex URL fragment", NO_FRAGMENT, false },
    { "url.md: Complex URL from node.js url parser doc", NO_FRAGMENT, false },
    { "url.md: Complex URL with basic auth from node.js url parser doc", NO_FRAGMENT, false },
    { "url.md: Proxy basic auth with url encoded space", NO_USER, false },
    { "url.md: Proxy basic auth with unreserved chars", NO_USER, false },
    { "url.md: IPv6 address with Zone ID", NO_ZONE, false },
    { "url.md: IPv6 address with Zone ID, but `%` is not percent-encoded", NO_ZONE, false },
};

static bool is_difference(const char *name)
{
    for (size_t i = 0; i < DW_COUNT_OF(differences); i++) {
        if (strcmp(differences[i].name, name) == 0) {
            differences[i].seen = true;
            return true;
        }
    }
    return false;
}

/* ---- one case ---- */

struct wanted {
    bool error;
    char part[2][300]; /* of a URL: lines that the trace must have */
    bool paused;       /* what follows is no longer HTTP to llhttp: only what came before is compared */
    unsigned messages;
    uint64_t content;
};

enum { NAME_SIZE = 200 };

struct one_case {
    char heading[3][NAME_SIZE / 2]; /* of the second to the fourth level */
    char name[NAME_SIZE];
    bool lenient;
    bool url; /* the input is a target, not a request */
    struct buf input;
    struct wanted wanted;
};

/* off=18 len=5 span[url.path]="/path": the path and the query that llhttp found. */
static void read_url_line(struct str line, struct wanted *w)
{
    static const char *const names[] = { "path", "query" };
    char mark[32];

    for (size_t i = 0; i < DW_COUNT_OF(names); i++) {
        int n = snprintf(mark, sizeof(mark), "span[url.%s]=", names[i]);
        const char *at = memmem(line.p, line.n, mark, (size_t)n);
        if (at)
            snprintf(w->part[i], sizeof(w->part[i]), "\n%s=%.*s\n", names[i], (int)(line.p + line.n - at - n),
                     at + n);
    }
}

/* What llhttp's log says. */
static void read_log_line(struct str line, struct wanted *w)
{
    char text[256];
    size_t length;

    snprintf(text, sizeof(text), "%.*s", STR_ARG(line));
    read_url_line(line, w);
    if (strstr(text, " message complete"))
        w->messages++;
    if (sscanf(text, "off=%*u len=%zu span[body]", &length) == 1 && strstr(text, "span[body]"))
        w->content += length;
    if (strstr(text, "Pause on CONNECT/Upgrade"))
        w->paused = true;
    else if (strstr(text, " error code="))
        w->error = true;
}

/* \r, \n, \t, \f and \xNN stand for bytes; a backslash at the end joins lines; a line ends in CR LF. */
static void add_input(struct buf *out, struct str line)
{
    bool joined = str_ends_with(line, STR_OF("\\"));

    for (size_t i = 0; i < line.n - joined; i++) {
        static const char from[] = "rntf", to[] = "\r\n\t\f";
        const char *letter = line.p[i] == '\\' && i + 1 < line.n ? strchr(from, line.p[i + 1]) : NULL;
        if (letter && *letter) {
            buf_add_char(out, to[letter - from]);
            i++;
        } else if (line.p[i] == '\\' && i + 3 < line.n && line.p[i + 1] == 'x') {
            buf_add_char(out, (char)(str_hex_digit(line.p[i + 2]) << 4 | str_hex_digit(line.p[i + 3])));
            i += 3;
        } else {
            buf_add_char(out, line.p[i]);
        }
    }
    if (!joined)
        buf_add(out, "\r\n", 2);
}

/* ---- playing it ---- */

static void play_whole(struct play *p, struct str bytes)
{
    play_cut(p, bytes.p, bytes.n, bytes.n, SIZE_MAX, false);
}

/* The target's own, where it has one. */
static void insert_host(struct buf *b, const struct play *p)
{
    size_t at = p->base + p->reader.fields_at;
    struct http_span host = p->reader.head.host;
    struct str name = host.n ? str_make(b->p + p->base + host.at, host.n) : STR_OF("a");
    struct buf out = BUF_INIT;

    buf_add(&out, b->p, at);
    buf_add_format(&out, "Host: %.*s\r\n", STR_ARG(name));
    buf_add(&out, b->p + at, b->n - at);
    buf_finish(b);
    *b = out;
}

static void play_with_host(struct play *p, struct buf *input)
{
    for (;;) {
        play_whole(p, buf_str(input));
        if (!p->bad || strcmp(p->reader.reason, "Host is missing") != 0)
            return;
        insert_host(input, p);
        play_finish(p);
    }
}

static void assert_same_however_cut(struct str bytes, const char *whole)
{
    struct play p;

    for (size_t cut = 0; cut < bytes.n; cut++) {
        play_cut(&p, bytes.p, bytes.n, cut, cut % 3 ? SIZE_MAX : 1, cut % 2);
        assert_string_equal(buf_text(&p.trace), whole);
        play_finish(&p);
    }
}

/* llhttp reports bytes behind the last message as an error, where we close without looking at them. */
static bool refused(const struct play *p, size_t n)
{
    return p->bad || (p->closed && p->base < n);
}

static bool agrees(const struct one_case *c, const struct play *p)
{
    const struct wanted *w = &c->wanted;
    const char *trace = p->trace.p ? p->trace.p : "";

    if (c->lenient)
        return refused(p, c->input.n);
    if (w->paused)
        return p->messages >= w->messages;
    if (w->error)
        return refused(p, c->input.n) && p->messages <= w->messages;
    if (c->url)
        return p->messages == 1 && strstr(trace, w->part[0]) && strstr(trace, w->part[1]);
    return !refused(p, c->input.n) && p->messages == w->messages &&
           p->contents + (p->in_content ? p->content : 0) == w->content;
}

static unsigned cases_run;

static unsigned run_case(struct one_case *c)
{
    struct play p;
    unsigned failures = 0;

    cases_run++;
    play_with_host(&p, &c->input);
    buf_text(&p.trace); /* terminated */
    if (agrees(c, &p) == is_difference(c->name)) {
        print_error("%s%s: wanted %s, %u messages, %llu bytes; got:\n%s\n", c->name,
                    c->lenient ? " [lenient]" : "",
                    c->wanted.error    ? "an error"
                    : c->wanted.paused ? "a pause"
                                       : "no error",
                    c->wanted.messages, (unsigned long long)c->wanted.content, buf_text(&p.trace));
        failures = 1;
    }
    assert_same_however_cut(buf_str(&c->input), buf_text(&p.trace));
    play_finish(&p);
    return failures;
}

/* ---- a file ---- */

static struct buf read_file(const char *path)
{
    struct buf text = BUF_INIT;
    FILE *f = fopen(path, "r");

    assert_non_null(f);
    assert_true(buf_reserve(&text, 1 << 20));
    text.n = fread(text.p, 1, 1 << 20, f);
    fclose(f);
    return text;
}

static void read_heading(struct one_case *c, struct str line)
{
    size_t level = 0;

    while (level < line.n && line.p[level] == '#')
        level++;
    if (level < 2 || level > 4)
        return;
    struct str text = str_trim(str_make(line.p + level, line.n - level));
    snprintf(c->heading[level - 2], sizeof(c->heading[0]), "%.*s", STR_ARG(text));
    for (; level < 4; level++)
        c->heading[level - 1][0] = 0;
}

static void name_case(struct one_case *c, const char *file)
{
    size_t n = (size_t)snprintf(c->name, sizeof(c->name), "%s:", file);

    for (unsigned i = 0; i < 3; i++) {
        if (c->heading[i][0])
            n += (size_t)snprintf(c->name + n, sizeof(c->name) - n, "%s %s",
                                  i && c->heading[i - 1][0] ? "," : "", c->heading[i]);
    }
}

static bool has(struct str line, const char *part)
{
    return memmem(line.p, line.n, part, strlen(part)) != NULL;
}

enum block { NO_BLOCK, INPUT_BLOCK, LOG_BLOCK };

static void begin_input(struct one_case *c, const char *file, struct str fence)
{
    name_case(c, file);
    buf_finish(&c->input);
    c->url = has(fence, "url");
    if (c->url)
        buf_add_text(&c->input, "GET ");
    c->wanted = (struct wanted){ .error = false };
}

/* The last line of a block has no end of its own. */
static void end_input(struct one_case *c)
{
    if (str_ends_with(buf_str(&c->input), STR_OF("\r\n")))
        c->input.n -= 2;
    if (c->url)
        buf_add_text(&c->input, " HTTP/1.1\r\n\r\n");
}

/* A line between the blocks; says which block it opens. */
static enum block read_text_line(struct one_case *c, const char *file, struct str line)
{
    if (str_starts_with(line, STR_OF("#")))
        read_heading(c, line);
    if (str_starts_with(line, STR_OF("<!-- meta=")))
        c->lenient = has(line, "lenient");
    if (str_starts_with(line, STR_OF("```http")) || str_starts_with(line, STR_OF("```url"))) {
        begin_input(c, file, line);
        return INPUT_BLOCK;
    }
    return str_starts_with(line, STR_OF("```log")) ? LOG_BLOCK : NO_BLOCK;
}

/* Returns how many cases failed. */
static unsigned run_file(const char *path)
{
    const char *file = strrchr(path, '/') + 1;
    struct buf text = read_file(path);
    struct str rest = buf_str(&text), line;
    struct one_case c = { .input = BUF_INIT };
    enum block block = NO_BLOCK;
    unsigned failures = 0;

    while (str_split(&rest, '\n', &line)) {
        bool ends = block != NO_BLOCK && str_starts_with(line, STR_OF("```"));
        if (block == NO_BLOCK)
            block = read_text_line(&c, file, line);
        else if (ends && block == INPUT_BLOCK)
            end_input(&c);
        else if (ends)
            failures += run_case(&c);
        else if (block == INPUT_BLOCK)
            add_input(&c.input, line);
        else
            read_log_line(line, &c.wanted);
        if (ends)
            block = NO_BLOCK;
    }
    buf_finish(&c.input);
    buf_finish(&text);
    return failures;
}

/* Every difference is met, and stands in the documentation. */
static void check_differences(void)
{
    struct buf page = read_file(DOWEL_SOURCE_DIR "/docs/http.md");
    const char *text = buf_text(&page);

    for (size_t i = 0; i < DW_COUNT_OF(differences); i++) {
        if (!differences[i].seen)
            fail_msg("no case is called \"%s\" any more", differences[i].name);
        if (!strstr(text, differences[i].name) || !strstr(text, differences[i].reason))
            fail_msg("docs/http.md does not tell of \"%s\": %s", differences[i].name, differences[i].reason);
    }
    buf_finish(&page);
}

static void requests_are_read_alike(void **state)
{
    char folder[512], pattern[600];
    glob_t files;
    unsigned failures = 0;

    (void)state;
    if (!vectors_path(folder, sizeof(folder), "llhttp-md/test/request"))
        skip();
    snprintf(pattern, sizeof(pattern), "%s/*.md", folder);
    assert_int_equal(glob(pattern, 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++)
        failures += run_file(files.gl_pathv[i]);
    globfree(&files);
    if (vectors_path(folder, sizeof(folder), "llhttp-md/test/url.md"))
        failures += run_file(folder);
    assert_int_equal(failures, 0);
    assert_int_equal(cases_run, 187); /* none was overlooked */
    check_differences();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_read_alike),
    };
    return cmocka_run_group_tests_name("reader against llhttp", tests, NULL, NULL);
}
