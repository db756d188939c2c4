#include "http/multipart.h"

#include "util/compiler.h"

enum state {
    DELIMITER_FIRST, /* the very beginning */
    DELIMITER_SEEN,  /* "--" or CR LF */
    LAST_DASH,       /* the second '-' of the closing boundary */
    LINE_END,        /* LF after a boundary */
    HEAD,
    DATA,
    EPILOGUE,    /* nothing, or CR LF */
    EPILOGUE_LF, /* LF */
    DONE,
    FAILED
};

static int fail(struct multipart *m, int status, const char *reason)
{
    m->state = FAILED;
    m->status = status;
    m->reason = reason;
    return -1;
}

static bool is_token_char(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
           (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* ---- parameters: ; name=value, in memory that may be changed ---- */

struct cursor {
    char *p, *end;
};

static void skip_space(struct cursor *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t'))
        c->p++;
}

static struct str take_token(struct cursor *c)
{
    const char *begin = c->p;

    while (c->p < c->end && is_token_char(*c->p))
        c->p++;
    return str_make(begin, (size_t)(c->p - begin));
}

/* Undoes \" and \\ in place. Any other backslash is itself: that is what Windows paths in file names need, and no
 * browser escapes anything else. False when the quote is not closed. */
static bool take_quoted(struct cursor *c, struct str *out)
{
    char *to = ++c->p;
    const char *begin = to;

    for (; c->p < c->end; c->p++) {
        if (*c->p == '"') {
            c->p++;
            *out = str_make(begin, (size_t)(to - begin));
            return true;
        }
        if (*c->p == '\\' && c->end - c->p > 1 && (c->p[1] == '"' || c->p[1] == '\\'))
            c->p++;
        *to++ = *c->p;
    }
    return false;
}

/* The next parameter. 1: there is one, 0: the end, -1: malformed. */
static int take_parameter(struct cursor *c, struct str *name, struct str *value)
{
    skip_space(c);
    if (c->p == c->end)
        return 0;
    if (*c->p++ != ';')
        return -1;
    skip_space(c);
    *name = take_token(c);
    if (name->n == 0 || c->p == c->end || *c->p++ != '=' || c->p == c->end)
        return -1;
    if (*c->p == '"')
        return take_quoted(c, value) ? 1 : -1;
    *value = take_token(c);
    return value->n ? 1 : -1;
}

/* ---- the headers of a part ---- */

/* A parameter that may be there once. */
static bool set_once(struct str *slot, struct str value)
{
    if (slot->p || value.n > MULTIPART_NAME_MAX)
        return false;
    *slot = value;
    return true;
}

static int read_disposition(struct multipart *m, struct cursor value, struct multipart_part *part)
{
    struct str name, text;
    int more;

    if (part->name.p)
        return fail(m, 400, "A part has two Content-Disposition headers.");
    if (!str_equal_nocase(take_token(&value), STR_OF("form-data")))
        return fail(m, 400, "A part's Content-Disposition is not form-data.");
    while ((more = take_parameter(&value, &name, &text)) > 0) {
        bool good = true;
        if (str_equal_nocase(name, STR_OF("name")))
            good = set_once(&part->name, text);
        else if (str_equal_nocase(name, STR_OF("filename")))
            good = set_once(&part->filename, text);
        else if (str_equal_nocase(name, STR_OF("filename*")) || str_equal_nocase(name, STR_OF("name*")))
            return fail(m, 400, "RFC 7578 does not allow filename* in a form; send filename in UTF-8.");
        if (!good)
            return fail(m, 400, "A part's name or file name is there twice, or longer than 1024 bytes.");
    }
    if (more < 0)
        return fail(m, 400, "A part's Content-Disposition is malformed.");
    if (!part->name.p)
        return fail(m, 400, "A part's Content-Disposition has no name.");
    return 0;
}

static int read_encoding(struct multipart *m, struct str value)
{
    static const struct str plain[] = { STR("binary"), STR("8bit"), STR("7bit") };

    for (size_t i = 0; i < DW_COUNT_OF(plain); i++) {
        if (str_equal_nocase(value, plain[i]))
            return 0;
    }
    return fail(m, 400, "A part has a Content-Transfer-Encoding; send its bytes as they are.");
}

static int read_header(struct multipart *m, char *line, size_t n, struct multipart_part *part)
{
    struct cursor c = { line, line + n };
    struct str name = take_token(&c);

    if (name.n == 0 || c.p == c.end || *c.p++ != ':')
        return fail(m, 400, "A part has a malformed header.");
    skip_space(&c);
    struct str value = str_trim(str_make(c.p, (size_t)(c.end - c.p)));
    if (str_equal_nocase(name, STR_OF("Content-Disposition")))
        return read_disposition(m, c, part);
    if (str_equal_nocase(name, STR_OF("Content-Transfer-Encoding")))
        return read_encoding(m, value);
    if (!str_equal_nocase(name, STR_OF("Content-Type")))
        return 0; /* RFC 7578, 4.8: other headers are ignored */
    if (part->content_type.p)
        return fail(m, 400, "A part has two Content-Type headers.");
    part->content_type = value;
    return 0;
}

/* No control characters but tab: a name goes into logs, headers and databases. */
static bool line_is_clean(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (((unsigned char)p[i] < 0x20 && p[i] != '\t') || p[i] == 0x7f)
            return false;
    }
    return str_is_utf8(str_make(p, n));
}

/* head[0..head_n) ends with an empty line. */
static int read_head(struct multipart *m)
{
    struct multipart_part part = { .name = { NULL, 0 } };
    char *line = m->head, *end = m->head + m->head_n - 2;

    while (line < end) {
        char *stop = memchr(line, '\r', (size_t)(end - line));
        if (!stop || stop[1] != '\n' || !line_is_clean(line, (size_t)(stop - line)))
            return fail(m, 400, "A part's headers have control characters or are not UTF-8.");
        if (read_header(m, line, (size_t)(stop - line), &part) != 0)
            return -1;
        line = stop + 2;
    }
    if (!part.name.p)
        return fail(m, 400, "A part has no Content-Disposition.");
    if (m->parts++ == MULTIPART_PARTS_MAX)
        return fail(m, 413, "The form has more than 100 parts.");
    int status = m->on.begin(&part, m->on.ud);
    return status ? fail(m, status, "A part of the form was refused.") : 0;
}

/* ---- the states; each reads at least one byte and returns how many, or 0 after a failure ---- */

static size_t expect(struct multipart *m, char got, char wanted, enum state next)
{
    if (got != wanted) {
        fail(m, 400, "A boundary is followed by something else than a line end.");
        return 0;
    }
    m->state = (uint8_t)next;
    return 1;
}

static size_t feed_first(struct multipart *m, char c)
{
    if (c != m->delimiter[m->matched]) {
        fail(m, 400, "The body does not begin with the boundary that Content-Type names.");
        return 0;
    }
    if (++m->matched == m->delimiter_n)
        m->state = DELIMITER_SEEN;
    return 1;
}

static size_t feed_after_delimiter(struct multipart *m, char c)
{
    m->matched = 0;
    m->head_n = 0;
    if (c == '-') {
        m->state = LAST_DASH;
        return 1;
    }
    return expect(m, c, '\r', LINE_END);
}

static bool head_is_complete(const struct multipart *m)
{
    const char *end = m->head + m->head_n;
    return (m->head_n == 2 && memcmp(m->head, "\r\n", 2) == 0) ||
           (m->head_n >= 4 && memcmp(end - 4, "\r\n\r\n", 4) == 0);
}

static size_t feed_head(struct multipart *m, struct str bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        if (m->head_n == MULTIPART_HEAD_MAX) {
            fail(m, 413, "The headers of a part are longer than 8 KiB.");
            return 0;
        }
        m->head[m->head_n++] = bytes.p[i];
        if (bytes.p[i] != '\n' || !head_is_complete(m))
            continue;
        if (read_head(m) != 0)
            return 0;
        m->state = DATA;
        return i + 1;
    }
    return bytes.n;
}

static bool emit(struct multipart *m, const char *p, size_t n)
{
    int status = n ? m->on.data(str_make(p, n), m->on.ud) : 0;

    if (status)
        fail(m, status, "A part of the form could not be taken.");
    return status == 0;
}

static bool close_part(struct multipart *m)
{
    int status = m->on.end(m->on.ud);

    m->state = DELIMITER_SEEN;
    if (status)
        fail(m, status, "A part of the form could not be taken.");
    return status == 0;
}

/* Goes on with a delimiter of which a part was seen at the end of the last piece: *used are the bytes that belong to
 * it. When it turns out to be none, what was seen was content: it looks the same as the beginning of the delimiter, so
 * nothing had to be kept. Only its first byte is a CR, so no other delimiter can have begun inside. */
static bool resume_match(struct multipart *m, struct str bytes, size_t *used)
{
    size_t i = 0;

    while (i < bytes.n && m->matched < m->delimiter_n && bytes.p[i] == m->delimiter[m->matched]) {
        m->matched++;
        i++;
    }
    *used = i;
    if (m->matched == m->delimiter_n)
        return close_part(m);
    if (i == bytes.n)
        return true;
    size_t seen = m->matched;
    m->matched = 0;
    return emit(m, m->delimiter, seen);
}

/* Where a delimiter begins in the piece, or could begin at its end. */
static size_t find_delimiter(const struct multipart *m, struct str s)
{
    size_t at = 0;

    while (at < s.n) {
        const char *cr = memchr(s.p + at, '\r', s.n - at);
        if (!cr)
            return s.n;
        at = (size_t)(cr - s.p);
        size_t n = s.n - at < m->delimiter_n ? s.n - at : m->delimiter_n;
        if (memcmp(cr, m->delimiter, n) == 0)
            return at;
        at++;
    }
    return s.n;
}

static size_t feed_data(struct multipart *m, struct str bytes)
{
    size_t used = 0;

    if (m->matched) {
        if (!resume_match(m, bytes, &used))
            return 0;
        if (m->matched)
            return used;
        bytes = str_make(bytes.p + used, bytes.n - used);
    }
    size_t at = find_delimiter(m, bytes), left = bytes.n - at;
    if (!emit(m, bytes.p, at))
        return 0;
    if (left >= m->delimiter_n)
        return close_part(m) ? used + at + m->delimiter_n : 0;
    m->matched = (uint8_t)left;
    return used + bytes.n;
}

static size_t feed_some(struct multipart *m, struct str bytes)
{
    char c = bytes.p[0];

    switch ((enum state)m->state) {
    case DELIMITER_FIRST: return feed_first(m, c);
    case DELIMITER_SEEN: return feed_after_delimiter(m, c);
    case LAST_DASH: return expect(m, c, '-', EPILOGUE);
    case LINE_END: return expect(m, c, '\n', HEAD);
    case HEAD: return feed_head(m, bytes);
    case DATA: return feed_data(m, bytes);
    case EPILOGUE: return expect(m, c, '\r', EPILOGUE_LF);
    case EPILOGUE_LF: return expect(m, c, '\n', DONE);
    case DONE: fail(m, 400, "There is something after the last boundary."); return 0;
    case FAILED: return 0;
    }
    return 0;
}

int multipart_feed(struct multipart *m, struct str bytes)
{
    while (bytes.n) {
        size_t used = feed_some(m, bytes);
        if (used == 0)
            return -1;
        bytes = str_make(bytes.p + used, bytes.n - used);
    }
    return m->state == FAILED ? -1 : 0;
}

int multipart_end(struct multipart *m)
{
    if (m->state == DONE || m->state == EPILOGUE)
        return 0;
    return m->state == FAILED ? -1 : fail(m, 400, "The body ends before its last boundary.");
}

/* ---- the boundary ---- */

/* bchars of RFC 2046; a space is allowed, but not at the end. */
static bool boundary_is_valid(struct str s)
{
    if (s.n == 0 || s.n > MULTIPART_BOUNDARY_MAX || s.p[s.n - 1] == ' ')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!alnum && (c == 0 || !strchr("'()+_,-./:=? ", c)))
            return false;
    }
    return true;
}

int multipart_begin(struct multipart *m, struct str content_type, const struct multipart_events *on)
{
    static const struct str type = STR("multipart/form-data");
    struct str name, value, boundary = { NULL, 0 };
    int more;

    m->on = *on;
    m->parts = m->head_n = 0;
    m->matched = 2; /* the first delimiter has no line end before it */
    m->state = DELIMITER_FIRST;
    if (content_type.n < type.n || content_type.n > sizeof(m->head) ||
        !str_equal_nocase(str_make(content_type.p, type.n), type))
        return fail(m, 415, "The body is not multipart/form-data.");
    memcpy(m->head, content_type.p, content_type.n);
    struct cursor c = { m->head + type.n, m->head + content_type.n };
    while ((more = take_parameter(&c, &name, &value)) > 0) {
        if (!str_equal_nocase(name, STR_OF("boundary")))
            continue;
        if (boundary.p)
            return fail(m, 400, "Content-Type has two boundaries.");
        boundary = value;
    }
    if (more < 0 || !boundary_is_valid(boundary))
        return fail(m, 400, "Content-Type has no boundary, or one that RFC 2046 does not allow.");
    memcpy(m->delimiter, "\r\n--", 4);
    memcpy(m->delimiter + 4, boundary.p, boundary.n);
    m->delimiter_n = (uint8_t)(4 + boundary.n);
    return 0;
}

/* ---- names for people ---- */

/* Devices on Windows, with any ending: a file of that name cannot be saved there. */
static bool is_reserved(struct str name)
{
    static const struct str devices[] = { STR("con"), STR("prn"), STR("aux"), STR("nul") };
    struct str stem = str_make(name.p, str_find(name, '.'));

    for (size_t i = 0; i < DW_COUNT_OF(devices); i++) {
        if (str_equal_nocase(stem, devices[i]))
            return true;
    }
    return stem.n == 4 && stem.p[3] >= '0' && stem.p[3] <= '9' &&
           (str_equal_nocase(str_make(stem.p, 3), STR_OF("com")) ||
            str_equal_nocase(str_make(stem.p, 3), STR_OF("lpt")));
}

static struct str last_component(struct str s)
{
    for (size_t i = s.n; i-- > 0;) {
        if (s.p[i] == '/' || s.p[i] == '\\')
            return str_make(s.p + i + 1, s.n - i - 1);
    }
    return s;
}

struct str multipart_safe_name(struct str filename, char out[MULTIPART_SAFE_NAME])
{
    struct str name = last_component(filename);
    size_t n = 1; /* room for the '_' of a reserved name */

    for (size_t i = 0; i < name.n && n < MULTIPART_SAFE_NAME; i++) {
        char c = name.p[i];
        if ((n == 1 && (c == '.' || c == ' ' || c == '-')) || (unsigned char)c < 0x20 || c == 0x7f)
            continue;
        out[n++] = strchr("<>:\"|?*%&$`'~;", c) ? '_' : c;
    }
    /* Not in the middle of a character. */
    while (n > 1 && !str_is_utf8(str_make(out + 1, n - 1)))
        n--;
    while (n > 1 && (out[n - 1] == '.' || out[n - 1] == ' '))
        n--;
    if (n == 1)
        return STR_OF("file");
    if (!is_reserved(str_make(out + 1, n - 1)))
        return str_make(out + 1, n - 1);
    out[0] = '_';
    return str_make(out, n);
}
