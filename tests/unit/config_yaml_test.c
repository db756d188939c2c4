/* The YAML reader alone: what it takes, and everything that it must not guess about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/yaml.h"
#include "util/buf.h"
#include "util/compiler.h"

struct reading {
    struct arena arena;
    struct yaml_node *root;
    struct buf said; /* "LINE KEY: TEXT\n" */
    int result;
};

static void hear(unsigned line, const char *item, const char *text, const char *hint, void *ud)
{
    struct reading *r = ud;
    (void)hint;
    buf_add_format(&r->said, "%u %s: %s\n", line, item ? item : "-", text);
}

static struct reading *read_bytes(const char *text, size_t n)
{
    struct reading *r = calloc(1, sizeof(*r));
    assert_non_null(r);
    arena_init(&r->arena, NULL, 0, 0);
    r->result = yaml_parse(&r->arena, str_make(text, n), &r->root, hear, r);
    assert_int_equal(r->result == 0, r->said.n == 0);
    return r;
}

static struct reading *read_text(const char *text)
{
    return read_bytes(text, strlen(text));
}

static void forget(struct reading *r)
{
    arena_finish(&r->arena);
    buf_finish(&r->said);
    free(r);
}

/* The tree in one line: {a:i1,b:[t"x",n]} */
static void draw(struct buf *out, const struct yaml_node *node)
{
    static const char letters[] = "nbirt";
    const char *before = "";

    if (node->kind != YAML_LIST && node->kind != YAML_MAP) {
        buf_add_format(out, "%c\"%.*s\"", letters[node->kind], STR_ARG(node->text));
        return;
    }
    size_t n = 0;
    buf_add_char(out, node->kind == YAML_LIST ? '[' : '{');
    for (const struct yaml_node *it = node->first; it; it = it->next, n++) {
        buf_add_text(out, before);
        if (node->kind == YAML_MAP)
            buf_add_format(out, "%.*s:", STR_ARG(it->key));
        draw(out, it);
        before = ",";
    }
    assert_int_equal(n, node->n);
    buf_add_char(out, node->kind == YAML_LIST ? ']' : '}');
}

static void assert_tree(const char *yaml, const char *drawing)
{
    struct reading *r = read_text(yaml);
    struct buf out = BUF_INIT;

    if (r->result != 0)
        fail_msg("%s: %s", yaml, buf_text(&r->said));
    if (r->root)
        draw(&out, r->root);
    assert_string_equal(buf_text(&out), drawing);
    buf_finish(&out);
    forget(r);
}

static void empty_files_have_no_tree(void **state)
{
    (void)state;
    assert_tree("", "");
    assert_tree("# only a comment\n", "");
    assert_tree("\n\n", "");
}

static void trees_have_their_kinds(void **state)
{
    (void)state;
    assert_tree("a: 1\nb: -2.5e3\nc: true\nd: null\ne: word\nf: \"1\"\ng: 'true'\n",
                "{a:i\"1\",b:r\"-2.5e3\",c:b\"true\",d:n\"null\",e:t\"word\",f:t\"1\",g:t\"true\"}");
    assert_tree("a:\n  - x\n  - [w, {z: 0}]\nb: {}\nc: []\n", "{a:[t\"x\",[t\"w\",{z:i\"0\"}]],b:{},c:[]}");
    assert_tree("a: |\n  two\n  lines\nb: >-\n  one\n  line\n", "{a:t\"two\nlines\n\",b:t\"one line\"}");
    assert_tree("{\"json\": [1, \"x\", null]}", "{json:[i\"1\",t\"x\",n\"null\"]}");
    assert_tree("a: 1\r\nb: 2\r\n", "{a:i\"1\",b:i\"2\"}");
    assert_tree("a: \"\\u00e4 \\\" \\n\"\n", "{a:t\"\xc3\xa4 \" \n\"}");
    assert_tree("--- # start\na: on\n...\n", "{a:t\"on\"}");
    assert_tree("just words\n", "t\"just words\"");
    /* Texts that only look a little like something else. */
    assert_tree(
        "[127.0.0.1, 1.2.3, 2024-01-01, 10s, 1 MiB, 12:30, a1, 0xZZ, -x, e3, 1e, +, 5m30, y, N, yes sir, "
        "nope]",
        "[t\"127.0.0.1\",t\"1.2.3\",t\"2024-01-01\",t\"10s\",t\"1 MiB\",t\"12:30\",t\"a1\",t\"0xZZ\",t\"-x\","
        "t\"e3\",t\"1e\",t\"+\",t\"5m30\",t\"y\",t\"N\",t\"yes sir\",t\"nope\"]");
}

static void ambiguous_words_are_refused(void **state)
{
    static const char *const cases[] = {
        "~",  "Null", "NULL", "True", "TRUE",  "False", "FALSE", "yes",  "Yes",  "YES",   "no",
        "No", "NO",   "0x1F", "0X1f", "-0x1f", "0o17",  "0b11",  "007",  "-012", "+1",    "1_000",
        ".5", "5.",   "-.5",  "+1e3", "1.e3",  ".inf",  "-.INF", ".NaN", "00",   "1_0.5", "0x_1",
    };
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        char yaml[64], quoted[64];
        snprintf(yaml, sizeof(yaml), "x: 1\nkey: %s\n", cases[i]);
        struct reading *r = read_text(yaml);
        if (r->result == 0 || strncmp(buf_text(&r->said), "2 key: ", 7) != 0)
            fail_msg("%s: %s", cases[i], r->result ? buf_text(&r->said) : "was accepted");
        assert_non_null(r->root); /* the rest can still be looked at */
        assert_true(yaml_find(r->root, STR_OF("key"))->refused);
        assert_false(yaml_find(r->root, STR_OF("x"))->refused);
        forget(r);
        snprintf(quoted, sizeof(quoted), "key: \"%s\"\n", cases[i]);
        r = read_text(quoted);
        assert_int_equal(r->result, 0);
        forget(r);
    }
}

static void refused_constructs_name_their_line(void **state)
{
    static const struct {
        const char *yaml, *said;
    } cases[] = {
        { "a: 1\nb:\n", "2 b: has no value\n" },
        { "a: [1, ]\nb: {c: }\n", "2 c: has no value\n" },
        { "a: 1\na: 2\n", "2 a: stands twice, first in line 1\n" },
        { "b: {x: 1,\n  y: 2,\n  x: 3}\n", "3 x: stands twice, first in line 1\n" },
        { "a: 1\n\"a\": 2\n'a': 3\n",
          "2 a: stands twice, first in line 1\n3 a: stands twice, first in line 2\n" },
        { "a: &here 1\nb: 2\n", "1 a: anchors (&name) are not supported\n" },
        { "a: x\nb: *here\n", "2 b: aliases (*name) are not supported\n" },
        { "a: &m {x: 1}\nb:\n  <<: *m\n",
          "1 a: anchors (&name) are not supported\n3 <<: aliases (*name) are not supported\n" },
        { "--- &root\na: 1\n", "2 -: anchors (&name) are not supported\n" },
        { "a: !!str 1\n", "1 a: tags (!name) are not supported\n" },
        { "a: 1\nb: !secret [x]\n", "2 b: tags (!name) are not supported\n" },
        { "%YAML 1.1\n---\na: 1\n", "1 -: directives (%YAML, %TAG) are not supported\n" },
        { "a: 1\n---\nb: 2\n", "2 -: a second document begins here\n" },
        { "? [a, b]\n: c\n", "1 -: the key of a map must be a text\n" },
        { "? {a: 1}\n: c\n", "1 -: the key of a map must be a text\n" },
        { "\"\": 1\n", "1 -: a key is empty or has a NUL character\n" },
        { "a: \"x\\0y\"\n", "1 a: has a NUL character\n" },
        { "\"a\\0\": 1\n", "1 -: a key is empty or has a NUL character\n" },
        { "a: True\nb: ~\n", "1 a: is a truth value to some YAML readers and a text to others\n"
                             "2 b: is null to some YAML readers and a text to others\n" },
    };
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        struct reading *r = read_text(cases[i].yaml);
        assert_int_equal(r->result, -1);
        assert_string_equal(buf_text(&r->said), cases[i].said);
        forget(r);
    }
}

static void malformed_yaml_is_refused(void **state)
{
    static const struct {
        const char *yaml;
        unsigned line;
    } cases[] = {
        { "a: b: c\n", 1 },      { "a: 'x\n", 1 },           { "a: \"x\n", 1 },     { "\ta: 1\n", 1 },
        { "a: 1\n  b: 2\n", 1 }, { "[a, b\n", 2 },           { "a: {b: 1\n", 2 },   { "a: \"\\q\"\n", 1 },
        { "a: @x\n", 1 },        { "a: `x\n", 1 },           { "a: 1\n}\n", 2 },    { "a: 1\n]\n", 2 },
        { "a: [1, 2}\n", 1 },    { "a:\n  - 1\n - 2\n", 3 }, { "- a\nb: 1\n", 2 },  { "a: |\nx\n", 2 },
        { "a: %x\n", 1 },        { "a: [x]]\n", 1 },         { "a: \"x\" y\n", 1 }, { "a: &\n", 1 },
    };
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        struct reading *r = read_text(cases[i].yaml);
        unsigned long line = strtoul(buf_text(&r->said), NULL, 10);
        if (r->result == 0)
            fail_msg("case %zu was accepted: %s", i, cases[i].yaml);
        if (!strstr(buf_text(&r->said), "is not YAML") || line < cases[i].line || line > cases[i].line + 1)
            fail_msg("case %zu, expected line %u: %s", i, cases[i].line, buf_text(&r->said));
        assert_null(r->root);
        forget(r);
    }
}

static void depth_is_limited(void **state)
{
    char text[200];
    (void)state;

    memset(text, '[', 100);
    memset(text + 100, ']', 100);
    struct reading *r = read_bytes(text + 100 - YAML_DEPTH_MAX, (size_t)2 * YAML_DEPTH_MAX);
    assert_int_equal(r->result, 0);
    forget(r);
    r = read_bytes(text + 100 - YAML_DEPTH_MAX - 1, (size_t)2 * YAML_DEPTH_MAX + 2);
    assert_int_equal(r->result, -1);
    assert_string_equal(buf_text(&r->said), "1 -: is nested deeper than 32 levels\n");
    forget(r);
}

static void number_of_values_is_limited(void **state)
{
    size_t n = YAML_NODES_MAX + 10;
    char *text = malloc(2 * n + 2);
    (void)state;

    assert_non_null(text);
    for (size_t i = 0; i < n; i++) {
        text[2 * i] = '1';
        text[2 * i + 1] = ',';
    }
    text[0] = '[';
    text[1] = ' ';
    text[2 * n] = ']';
    struct reading *r = read_bytes(text, 2 * n + 1);
    assert_int_equal(r->result, -1);
    assert_string_equal(buf_text(&r->said), "1 -: has more than 100000 values\n");
    forget(r);
    free(text);
}

/* A map of very many keys must not cost the square of their number. */
static void many_keys_are_compared_quickly(void **state)
{
    struct buf text = BUF_INIT;
    (void)state;

    for (unsigned i = 0; i < 49000; i++)
        buf_add_format(&text, "key%u: v\n", i);
    buf_add_text(&text, "key7: again\n");
    struct reading *r = read_bytes(text.p, text.n);
    assert_int_equal(r->result, -1);
    assert_string_equal(buf_text(&r->said), "49001 key7: stands twice, first in line 8\n");
    forget(r);
    buf_finish(&text);
}

/* Any change of a valid file is either read or refused with a line; nothing crashes (the sanitizers look on). */
static void damaged_files_do_no_harm(void **state)
{
    static const char good[] =
        "listen: [\"127.0.0.1:8000\", 'unix:/x']\nqueue: 10 # many\nmap:\n  - a: {b: |-\n}\n"
        "text: \"\\u00e4\\n\"\nlines: >+\n  folded\n\n  text\n? key\n: value\n--- !t &a *b\n";
    static const char bytes[] = "\"'[]{}:,-#&*!|>%@`\\\n\t ?0a\xc3~";
    uint64_t random = 88172645463325252u;
    char text[sizeof(good)];
    (void)state;

    for (unsigned i = 0; i < 20000; i++) {
        memcpy(text, good, sizeof(good));
        for (unsigned k = 0; k < 1 + i % 4; k++) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            text[random % (sizeof(good) - 1)] = bytes[(random >> 32) % (sizeof(bytes) - 1)];
        }
        size_t start = (random >> 40) % 20, n = (random >> 50) % (sizeof(good) - 1 - start);
        struct reading *r = read_bytes(text + start, n); /* asserts that a refusal says why */
        forget(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_files_have_no_tree),    cmocka_unit_test(trees_have_their_kinds),
        cmocka_unit_test(ambiguous_words_are_refused), cmocka_unit_test(refused_constructs_name_their_line),
        cmocka_unit_test(malformed_yaml_is_refused),   cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(number_of_values_is_limited), cmocka_unit_test(many_keys_are_compared_quickly),
        cmocka_unit_test(damaged_files_do_no_harm),
    };
    return cmocka_run_group_tests_name("config yaml", tests, NULL, NULL);
}
