#include "http/reader.h"

#include "util/address.h"
#include "util/compiler.h"

enum state {
    START,
    START_LF,
    METHOD,
    TARGET,
    VERSION,
    FIELD_START,
    FIELD_NAME,
    FIELD_SPACE,
    FIELD_VALUE,
    FIELD_LF,
    HEAD_LF,
    /* content */
    LENGTH,
    CHUNK_SIZE_FIRST,
    CHUNK_SIZE,
    CHUNK_EXT_NAME_FIRST,
    CHUNK_EXT_NAME,
    CHUNK_EXT_VALUE_FIRST,
    CHUNK_EXT_VALUE,
    CHUNK_EXT_QUOTED,
    CHUNK_EXT_ESCAPED,
    CHUNK_EXT_QUOTED_END,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    TRAILER_START,
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    TRAILER_END_LF,
    DONE,
    BROKEN
};

enum saw {
    SAW_HOST = 1,
    SAW_LENGTH = 2,
    SAW_TRANSFER = 4,
    SAW_CLOSE = 8,
    SAW_KEEP_ALIVE = 16,
    SAW_EXPECT = 32,
    SAW_EMPTY_LINE = 64,
    SAW_ABSOLUTE = 128
};

enum { METHOD_MAX = 32, CHUNK_DIGITS_MAX = 16 };

/* What a byte may be part of. */
enum { TOKEN = 1, URI = 2, TEXT = 4, HOST = 8 };

#define ALNUM  (TOKEN | URI | TEXT | HOST)
#define MARK   (TOKEN | URI | TEXT | HOST) /* token characters that a host may have as well */
#define PUNCT  (URI | TEXT)
#define BOTH   (TOKEN | URI | TEXT)
#define HOSTLY (URI | TEXT | HOST)

/* Bytes above ASCII: text of a field (obs-text), and UTF-8 in a target, which the pipeline checks as a whole. */
#define HIGH   (URI | TEXT)
#define HIGH8  HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH
#define HIGH32 HIGH8, HIGH8, HIGH8, HIGH8

static const uint8_t classes[256] = {
    ['\t'] = TEXT,   [' '] = TEXT,   ['!'] = MARK,  ['"'] = PUNCT,  ['#'] = TOKEN | TEXT, ['$'] = MARK,
    ['%'] = MARK,    ['&'] = MARK,   ['\''] = MARK, ['('] = HOSTLY, [')'] = HOSTLY,       ['*'] = MARK,
    ['+'] = MARK,    [','] = HOSTLY, ['-'] = MARK,  ['.'] = MARK,   ['/'] = PUNCT,        ['0'] = ALNUM,
    ['1'] = ALNUM,   ['2'] = ALNUM,  ['3'] = ALNUM, ['4'] = ALNUM,  ['5'] = ALNUM,        ['6'] = ALNUM,
    ['7'] = ALNUM,   ['8'] = ALNUM,  ['9'] = ALNUM, [':'] = PUNCT,  [';'] = HOSTLY,       ['<'] = PUNCT,
    ['='] = HOSTLY,  ['>'] = PUNCT,  ['?'] = PUNCT, ['@'] = PUNCT,  ['A'] = ALNUM,        ['B'] = ALNUM,
    ['C'] = ALNUM,   ['D'] = ALNUM,  ['E'] = ALNUM, ['F'] = ALNUM,  ['G'] = ALNUM,        ['H'] = ALNUM,
    ['I'] = ALNUM,   ['J'] = ALNUM,  ['K'] = ALNUM, ['L'] = ALNUM,  ['M'] = ALNUM,        ['N'] = ALNUM,
    ['O'] = ALNUM,   ['P'] = ALNUM,  ['Q'] = ALNUM, ['R'] = ALNUM,  ['S'] = ALNUM,        ['T'] = ALNUM,
    ['U'] = ALNUM,   ['V'] = ALNUM,  ['W'] = ALNUM, ['X'] = ALNUM,  ['Y'] = ALNUM,        ['Z'] = ALNUM,
    ['['] = PUNCT,   ['\\'] = PUNCT, [']'] = PUNCT, ['^'] = BOTH,   ['_'] = MARK,         ['`'] = BOTH,
    ['a'] = ALNUM,   ['b'] = ALNUM,  ['c'] = ALNUM, ['d'] = ALNUM,  ['e'] = ALNUM,        ['f'] = ALNUM,
    ['g'] = ALNUM,   ['h'] = ALNUM,  ['i'] = ALNUM, ['j'] = ALNUM,  ['k'] = ALNUM,        ['l'] = ALNUM,
    ['m'] = ALNUM,   ['n'] = ALNUM,  ['o'] = ALNUM, ['p'] = ALNUM,  ['q'] = ALNUM,        ['r'] = ALNUM,
    ['s'] = ALNUM,   ['t'] = ALNUM,  ['u'] = ALNUM, ['v'] = ALNUM,  ['w'] = ALNUM,        ['x'] = ALNUM,
    ['y'] = ALNUM,   ['z'] = ALNUM,  ['{'] = PUNCT, ['|'] = BOTH,   ['}'] = PUNCT,        ['~'] = MARK,
    [0x80] = HIGH32, HIGH32,         HIGH32,        HIGH32,
};

static inline unsigned class_of(unsigned char c)
{
    return classes[c];
}

/* One look at the head: the bytes, and how far they go. */
struct scan {
    struct http_reader *r;
    const char *p;
    uint32_t at, end;
};

enum verdict { GO_ON, WAIT, REFUSE };

static enum verdict refuse(struct http_reader *r, int status, const char *reason)
{
    r->state = BROKEN;
    r->status = status;
    r->reason = reason;
    return REFUSE;
}

static struct str text_at(const struct scan *s, struct http_span span)
{
    return str_make(s->p + span.at, span.n);
}

static struct http_span span_to_here(const struct scan *s)
{
    return (struct http_span){ s->r->mark, (uint16_t)(s->at - s->r->mark) };
}

/* Goes on over bytes of a class; false at the end of what is there. */
static inline bool skip_class(struct scan *s, unsigned wanted)
{
    const unsigned char *p = (const unsigned char *)s->p;
    uint32_t at = s->at, end = s->end;

    while (at < end && (class_of(p[at]) & wanted))
        at++;
    s->at = at;
    return at < end;
}

/* Nothing left to look at: is the line already too long, or is it only not complete? */
static enum verdict wait_or_too_long(struct scan *s)
{
    struct http_reader *r = s->r;
    if (s->at < r->limit_at)
        return WAIT;
    if (r->state < FIELD_START)
        return refuse(r, 414, "the request line is longer than 8192 bytes");
    return refuse(r, 431, "a header field is longer than 8192 bytes, or all of them than 32768");
}

void http_reader_begin(struct http_reader *r)
{
    r->at = 0;
    r->state = START;
    r->saw = 0;
    r->mark = 0;
    r->limit_at = HTTP_LINE_MAX;
    r->left = 0;
    r->trailer_bytes = 0;
    r->status = 0;
    r->reason = NULL;
    struct http_head *h = &r->head;
    h->base = NULL;
    h->chunked = h->has_length = h->close = h->expect_continue = false;
    h->fields = 0;
    h->length = 0;
    h->path = h->query = h->host = (struct http_span){ 0, 0 };
}

/* RFC 9112 2.2 wants one empty line before the request line to be ignored: old clients send it after a POST. */
static enum verdict read_start(struct scan *s)
{
    struct http_reader *r = s->r;
    if (s->p[s->at] == '\r' && !(r->saw & SAW_EMPTY_LINE)) {
        r->saw |= SAW_EMPTY_LINE;
        r->state = START_LF;
        s->at++;
        return GO_ON;
    }
    if (!(class_of((unsigned char)s->p[s->at]) & TOKEN))
        return refuse(r, 400, "the request does not begin with a method");
    r->mark = (uint16_t)s->at;
    r->limit_at = s->at + HTTP_LINE_MAX;
    r->state = METHOD;
    return GO_ON;
}

static enum verdict read_line_feed(struct scan *s, enum state next, const char *reason)
{
    if (s->p[s->at] != '\n')
        return refuse(s->r, 400, reason);
    s->at++;
    s->r->state = (uint8_t)next;
    return GO_ON;
}

static enum verdict read_method(struct scan *s)
{
    struct http_reader *r = s->r;
    bool more = skip_class(s, TOKEN);

    if (s->at - r->mark > METHOD_MAX)
        return refuse(r, 501, "the method is longer than any that is known");
    if (!more)
        return wait_or_too_long(s);
    if (s->p[s->at] != ' ')
        return refuse(r, 400, "after the method exactly one space must follow");
    r->head.method_name = span_to_here(s);
    r->head.method = http_method_from(text_at(s, r->head.method_name));
    r->mark = (uint16_t)++s->at;
    r->state = TARGET;
    return GO_ON;
}

static void split_query(const struct scan *s, struct http_span rest, struct http_head *head)
{
    size_t mark = str_find(text_at(s, rest), '?');
    head->path = (struct http_span){ rest.at, (uint16_t)mark };
    if (mark < rest.n)
        head->query = (struct http_span){ (uint16_t)(rest.at + mark + 1), (uint16_t)(rest.n - mark - 1) };
}

/* Nothing, or a colon and perhaps a number. */
static bool valid_port(struct str s)
{
    uint64_t number;

    if (s.n <= 1)
        return s.n == 0 || s.p[0] == ':';
    return s.p[0] == ':' && str_to_uint(str_make(s.p + 1, s.n - 1), 65535, &number);
}

/* host[:port] as RFC 3986 writes it; IPv6 stands in brackets. An empty one names no server. */
static bool valid_host(struct str host)
{
    struct address address;
    size_t end;

    if (host.n && host.p[0] == '[') {
        end = str_find(host, ']');
        if (end == host.n || address_parse(str_make(host.p, ++end), &address) != 0)
            return false;
    } else {
        end = str_find(host, ':');
        for (size_t i = 0; i < end; i++) {
            if (!(class_of((unsigned char)host.p[i]) & HOST))
                return false;
        }
    }
    return end > 0 && valid_port(str_make(host.p + end, host.n - end));
}

/* Without a port it would say nothing: CONNECT has no default one. */
static bool valid_authority(struct str text)
{
    return valid_host(text) && str_find(text, ':') < text.n && str_hex_digit(text.p[text.n - 1]) >= 0;
}

/* http://host:port/path: only a client that takes us for a proxy sends it, but RFC 9112 3.2.2 wants it understood. */
static enum verdict judge_absolute(struct scan *s, struct http_span target)
{
    struct http_reader *r = s->r;
    struct str text = text_at(s, target);
    size_t scheme = 0;

    if (text.n > 7 && str_equal_nocase(str_make(text.p, 7), STR_OF("http://")))
        scheme = 7;
    else if (text.n > 8 && str_equal_nocase(str_make(text.p, 8), STR_OF("https://")))
        scheme = 8;
    else
        return refuse(r, 400, "the target is neither a path nor an http URL");
    size_t end = scheme;
    while (end < text.n && text.p[end] != '/' && text.p[end] != '?')
        end++;
    struct str host = str_make(text.p + scheme, end - scheme);
    if (host.n == 0 || !valid_host(host))
        return refuse(r, 400, "the target's host is not valid");
    r->saw |= SAW_ABSOLUTE;
    r->head.host = (struct http_span){ (uint16_t)(target.at + scheme), (uint16_t)host.n };
    split_query(s, (struct http_span){ (uint16_t)(target.at + end), (uint16_t)(text.n - end) }, &r->head);
    return GO_ON;
}

static enum verdict judge_target(struct scan *s)
{
    struct http_reader *r = s->r;
    struct http_span target = r->head.target;
    char first = target.n ? s->p[target.at] : 0;

    if (target.n == 0)
        return refuse(r, 400, "after the method exactly one space and then the target must follow");
    if (r->head.method == HTTP_CONNECT) {
        if (!valid_authority(text_at(s, target)))
            return refuse(r, 400, "the target of CONNECT must be host:port");
        r->head.path = target;
        return GO_ON;
    }
    if (first == '/') {
        split_query(s, target, &r->head);
        return GO_ON;
    }
    if (first == '*' && target.n == 1 && r->head.method == HTTP_OPTIONS) {
        r->head.path = target;
        return GO_ON;
    }
    return judge_absolute(s, target);
}

static enum verdict read_target(struct scan *s)
{
    struct http_reader *r = s->r;

    if (!skip_class(s, URI))
        return wait_or_too_long(s);
    if (s->p[s->at] != ' ')
        return refuse(r, 400,
                      "the target contains a byte that must be percent-encoded, or the version is missing");
    r->head.target = span_to_here(s);
    if (judge_target(s) == REFUSE)
        return REFUSE;
    r->mark = (uint16_t)++s->at;
    r->state = VERSION;
    return GO_ON;
}

static enum verdict judge_version(struct http_reader *r, char major, char minor)
{
    if (major != '1' || minor > '1')
        return refuse(r, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    r->head.minor = (uint8_t)(minor - '0');
    r->state = FIELD_START;
    return GO_ON;
}

static enum verdict read_version(struct scan *s)
{
    static const char pattern[] = "HTTP/#.#\r\n"; /* # is a digit */
    struct http_reader *r = s->r;

    while (s->at < s->end) {
        char want = pattern[s->at - r->mark], c = s->p[s->at];
        if (want == '#' ? c < '0' || c > '9' : c != want)
            return refuse(r, 400, "the request line must end in HTTP/1.1 and CR LF");
        s->at++;
        if (want == '\n') {
            r->fields_at = s->at;
            return judge_version(r, s->p[r->mark + 5], s->p[r->mark + 7]);
        }
    }
    return wait_or_too_long(s);
}

static enum verdict read_field_start(struct scan *s)
{
    struct http_reader *r = s->r;
    uint32_t all = r->fields_at + HTTP_FIELDS_BYTES;

    if (s->p[s->at] == '\r') {
        s->at++;
        r->state = HEAD_LF;
        return GO_ON;
    }
    if (!(class_of((unsigned char)s->p[s->at]) & TOKEN))
        return refuse(r, 400, "a header line begins with something that is not a name");
    if (r->head.fields == HTTP_FIELDS_MAX)
        return refuse(r, 431, "there are more than 100 header fields");
    r->mark = (uint16_t)s->at;
    r->limit_at = s->at + HTTP_FIELD_MAX < all ? s->at + HTTP_FIELD_MAX : all;
    r->state = FIELD_NAME;
    return GO_ON;
}

static enum verdict read_field_name(struct scan *s)
{
    struct http_reader *r = s->r;

    if (!skip_class(s, TOKEN))
        return wait_or_too_long(s);
    if (s->p[s->at] != ':')
        return refuse(r, 400, "a header name must be followed by a colon at once");
    r->head.field[r->head.fields].name = span_to_here(s);
    s->at++;
    r->state = FIELD_SPACE;
    return GO_ON;
}

static enum verdict read_field_space(struct scan *s)
{
    while (s->at < s->end && (s->p[s->at] == ' ' || s->p[s->at] == '\t'))
        s->at++;
    if (s->at == s->end)
        return wait_or_too_long(s);
    s->r->mark = (uint16_t)s->at;
    s->r->state = FIELD_VALUE;
    return GO_ON;
}

static enum verdict judge_host(struct http_reader *r, struct str value, struct http_span span)
{
    if (r->saw & SAW_HOST)
        return refuse(r, 400, "Host is there twice");
    r->saw |= SAW_HOST;
    if (!valid_host(value))
        return refuse(r, 400, "Host is not a valid host and port");
    if (!(r->saw & SAW_ABSOLUTE))
        r->head.host = span;
    return GO_ON;
}

static enum verdict judge_length(struct http_reader *r, struct str value)
{
    if (r->saw & SAW_LENGTH)
        return refuse(r, 400, "Content-Length is there twice");
    r->saw |= SAW_LENGTH;
    if (!str_to_uint(value, INT64_MAX, &r->head.length))
        return refuse(r, 400, "Content-Length is not one decimal number");
    r->head.has_length = true;
    return GO_ON;
}

/* An unknown coding is a 501, but only once the whole head is known to be well formed: it may be folded, or contradict a
 * Content-Length, which is a 400. */
static enum verdict judge_transfer(struct http_reader *r, struct str value)
{
    if (r->saw & SAW_TRANSFER)
        return refuse(r, 400, "Transfer-Encoding is there twice");
    r->saw |= SAW_TRANSFER;
    r->head.chunked = str_equal_nocase(value, STR_OF("chunked"));
    return GO_ON;
}

/* The one coding that is understood is the one that frames the message; any other would leave its end unknown. */
static enum verdict judge_framing(struct http_reader *r)
{
    if (!(r->saw & SAW_TRANSFER))
        return GO_ON;
    if (r->saw & SAW_LENGTH)
        return refuse(r, 400, "Content-Length and Transfer-Encoding exclude each other");
    if (r->head.minor == 0)
        return refuse(r, 400, "HTTP/1.0 has no Transfer-Encoding");
    if (!r->head.chunked)
        return refuse(r, 501, "the only Transfer-Encoding understood is chunked");
    return GO_ON;
}

static enum verdict judge_connection(struct http_reader *r, struct str value)
{
    struct str token;

    while (str_split(&value, ',', &token)) {
        token = str_trim(token);
        if (str_equal_nocase(token, STR_OF("close")))
            r->saw |= SAW_CLOSE;
        else if (str_equal_nocase(token, STR_OF("keep-alive")))
            r->saw |= SAW_KEEP_ALIVE;
    }
    return GO_ON;
}

static enum verdict judge_expect(struct http_reader *r, struct str value)
{
    if (!str_equal_nocase(value, STR_OF("100-continue")))
        return refuse(r, 417, "the only expectation understood is 100-continue");
    r->saw |= SAW_EXPECT;
    return GO_ON;
}

/* The fields that decide how the message is read; all others are only kept. */
static enum verdict judge_field(struct scan *s, const struct http_field *f)
{
    struct str name = text_at(s, f->name), value = text_at(s, f->value);

    switch (name.n) {
    case 4: return str_equal_nocase(name, STR_OF("Host")) ? judge_host(s->r, value, f->value) : GO_ON;
    case 6: return str_equal_nocase(name, STR_OF("Expect")) ? judge_expect(s->r, value) : GO_ON;
    case 10: return str_equal_nocase(name, STR_OF("Connection")) ? judge_connection(s->r, value) : GO_ON;
    case 14: return str_equal_nocase(name, STR_OF("Content-Length")) ? judge_length(s->r, value) : GO_ON;
    case 17: return str_equal_nocase(name, STR_OF("Transfer-Encoding")) ? judge_transfer(s->r, value) : GO_ON;
    default: return GO_ON;
    }
}

static enum verdict read_field_value(struct scan *s)
{
    struct http_reader *r = s->r;

    if (!skip_class(s, TEXT))
        return wait_or_too_long(s);
    if (s->p[s->at] != '\r')
        return refuse(r, 400,
                      "a header value contains a control character, or its line does not end in CR LF");
    struct http_span span = span_to_here(s);
    while (span.n && (s->p[span.at + span.n - 1] == ' ' || s->p[span.at + span.n - 1] == '\t'))
        span.n--;
    r->head.field[r->head.fields].value = span;
    s->at++;
    r->state = FIELD_LF;
    return GO_ON;
}

static enum verdict read_field_end(struct scan *s)
{
    struct http_reader *r = s->r;

    if (read_line_feed(s, FIELD_START, "a header line does not end in CR LF") == REFUSE)
        return REFUSE;
    /* The value is judged only here: a field whose line is not complete might still be folded or cut. */
    return judge_field(s, &r->head.field[r->head.fields++]);
}

static enum verdict judge_head(struct scan *s)
{
    struct http_reader *r = s->r;
    struct http_head *h = &r->head;

    if (h->minor == 1 && !(r->saw & SAW_HOST))
        return refuse(r, 400, "Host is missing");
    if ((r->saw & SAW_ABSOLUTE) && (r->saw & SAW_HOST)) {
        struct str host = { NULL, 0 };
        for (uint16_t i = 0; i < h->fields && !host.p; i++) {
            if (str_equal_nocase(text_at(s, h->field[i].name), STR_OF("Host")))
                host = text_at(s, h->field[i].value);
        }
        if (!str_equal_nocase(host, text_at(s, h->host)))
            return refuse(r, 400, "Host and the host of the target are not the same");
    }
    if (judge_framing(r) == REFUSE)
        return REFUSE;
    h->close = (r->saw & SAW_CLOSE) || (h->minor == 0 && !(r->saw & SAW_KEEP_ALIVE));
    h->expect_continue = (r->saw & SAW_EXPECT) && h->minor == 1 && (h->chunked || h->length > 0);
    h->base = s->p;
    r->left = h->length;
    r->state = h->chunked ? CHUNK_SIZE_FIRST : h->length ? LENGTH : DONE;
    return GO_ON;
}

static enum verdict read_head_end(struct scan *s)
{
    if (read_line_feed(s, HEAD_LF, "the empty line after the header fields is not CR LF") == REFUSE)
        return REFUSE;
    return judge_head(s);
}

static enum verdict head_step(struct scan *s)
{
    switch ((enum state)s->r->state) {
    case START: return read_start(s);
    case START_LF: return read_line_feed(s, START, "a lone CR stands before the request");
    case METHOD: return read_method(s);
    case TARGET: return read_target(s);
    case VERSION: return read_version(s);
    case FIELD_START: return read_field_start(s);
    case FIELD_NAME: return read_field_name(s);
    case FIELD_SPACE: return read_field_space(s);
    case FIELD_VALUE: return read_field_value(s);
    case FIELD_LF: return read_field_end(s);
    case HEAD_LF: return read_head_end(s);
    default: return REFUSE;
    }
}

enum http_reader_event http_reader_head(struct http_reader *r, const char *buf, size_t n)
{
    struct scan s = {
        .r = r, .p = buf, .at = r->at, .end = (uint32_t)(n < HTTP_HEAD_MAX ? n : HTTP_HEAD_MAX)
    };

    while (s.at < s.end) {
        /* Within a line no byte past its limit is looked at, so that a long line is refused at the same place however
         * it was cut. */
        uint32_t all = s.end;
        if (r->state < HEAD_LF && r->state != FIELD_START && all > r->limit_at)
            s.end = r->limit_at;
        enum verdict v = s.at < s.end ? head_step(&s) : wait_or_too_long(&s);
        s.end = all;
        r->at = s.at;
        if (v == REFUSE)
            return HTTP_READER_BAD;
        if (r->state >= LENGTH)
            return HTTP_READER_HEAD;
        if (v == WAIT)
            return HTTP_READER_MORE;
    }
    return HTTP_READER_MORE;
}

/* ---- content ---- */

uint64_t http_reader_certain(const struct http_reader *r)
{
    return r->state == LENGTH || r->state == CHUNK_DATA ? r->left : 0;
}

void http_reader_skip(struct http_reader *r, uint64_t n)
{
    r->left -= n;
    if (r->left == 0)
        r->state = r->state == CHUNK_DATA ? CHUNK_DATA_CR : DONE;
}

static enum verdict begin_chunk(struct http_reader *r)
{
    r->mark = 0;
    r->state = r->left ? CHUNK_DATA : TRAILER_START;
    return GO_ON;
}

static enum verdict add_size_digit(struct http_reader *r, char c)
{
    int digit = str_hex_digit(c);

    if (r->state == CHUNK_SIZE_FIRST) {
        r->left = 0;
        r->mark = 0;
    }
    if (digit < 0)
        return refuse(r, 400, "a chunk size is not a hexadecimal number");
    if (++r->mark > CHUNK_DIGITS_MAX || r->left >> 58)
        return refuse(r, 400, "a chunk size is too large");
    r->left = r->left << 4 | (unsigned)digit;
    r->state = CHUNK_SIZE;
    return GO_ON;
}

/* What may stand at the end of a chunk's size, of an extension's name or value. */
static enum verdict end_of_chunk_part(struct http_reader *r, char c)
{
    if (c == '\r')
        r->state = CHUNK_SIZE_LF;
    else if (c == ';')
        r->state = CHUNK_EXT_NAME_FIRST;
    else
        return refuse(r, 400, "a chunk's first line is malformed");
    return GO_ON;
}

static enum verdict chunk_extension(struct http_reader *r, unsigned char c)
{
    bool token = class_of(c) & TOKEN;

    switch ((enum state)r->state) {
    case CHUNK_EXT_NAME_FIRST:
        if (!token)
            break;
        r->state = CHUNK_EXT_NAME;
        return GO_ON;
    case CHUNK_EXT_NAME:
        if (c == '=')
            r->state = CHUNK_EXT_VALUE_FIRST;
        else if (!token)
            return end_of_chunk_part(r, (char)c);
        return GO_ON;
    case CHUNK_EXT_VALUE_FIRST:
        if (!token && c != '"')
            break;
        r->state = token ? CHUNK_EXT_VALUE : CHUNK_EXT_QUOTED;
        return GO_ON;
    case CHUNK_EXT_VALUE: return token ? GO_ON : end_of_chunk_part(r, (char)c);
    case CHUNK_EXT_QUOTED:
        if (!(class_of(c) & TEXT))
            break;
        if (c == '"' || c == '\\')
            r->state = c == '"' ? CHUNK_EXT_QUOTED_END : CHUNK_EXT_ESCAPED;
        return GO_ON;
    case CHUNK_EXT_ESCAPED:
        if (!(class_of(c) & TEXT))
            break;
        r->state = CHUNK_EXT_QUOTED;
        return GO_ON;
    default: return end_of_chunk_part(r, (char)c);
    }
    return refuse(r, 400, "a chunk extension is malformed");
}

/* Trailers are read by the rules of header fields, and dropped. */
static enum verdict trailer(struct http_reader *r, unsigned char c)
{
    switch ((enum state)r->state) {
    case TRAILER_START:
        if (c == '\r')
            r->state = TRAILER_END_LF;
        else if (class_of(c) & TOKEN)
            r->state = TRAILER_NAME;
        else
            return refuse(r, 400, "a trailer line begins with something that is not a name");
        return GO_ON;
    case TRAILER_NAME:
        if (c == ':')
            r->state = TRAILER_VALUE;
        else if (!(class_of(c) & TOKEN))
            return refuse(r, 400, "a trailer's name must be followed by a colon at once");
        return GO_ON;
    case TRAILER_VALUE:
        if (c == '\r')
            r->state = TRAILER_LF;
        else if (!(class_of(c) & TEXT))
            return refuse(r, 400, "a trailer contains a control character");
        return GO_ON;
    default:
        if (c != '\n')
            return refuse(r, 400, "a trailer line does not end in CR LF");
        r->state = r->state == TRAILER_LF ? TRAILER_START : DONE;
        return GO_ON;
    }
}

static enum verdict expect_byte(struct http_reader *r, char c, char wanted, enum state next)
{
    if (c != wanted)
        return refuse(r, 400, "a chunk does not end in CR LF where its size says");
    r->state = (uint8_t)next;
    return GO_ON;
}

/* Extensions and trailers carry nothing that is used: a peer that sends many of them only burns time. */
static enum verdict count_ignored(struct http_reader *r)
{
    if (++r->trailer_bytes > HTTP_FIELDS_BYTES)
        return refuse(r, 400, "there are too many chunk extensions or trailers");
    return GO_ON;
}

static enum verdict framing_step(struct http_reader *r, char c)
{
    switch ((enum state)r->state) {
    case CHUNK_SIZE_FIRST: return add_size_digit(r, c);
    case CHUNK_SIZE: return str_hex_digit(c) >= 0 ? add_size_digit(r, c) : end_of_chunk_part(r, c);
    case CHUNK_SIZE_LF:
        return c == '\n' ? begin_chunk(r) : refuse(r, 400, "a chunk's first line does not end in CR LF");
    case CHUNK_DATA_CR: return expect_byte(r, c, '\r', CHUNK_DATA_LF);
    case CHUNK_DATA_LF: return expect_byte(r, c, '\n', CHUNK_SIZE_FIRST);
    case CHUNK_EXT_NAME_FIRST:
    case CHUNK_EXT_NAME:
    case CHUNK_EXT_VALUE_FIRST:
    case CHUNK_EXT_VALUE:
    case CHUNK_EXT_QUOTED:
    case CHUNK_EXT_ESCAPED:
    case CHUNK_EXT_QUOTED_END:
        return count_ignored(r) == REFUSE ? REFUSE : chunk_extension(r, (unsigned char)c);
    default: return count_ignored(r) == REFUSE ? REFUSE : trailer(r, (unsigned char)c);
    }
}

enum http_reader_event http_reader_content(struct http_reader *r, const char *p, size_t n, size_t *used,
                                           struct str *content)
{
    size_t at = 0;

    *content = str_make(NULL, 0);
    *used = 0;
    while (r->state != DONE && at < n) {
        if (r->state == BROKEN)
            return HTTP_READER_BAD;
        if (r->state == LENGTH || r->state == CHUNK_DATA) {
            size_t piece = n - at < r->left ? n - at : (size_t)r->left;
            *content = str_make(p + at, piece);
            *used = at + piece;
            http_reader_skip(r, piece);
            return HTTP_READER_CONTENT;
        }
        if (framing_step(r, p[at++]) == REFUSE)
            return HTTP_READER_BAD;
    }
    *used = at;
    return r->state == DONE ? HTTP_READER_END : HTTP_READER_MORE;
}
