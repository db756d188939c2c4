/* SQL in tokens, as each engine cuts it. That SQLite does so is shown by the fuzzer, which prepares what was accepted. */
#include "db/tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/compiler.h"

/* A letter for each kind, and the text: "w:SELECT n:1". */
static void write_tokens(const struct tokens *tokens, struct buf *out)
{
    static const char letters[] = {
        [TOKEN_WORD] = 'w',      [TOKEN_QUOTED] = 'q', [TOKEN_STRING] = 's', [TOKEN_NUMBER] = 'n',
        [TOKEN_PARAMETER] = 'p', [TOKEN_NAMED] = 'm',  [TOKEN_CAST] = 'c',   [TOKEN_SYMBOL] = 'o'
    };

    for (size_t i = 0; i < tokens->n; i++)
        buf_add_format(out, "%s%c:%.*s", i ? " " : "", letters[tokens->list[i].kind],
                       STR_ARG(tokens->list[i].text));
}

static void check(const char *sql, enum db_engine engine, const char *wanted)
{
    struct arena arena;
    struct tokens tokens;
    struct buf found = BUF_INIT;

    arena_init(&arena, NULL, 0, 0);
    if (tokens_read(&tokens, &arena, str_from(sql), engine, &found) == 0)
        write_tokens(&tokens, &found);
    if (strcmp(buf_text(&found), wanted) != 0)
        fail_msg("%s\nwanted: %s\nfound:  %s", sql, wanted, buf_text(&found));
    buf_finish(&found);
    arena_finish(&arena);
}

/* ---- what both read alike ---- */

static const struct {
    const char *sql, *tokens;
} alike[] = {
    { "", "" },
    { " \t\r\n\f", "" },
    { "SELECT a.b,c", "w:SELECT w:a o:. w:b o:, w:c" },
    { "_a1$x \xc3\xa4", "w:_a1$x w:\xc3\xa4" },
    { "'it''s' ''''  ''", "s:'it''s' s:'''' s:''" },
    { "'back\\' 'slash'", "s:'back\\' s:'slash'" },
    { "\"a\"\"b\" \"' \"", "q:\"a\"\"b\" q:\"' \"" },
    { "'--' \"/*\"", "s:'--' q:\"/*\"" },
    { "a--b\nc", "w:a w:c" },
    { "a-- b", "w:a" },
    { "a/* ' \" */b", "w:a w:b" },
    { "a/**/b/***/c/*/ */d", "w:a w:b w:c w:d" },
    { "1 1.5 .5 1. 1e5 1.5E-3 2e+1 0xFf 1..2", "n:1 n:1.5 n:.5 n:1. n:1e5 n:1.5E-3 n:2e+1 n:0xFf n:1. n:.2" },
    { "a.1", "w:a n:.1" },
    { "$1+$22", "p:$1 o:+ p:$22" },
    { ":tenant=:x1,a:b", "m::tenant o:= m::x1 o:, w:a m::b" },
    { "a - b -> c ->> d || e <> f", "w:a o:- w:b o:- o:> w:c o:- o:> o:> w:d o:| o:| w:e o:< o:> w:f" },
    { "X'00' B'1' N'x'", "w:X s:'00' w:B s:'1' w:N s:'x'" },
    { "x$1y", "w:x$1y" },
};

static void test_both_read_alike(void **state)
{
    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(alike); i++) {
        check(alike[i].sql, DB_SQLITE, alike[i].tokens);
        check(alike[i].sql, DB_POSTGRES, alike[i].tokens);
    }
}

/* ---- what only PostgreSQL reads ---- */

static const struct {
    const char *sql, *tokens;
} postgres[] = {
    { "a::text:: b", "w:a c::: w:text c::: w:b" },
    { "E'it\\'s' e'\\\\' 1", "s:E'it\\'s' s:e'\\\\' n:1" },
    { "$$a'b$$ $x$ $$ $1 $x$ $1", "s:$$a'b$$ s:$x$ $$ $1 $x$ p:$1" },
    { "a/* /* */ ' */b", "w:a w:b" },
    { "a--b\rc", "w:a w:c" },
    { "a[1] @> ? {}", "w:a o:[ n:1 o:] o:@ o:> o:? o:{ o:}" },
};

static void test_postgres_reads_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(postgres); i++)
        check(postgres[i].sql, DB_POSTGRES, postgres[i].tokens);
    check("a--b\rc", DB_SQLITE, "w:a");
}

/* ---- what nobody shall write ---- */

static const struct {
    enum db_engine engine; /* 0: both */
    const char *sql, *says;
} refused[] = {
    { 0, "'a", "line 1, column 1, at ': this text has no end" },
    { 0, "a\n 'b'' ", "line 2, column 2, at ': this text has no end" },
    { 0, "\"a", "line 1, column 1, at \": this name has no end" },
    { 0, "\"\"", "at \"\": a name is empty" },
    { 0, "a /* b", "column 3, at /*: this comment has no end" },
    { 0, "a /*/", "this comment has no end" },
    { 0, "12ab", "at 12a: this is neither a number nor a name" },
    { 0, "1e", "neither a number" },
    { 0, "0xFg", "neither a number" },
    { 0, "$1a", "put a space" },
    { 0, "$a", "values are $1" },
    { 0, "$", "values are $1" },
    { 0, "`a`", "stands in \"..\"" },
    { 0, "a \\ b", "no meaning" },
    { 0, "a \x01", "no meaning" },
    { 0, "a \x0b", "no meaning" },
    { 0, "\xef\xbb\xbfSELECT", "byte order mark" },
    { 0, "(a", "column 1, at (: this ( is never closed" },
    { 0, "(a))", "column 4, at ): this ) closes nothing" },
    { DB_POSTGRES, "U&'a'", "not U&" },
    { DB_POSTGRES, "u&\"a\"", "not U&" },
    { DB_POSTGRES, "E'a'\n'b\\'c'", "join them with ||" },
    { DB_POSTGRES, "E'a' -- x\n'b'", "join them with ||" },
    { DB_POSTGRES, "$$a", "no end" },
    { DB_POSTGRES, "$a$ $b$", "no end" },
    { DB_POSTGRES, "/* /* */", "no end" },
    { DB_SQLITE, "a::b", "CAST" },
    { DB_SQLITE, "E'a'", "no E'..'" },
    { DB_SQLITE, "$$a$$", "no $$..$$" },
    { DB_SQLITE, "$a$b$a$", "no $$..$$" },
    { DB_SQLITE, "/* /* */ */", "first */" },
    { DB_SQLITE, "/*/*/", "first */" },
    { DB_POSTGRES, "/*/*/", "no end" },
    { DB_SQLITE, "[a]", "stands in \"..\"" },
    { DB_SQLITE, "?1", "values are $1" },
    { DB_SQLITE, "@a", "values are $1" },
};

static void check_refused(const char *sql, enum db_engine engine, const char *says)
{
    struct arena arena;
    struct tokens tokens;
    struct buf why = BUF_INIT;

    arena_init(&arena, NULL, 0, 0);
    assert_int_equal(tokens_read(&tokens, &arena, str_from(sql), engine, &why), DW_EMISUSE);
    if (!strstr(buf_text(&why), says))
        fail_msg("%s\nwanted: %s\nfound:  %s", sql, says, buf_text(&why));
    buf_finish(&why);
    arena_finish(&arena);
}

static void test_what_confuses_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(refused); i++) {
        if (refused[i].engine != DB_POSTGRES)
            check_refused(refused[i].sql, DB_SQLITE, refused[i].says);
        if (refused[i].engine != DB_SQLITE)
            check_refused(refused[i].sql, DB_POSTGRES, refused[i].says);
    }
}

static void test_nul_is_no_blank(void **state)
{
    struct arena arena;
    struct tokens tokens;
    struct buf why = BUF_INIT;

    (void)state;
    arena_init(&arena, NULL, 0, 0);
    assert_int_equal(tokens_read(&tokens, &arena, str_make("a \0 b", 5), DB_SQLITE, &why), DW_EMISUSE);
    assert_int_equal(tokens.wrong_at, 2);
    buf_finish(&why);
    arena_finish(&arena);
}

/* ---- names and places ---- */

static void check_name(const char *sql, enum db_engine engine, const char *wanted)
{
    struct arena arena;
    struct tokens tokens;

    arena_init(&arena, NULL, 0, 0);
    assert_int_equal(tokens_read(&tokens, &arena, str_from(sql), engine, NULL), 0);
    assert_string_equal(token_name(&arena, &tokens, &tokens.list[0]), wanted);
    arena_finish(&arena);
}

static void test_names_are_what_the_engine_takes_them_for(void **state)
{
    (void)state;
    check_name("NoTes", DB_SQLITE, "notes");
    check_name("NoTes", DB_POSTGRES, "notes");
    check_name("\"NoTes\"", DB_SQLITE, "notes");
    check_name("\"NoTes\"", DB_POSTGRES, "NoTes");
    check_name("\"a\"\"\"\"b\"", DB_POSTGRES, "a\"\"b");
    check_name("'it''s'", DB_SQLITE, "it's");
}

static void check_place(const char *sql, size_t offset, unsigned line, unsigned column)
{
    const struct token_place place = token_place(str_from(sql), offset);

    assert_int_equal(place.line, line);
    assert_int_equal(place.column, column);
}

static void test_places_count_characters(void **state)
{
    (void)state;
    check_place("", 0, 1, 1);
    check_place("abc", 2, 1, 3);
    check_place("a\nb\n\nc", 5, 4, 1);
    check_place("\xc3\xa4\xc3\xb6x", 4, 1, 3);
}

static void test_long_tokens_are_cut_between_characters(void **state)
{
    struct buf why = BUF_INIT;
    const struct token t = { .kind = TOKEN_STRING,
                             .text = STR("'123456789 123456789 123456789 12345678\xc3\xa4 and more'") };

    (void)state;
    assert_int_equal(token_refuse(&why, t.text, &t, "no"), DW_EMISUSE);
    assert_string_equal(buf_text(&why), "line 1, column 1, at '123456789 123456789 123456789 12345678..: no");
    buf_finish(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_read_alike),
        cmocka_unit_test(test_postgres_reads_more),
        cmocka_unit_test(test_what_confuses_is_refused),
        cmocka_unit_test(test_nul_is_no_blank),
        cmocka_unit_test(test_names_are_what_the_engine_takes_them_for),
        cmocka_unit_test(test_places_count_characters),
        cmocka_unit_test(test_long_tokens_are_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
