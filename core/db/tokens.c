#include "db/tokens.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Bytes above ASCII are letters to both engines. */
static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_name_part(char c)
{
    return is_name_start(c) || is_digit(c) || c == '$';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

void token_reader_init(struct token_reader *r, struct str sql, enum db_engine engine)
{
    *r = (struct token_reader){ .sql = sql.p ? sql : STR_OF(""), .engine = engine };
}

/* The byte at `at`, or 0 behind the end. */
static char byte_at(const struct token_reader *r, size_t at)
{
    return at < r->sql.n ? r->sql.p[at] : '\0';
}

static struct token take(struct token_reader *r, enum token_kind kind, size_t end)
{
    struct token t = { .kind = kind, .text = str_make(r->sql.p + r->at, end - r->at), .offset = r->at };

    r->at = end;
    return t;
}

/* Nothing is read after a wrong token: what follows is a guess. */
static struct token wrong(struct token_reader *r, size_t end, const char *why)
{
    struct token t = take(r, TOKEN_WRONG, end < r->sql.n ? end : r->sql.n);

    r->wrong = why;
    r->at = r->sql.n;
    return t;
}

/* ---- quotes ---- */

/* Behind the quote that ends what begins at `from`, or SIZE_MAX. A quote is written twice to mean itself. */
static size_t quoted_end(const struct token_reader *r, size_t from, char quote, bool has_escapes)
{
    for (size_t i = from + 1; i < r->sql.n; i++) {
        if (has_escapes && r->sql.p[i] == '\\') {
            i++;
        } else if (r->sql.p[i] == quote) {
            if (byte_at(r, i + 1) != quote)
                return i + 1;
            i++;
        }
    }
    return SIZE_MAX;
}

static struct token read_string(struct token_reader *r, size_t quote, bool has_escapes)
{
    size_t end = quoted_end(r, quote, '\'', has_escapes);

    if (end == SIZE_MAX)
        return wrong(r, quote + 1,
                     "this text has no end: a ' is missing, or one inside is not written twice");
    return take(r, TOKEN_STRING, end);
}

static struct token read_quoted(struct token_reader *r)
{
    size_t end = quoted_end(r, r->at, '"', false);

    if (end == SIZE_MAX)
        return wrong(r, r->at + 1, "this name has no end: a \" is missing");
    if (end == r->at + 2)
        return wrong(r, end, "a name is empty; text stands in '..'");
    return take(r, TOKEN_QUOTED, end);
}

/* PostgreSQL joins texts that stand on several lines, and goes on reading escapes in those that follow an E'..'. */
static struct token read_text(struct token_reader *r)
{
    if (r->after_escapes)
        return wrong(r, r->at + 1, "a text follows an E'..' text; join them with ||");
    return read_string(r, r->at, false);
}

/* ---- words ---- */

static size_t name_end(const struct token_reader *r, size_t at)
{
    while (is_name_part(byte_at(r, at)))
        at++;
    return at;
}

/* E'..' and U&'..' are one token in PostgreSQL and two in SQLite. */
static struct token read_word(struct token_reader *r)
{
    const char first = byte_at(r, r->at), second = byte_at(r, r->at + 1), third = byte_at(r, r->at + 2);

    if ((first == 'E' || first == 'e') && second == '\'') {
        if (r->engine != DB_POSTGRES)
            return wrong(r, r->at + 2,
                         "SQLite has no E'..'; write the characters themselves, or give them as $1");
        return read_string(r, r->at + 1, true);
    }
    if ((first == 'U' || first == 'u') && second == '&' && (third == '\'' || third == '"'))
        return wrong(r, r->at + 3, "write the characters themselves, not U&");
    if (r->sql.n - r->at >= 3 && memcmp(r->sql.p + r->at, "\xef\xbb\xbf", 3) == 0)
        return wrong(r, r->at + 3,
                     "this is a byte order mark, which one engine takes for a space; remove it");
    return take(r, TOKEN_WORD, name_end(r, r->at));
}

/* 12, 1.5, .5, 1e-3, 0x1F. Neither engine lets a name begin right behind. */
static struct token read_number(struct token_reader *r)
{
    size_t i = r->at;

    if (byte_at(r, i) == '0' && (byte_at(r, i + 1) == 'x' || byte_at(r, i + 1) == 'X')) {
        for (i += 2; str_hex_digit(byte_at(r, i)) >= 0;)
            i++;
    } else {
        while (is_digit(byte_at(r, i)))
            i++;
        if (byte_at(r, i) == '.') {
            for (i++; is_digit(byte_at(r, i));)
                i++;
        }
        if (byte_at(r, i) == 'e' || byte_at(r, i) == 'E') {
            size_t digits = i + 1 + (byte_at(r, i + 1) == '+' || byte_at(r, i + 1) == '-');
            for (i = is_digit(byte_at(r, digits)) ? digits : i; is_digit(byte_at(r, i));)
                i++;
        }
    }
    if (is_name_part(byte_at(r, i)))
        return wrong(r, i + 1, "this is neither a number nor a name; put a space between them");
    return take(r, TOKEN_NUMBER, i);
}

/* ---- what begins with a dollar or a colon ---- */

/* $tag$ .. $tag$: behind the second one, or SIZE_MAX. `open_end` is behind the first. */
static size_t dollar_end(const struct token_reader *r, size_t open_end)
{
    const struct str tag = str_make(r->sql.p + r->at, open_end - r->at);

    for (size_t i = open_end; i + tag.n <= r->sql.n; i++) {
        if (memcmp(r->sql.p + i, tag.p, tag.n) == 0)
            return i + tag.n;
    }
    return SIZE_MAX;
}

static struct token read_dollar_quote(struct token_reader *r)
{
    size_t open_end = r->at + 1, end;

    while (byte_at(r, open_end) != '$' && is_name_part(byte_at(r, open_end)))
        open_end++;
    if (byte_at(r, open_end) != '$')
        return wrong(r, open_end, "values are $1, $2 and so on; :tenant, :me and :now come by themselves");
    if (r->engine != DB_POSTGRES)
        return wrong(r, open_end + 1, "SQLite has no $$..$$; write '..'");
    end = dollar_end(r, open_end + 1);
    if (end == SIZE_MAX)
        return wrong(r, open_end + 1, "this text has no end: the same $..$ must follow");
    return take(r, TOKEN_STRING, end);
}

static struct token read_dollar(struct token_reader *r)
{
    size_t i = r->at + 1;

    if (!is_digit(byte_at(r, i)))
        return read_dollar_quote(r);
    while (is_digit(byte_at(r, i)))
        i++;
    if (is_name_part(byte_at(r, i)))
        return wrong(r, i + 1, "a value is written $1; put a space behind it");
    return take(r, TOKEN_PARAMETER, i);
}

static struct token read_colon(struct token_reader *r)
{
    if (byte_at(r, r->at + 1) == ':' && r->engine == DB_SQLITE)
        return wrong(r, r->at + 2, "SQLite has no ::; write CAST(value AS type), which both engines know");
    if (byte_at(r, r->at + 1) == ':')
        return take(r, TOKEN_CAST, r->at + 2);
    if (is_name_start(byte_at(r, r->at + 1)))
        return take(r, TOKEN_NAMED, name_end(r, r->at + 1));
    return take(r, TOKEN_SYMBOL, r->at + 1);
}

/* ---- comments ---- */

static struct token read_line_comment(struct token_reader *r)
{
    size_t i = r->at;

    while (i < r->sql.n && r->sql.p[i] != '\n' && !(r->sql.p[i] == '\r' && r->engine == DB_POSTGRES))
        i++;
    return take(r, TOKEN_COMMENT, i);
}

/* In PostgreSQL a comment holds others, in SQLite the first end ends it. */
static struct token read_comment(struct token_reader *r)
{
    size_t depth = 0, i = r->at;

    while (i + 1 < r->sql.n) {
        if (r->sql.p[i] == '/' && r->sql.p[i + 1] == '*') {
            if (depth++ > 0 && r->engine != DB_POSTGRES)
                return wrong(r, i + 2, "SQLite ends a comment at the first */; do not put one into another");
            i += 2;
        } else if (r->sql.p[i] == '*' && r->sql.p[i + 1] == '/') {
            i += 2;
            if (--depth == 0)
                return take(r, TOKEN_COMMENT, i);
        } else {
            i++;
        }
    }
    return wrong(r, r->at + 2, "this comment has no end: */ is missing");
}

/* ---- one token ---- */

static struct token read_symbol(struct token_reader *r)
{
    const char c = r->sql.p[r->at];

    if (c == '`' || (c == '[' && r->engine == DB_SQLITE))
        return wrong(r, r->at + 1, "a name that needs quotes stands in \"..\"");
    if (c == '?' && r->engine == DB_SQLITE)
        return wrong(r, r->at + 1, "values are $1, $2 and so on");
    if (c == '@' && r->engine == DB_SQLITE)
        return wrong(r, r->at + 1, "SQLite takes this for a parameter; values are $1, $2 and so on");
    if (!strchr("()[]{},;.+-*/%<>=!|&~^#?@:", c) || c == '\0')
        return wrong(r, r->at + 1, "this character has no meaning in SQL outside quotes");
    return take(r, TOKEN_SYMBOL, r->at + 1);
}

static struct token read_token(struct token_reader *r)
{
    const char c = byte_at(r, r->at), next = byte_at(r, r->at + 1);

    if (is_name_start(c))
        return read_word(r);
    if (is_digit(c) || (c == '.' && is_digit(next)))
        return read_number(r);
    if (c == '\'')
        return read_text(r);
    if (c == '"')
        return read_quoted(r);
    if (c == '$')
        return read_dollar(r);
    if (c == ':')
        return read_colon(r);
    if (c == '-' && next == '-')
        return read_line_comment(r);
    if (c == '/' && next == '*')
        return read_comment(r);
    return read_symbol(r);
}

struct token token_next(struct token_reader *r)
{
    struct token t;

    while (r->at < r->sql.n && is_blank(r->sql.p[r->at]))
        r->at++;
    if (r->at >= r->sql.n)
        return (
            struct token){ .kind = TOKEN_END, .text = str_make(r->sql.p + r->sql.n, 0), .offset = r->sql.n };
    t = read_token(r);
    if (t.kind != TOKEN_COMMENT)
        r->after_escapes = t.kind == TOKEN_STRING && (*t.text.p == 'E' || *t.text.p == 'e');
    return t;
}

/* ---- all of them ---- */

static int refuse_list(struct tokens *tokens, const struct token *t, const char *sentence, struct buf *why)
{
    tokens->wrong_at = t->offset;
    return token_refuse(why, tokens->sql, t, "%s", sentence);
}

/* The number of tokens without comments, or SIZE_MAX and why. */
static size_t count_tokens(struct tokens *tokens, struct buf *why)
{
    struct token_reader r;
    struct token t;
    size_t n = 0;

    token_reader_init(&r, tokens->sql, tokens->engine);
    for (t = token_next(&r); t.kind != TOKEN_END; t = token_next(&r)) {
        if (t.kind == TOKEN_WRONG) {
            refuse_list(tokens, &t, r.wrong, why);
            return SIZE_MAX;
        }
        n += t.kind != TOKEN_COMMENT;
    }
    return n;
}

/* Parentheses learn their partners. An open one holds, until then, the index of the open one around it. */
static int match_parentheses(struct tokens *tokens, struct buf *why)
{
    size_t open = SIZE_MAX, depth = 0;

    for (size_t i = 0; i < tokens->n; i++) {
        struct token *t = &tokens->list[i];
        if (token_is_symbol(t, '(')) {
            t->partner = open;
            open = i;
            if (++depth > tokens->deepest)
                tokens->deepest = depth;
        } else if (token_is_symbol(t, ')')) {
            if (open == SIZE_MAX)
                return refuse_list(tokens, t, "this ) closes nothing", why);
            size_t outer = tokens->list[open].partner;
            tokens->list[open].partner = i;
            t->partner = open;
            open = outer;
            depth--;
        }
    }
    if (open != SIZE_MAX)
        return refuse_list(tokens, &tokens->list[open], "this ( is never closed", why);
    return 0;
}

int tokens_read(struct tokens *out, struct arena *arena, struct str sql, enum db_engine engine,
                struct buf *why)
{
    struct token_reader r;
    size_t n;

    *out = (struct tokens){ .sql = sql.p ? sql : STR_OF(""), .engine = engine };
    n = count_tokens(out, why);
    if (n == SIZE_MAX)
        return DW_EMISUSE;
    out->list = arena_alloc(arena, (n + 1) * sizeof *out->list);
    if (!out->list)
        return DW_ENOMEM;
    token_reader_init(&r, sql, engine);
    while (out->n <= n) {
        struct token t = token_next(&r);
        if (t.kind == TOKEN_COMMENT)
            continue;
        out->list[out->n] = t;
        if (t.kind == TOKEN_END)
            break;
        out->n++;
    }
    return match_parentheses(out, why);
}

const struct token *tokens_at(const struct tokens *tokens, size_t i)
{
    return &tokens->list[i < tokens->n ? i : tokens->n];
}

bool tokens_is(const struct tokens *tokens, size_t i, const char *word)
{
    return token_is(tokens_at(tokens, i), word);
}

bool tokens_is_any(const struct tokens *tokens, size_t i, const char *const *words, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        if (tokens_is(tokens, i, words[k]))
            return true;
    }
    return false;
}

bool tokens_is_symbol(const struct tokens *tokens, size_t i, char c)
{
    return token_is_symbol(tokens_at(tokens, i), c);
}

size_t tokens_step(const struct tokens *tokens, size_t i)
{
    return tokens_is_symbol(tokens, i, '(') ? tokens_at(tokens, i)->partner + 1 : i + 1;
}

/* ---- what a token is ---- */

bool token_is(const struct token *t, const char *word)
{
    return t->kind == TOKEN_WORD && str_equal_nocase(t->text, str_from(word));
}

bool token_is_symbol(const struct token *t, char c)
{
    return t->kind == TOKEN_SYMBOL && *t->text.p == c;
}

bool token_is_name(const struct token *t)
{
    return t->kind == TOKEN_WORD || t->kind == TOKEN_QUOTED;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

char *token_name(struct arena *arena, const struct tokens *tokens, const struct token *t)
{
    const bool is_quoted = t->kind == TOKEN_QUOTED || t->kind == TOKEN_STRING;
    const bool keeps_case = is_quoted && tokens->engine == DB_POSTGRES;
    const size_t quote = is_quoted ? 1 : 0;
    char *name = arena_alloc(arena, t->text.n + 1);
    size_t n = 0;

    if (!name)
        return NULL;
    for (size_t i = quote; i + quote < t->text.n; i++) {
        name[n++] = keeps_case ? t->text.p[i] : lower(t->text.p[i]);
        if (is_quoted && t->text.p[i] == t->text.p[0])
            i++;
    }
    name[n] = '\0';
    return name;
}

/* ---- where it stands ---- */

struct token_place token_place(struct str sql, size_t offset)
{
    struct token_place place = { 1, 1 };

    for (size_t i = 0; i < offset && i < sql.n; i++) {
        if (sql.p[i] == '\n') {
            place.line++;
            place.column = 1;
        } else if (((unsigned char)sql.p[i] & 0xc0) != 0x80) {
            place.column++;
        }
    }
    return place;
}

int token_refuse(struct buf *why, struct str sql, const struct token *t, const char *format, ...)
{
    enum { SHOWN = 40 };
    const struct token_place place = token_place(sql, t->offset);
    size_t shown = t->text.n < SHOWN ? t->text.n : SHOWN;
    va_list args;

    if (!why)
        return DW_EMISUSE;
    buf_add_format(why, "line %u, column %u, ", place.line, place.column);
    while (shown < t->text.n && shown > 0 && ((unsigned char)t->text.p[shown] & 0xc0) == 0x80)
        shown--; /* not in the middle of a character */
    if (t->kind == TOKEN_END)
        buf_add_text(why, "at the end: ");
    else
        buf_add_format(why, "at %.*s%s: ", (int)shown, t->text.p, shown < t->text.n ? ".." : "");
    va_start(args, format);
    buf_add_format_list(why, format, args);
    va_end(args);
    return DW_EMISUSE;
}
