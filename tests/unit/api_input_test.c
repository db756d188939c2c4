/* What a request brings, by the names of its operation: each way in, each refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/input.h"
#include "http/exchange_struct.h"
#include "http/server_struct.h"
#include "http/spool.h"
#include "util/compiler.h"
#include "util/json.h"

/* ---- a request without a server ---- */

static const char contract[] =
    "openapi: 3.1.0\n"
    "info: { title: T, version: \"1\" }\n"
    "paths:\n"
    "  /things/{id}:\n"
    "    parameters: [ { name: id, in: path, required: true, schema: { type: string } } ]\n"
    "    get:\n"
    "      operationId: get\n"
    "      x-public: true\n"
    "      parameters:\n"
    "        - { name: q, in: query, schema: { type: string } }\n"
    "        - { name: limit, in: query, schema: { type: integer } }\n"
    "        - { name: ratio, in: query, schema: { type: number } }\n"
    "        - { name: open, in: query, schema: { type: boolean } }\n"
    "        - { name: tag, in: query, schema: { type: array, items: { type: integer } } }\n"
    "        - { name: word, in: query, explode: false, schema: { type: array, items: { type: string } } }\n"
    "        - { name: X-Depth, in: header, schema: { type: integer } }\n"
    "        - { name: theme, in: cookie, schema: { type: string } }\n"
    "    delete:\n"
    "      operationId: remove\n"
    "      x-public: true\n"
    "      parameters: [ { name: why, in: query, required: true, schema: { type: string } } ]\n"
    "    patch:\n"
    "      operationId: change\n"
    "      x-public: true\n"
    "      x-if-match: required\n"
    "      requestBody: { content: { application/json: { schema: { $ref: \"#/components/schemas/Thing\" } } "
    "} }\n"
    "    put:\n"
    "      operationId: many\n"
    "      x-public: true\n"
    "      requestBody:\n"
    "        content:\n"
    "          application/json: { schema: { $ref: \"#/components/schemas/Thing\" } }\n"
    "          application/x-www-form-urlencoded:\n"
    "            schema: { required: [title], properties: { title: { type: string }, stars: { type: "
    "[integer, \"null\"] },\n"
    "                                                       tags: { type: array } } }\n"
    "          multipart/form-data:\n"
    "            schema: { required: [photo], properties: { title: { type: string }, photo: {}, stars: { "
    "type: integer } } }\n"
    "          image/*: {}\n"
    "    post:\n"
    "      operationId: open\n"
    "      x-public: true\n"
    "      requestBody:\n"
    "        required: true\n"
    "        content:\n"
    "          application/x-www-form-urlencoded:\n"
    "            schema: { additionalProperties: true, properties: { grant: { type: string } } }\n"
    "          application/json: {}\n"
    "  /ruled:\n"
    "    post:\n"
    "      operationId: ruled\n"
    "      x-public: true\n"
    "      parameters:\n"
    "        - { name: size, in: query, schema: { type: integer, minimum: 1, maximum: 50, default: 20 } }\n"
    "        - { name: since, in: query, schema: { type: string, format: date } }\n"
    "        - { name: kind, in: query, schema: { type: array, maxItems: 2, items: { enum: [a, b] }, "
    "default: [b] } }\n"
    "      requestBody:\n"
    "        content:\n"
    "          application/json:\n"
    "            schema:\n"
    "              type: object\n"
    "              required: [name]\n"
    "              additionalProperties: false\n"
    "              properties:\n"
    "                name: { type: string, minLength: 2, pattern: \"^[a-z ]+$\" }\n"
    "                id: { type: integer, readOnly: true }\n"
    "                level: { type: integer, default: 3 }\n"
    "                parts: { type: array, items: { type: object, required: [n], properties: { n: { type: "
    "integer } } } }\n"
    "          application/x-www-form-urlencoded:\n"
    "            schema: { properties: { name: { type: string, minLength: 2 }, level: { type: integer, "
    "default: 3 }, id: { type: integer, readOnly: true } } }\n"
    "components:\n"
    "  schemas:\n"
    "    Thing:\n"
    "      type: object\n"
    "      required: [title]\n"
    "      properties:\n"
    "        title: { type: string }\n"
    "        stars: { type: [integer, \"null\"] }\n"
    "        ratio: { type: number }\n"
    "        done: { type: boolean }\n"
    "        tags: { type: array }\n"
    "        about: { type: object }\n"
    "        any: {}\n";

static struct http_server server = { .options = { .spool_dir = "/tmp" } };
static struct http_loop loop = { .server = &server };
static const struct http_transport transport = { .name = "none" };
static struct api_document *document;

struct call {
    struct http_exchange *x;
    struct http_route route;
    char head[4096];
    struct api_input *in;
    struct api_refusal refusal;
    int result;
};

static void *make_content(struct http_exchange *x, struct str content)
{
    x->content.data = malloc(content.n + 1);
    assert_non_null(x->content.data);
    memcpy(x->content.data, content.p, content.n);
    x->content.n = x->content.cap = content.n;
    x->content.received = content.n;
    x->content.allocated = true;
    return x->content.data;
}

/* Some lines of the head, each with its line end, and the content. */
static void begin(struct call *c, const char *id, const char *query, const char *fields, struct str content)
{
    const struct api_operation *op = api_document_find(document, id);

    assert_non_null(op);
    memset(c, 0, sizeof(*c));
    c->x = exchange_create(&loop, &transport, str_make(NULL, 0));
    assert_non_null(c->x);
    int n = snprintf(c->head, sizeof(c->head), "%s /x%s HTTP/1.1\r\nHost: a\r\n%s",
                     http_method_name(op->method), query, fields);
    if (content.n)
        n += snprintf(c->head + n, sizeof(c->head) - (size_t)n, "Content-Length: %zu\r\n", content.n);
    n += snprintf(c->head + n, sizeof(c->head) - (size_t)n, "\r\n");
    assert_int_equal(http_reader_head(&c->x->reader, c->head, (size_t)n), HTTP_READER_HEAD);
    c->route =
        (struct http_route){ .method = op->method, .path = op->path, .body = api_operation_body_mode(op) };
    c->x->route = &c->route;
    c->x->match.params = 1;
    c->x->match.param[0].name = "id";
    c->x->match.param[0].value = STR_OF("\xc3\xa4 b");
    if (content.n)
        make_content(c->x, content);
}

static void check(struct call *c, const char *id)
{
    c->result = api_input_check(c->x, api_document_find(document, id), &c->in, &c->refusal);
    assert_int_equal(c->result == 0, c->in != NULL);
}

static void finish(struct call *c)
{
    api_input_finish(c->in);
    exchange_destroy(c->x);
    exchange_free_spares(&loop);
}

static void call_full(struct call *c, const char *id, const char *query, const char *fields,
                      struct str content)
{
    begin(c, id, query, fields, content);
    check(c, id);
    if (c->result != 0)
        fail_msg("%d %s %.*s", c->refusal.status, c->refusal.detail,
                 STR_ARG(c->refusal.errors_n ? c->refusal.errors[0].detail : STR_OF("")));
}

static void call_query(struct call *c, const char *query)
{
    call_full(c, "get", query, "", STR_OF(""));
}

#define JSON  "Content-Type: application/json\r\n"
#define FORM  "Content-Type: application/x-www-form-urlencoded\r\n"
#define PARTS "Content-Type: multipart/form-data; boundary=b\r\n"

static void call_json(struct call *c, const char *json)
{
    call_full(c, "many", "", JSON, str_from(json));
}

/* "400 #/query/a: is not known | ..." */
static void assert_refused_bytes(const char *id, const char *query, const char *fields, struct str content,
                                 const char *expected)
{
    struct call c;
    struct buf said = BUF_INIT;

    begin(&c, id, query, fields, content);
    check(&c, id);
    assert_int_equal(c.result, -1);
    buf_add_int(&said, c.refusal.status);
    for (size_t i = 0; i < c.refusal.errors_n; i++) {
        buf_add_text(&said, i ? " | " : " ");
        buf_add_str(&said, c.refusal.errors[i].pointer);
        buf_add_text(&said, ": ");
        buf_add_str(&said, c.refusal.errors[i].detail);
    }
    if (!c.refusal.errors_n)
        buf_add_format(&said, " %s", c.refusal.detail);
    assert_string_equal(buf_text(&said), expected);
    buf_finish(&said);
    finish(&c);
}

static void assert_refused(const char *id, const char *query, const char *fields, const char *content,
                           const char *expected)
{
    assert_refused_bytes(id, query, fields, str_from(content), expected);
}

static struct api_value value(const struct call *c, const char *name)
{
    struct api_value out;

    assert_int_equal(api_input_find(c->in, name, &out), 1);
    return out;
}

static void assert_text(const struct call *c, const char *name, const char *expected)
{
    struct api_value v = value(c, name);

    assert_int_equal(v.kind, API_VALUE_TEXT);
    assert_string_equal(v.text.p, expected);
    assert_int_equal(v.text.n, strlen(expected));
}

static void assert_integer(const struct call *c, const char *name, int64_t expected)
{
    struct api_value v = value(c, name);

    assert_int_equal(v.kind, API_VALUE_INTEGER);
    assert_true(v.integer == expected);
    assert_true(v.number == (double)expected);
}

static void assert_absent(const struct call *c, const char *name)
{
    struct api_value out;
    assert_int_equal(api_input_find(c->in, name, &out), 0);
}

/* ---- parameters ---- */

static void names_of_the_operation_only(void **state)
{
    struct api_value out;
    struct call c;

    (void)state;
    call_query(&c, "");
    assert_text(&c, "id", "\xc3\xa4 b");
    assert_absent(&c, "q");
    assert_int_equal(api_input_find(c.in, "nothing", &out), -1);
    finish(&c);
}

static void the_query_is_decoded_and_converted(void **state)
{
    struct call c;

    (void)state;
    call_query(&c, "?q=a+%26%C3%A4&limit=-12&ratio=1.5e2&open=true");
    assert_text(&c, "q", "a &\xc3\xa4");
    assert_integer(&c, "limit", -12);
    assert_string_equal(value(&c, "limit").text.p, "-12");
    assert_int_equal(value(&c, "ratio").kind, API_VALUE_NUMBER);
    assert_true(value(&c, "ratio").number == 150.0);
    assert_int_equal(value(&c, "open").kind, API_VALUE_BOOLEAN);
    assert_true(value(&c, "open").boolean);
    finish(&c);
    call_query(&c, "?q=&%6Cimit=9223372036854775807&open=false");
    assert_text(&c, "q", "");
    assert_integer(&c, "limit", INT64_MAX);
    assert_false(value(&c, "open").boolean);
    finish(&c);
    call_query(&c, "?limit=-9223372036854775808");
    assert_integer(&c, "limit", INT64_MIN);
    finish(&c);
}

static void lists_in_the_query(void **state)
{
    struct call c;

    (void)state;
    call_query(&c, "?tag=1&tag=2&word=a,%C3%A4,");
    json_t *tags = value(&c, "tag").json, *words = value(&c, "word").json;
    assert_int_equal(value(&c, "tag").kind, API_VALUE_JSON);
    assert_int_equal(json_array_size(tags), 2);
    assert_int_equal(json_integer_value(json_array_get(tags, 1)), 2);
    assert_int_equal(json_array_size(words), 3);
    assert_string_equal(json_string_value(json_array_get(words, 1)), "\xc3\xa4");
    finish(&c);
}

static void header_fields_and_cookies(void **state)
{
    struct call c;

    (void)state;
    call_full(&c, "get", "", "x-depth: 7\r\nCookie: a=b; theme=dark=1; theme=light\r\n", STR_OF(""));
    assert_integer(&c, "X-Depth", 7);
    assert_text(&c, "theme", "dark=1");
    finish(&c);
}

static void unknown_and_repeated_parameters_are_400(void **state)
{
    (void)state;
    assert_refused("get", "?lmit=1&limit=x&colour=red&id=2", "", "",
                   "400 #/query/lmit: is not known, did you mean limit? | #/query/colour: is not known | "
                   "#/query/id: belongs into the path");
    assert_refused("get", "?q=1&q=2&word=a&word=b", "", "",
                   "400 #/query/q: stands twice | #/query/word: stands twice");
    assert_refused("get", "", "X-Depth: 1\r\nX-Depth: 2\r\n", "", "400 #/header/X-Depth: stands twice");
    assert_refused("get", "?a%2Fb~=1", "", "", "400 #/query/a~1b~0: is not known");
}

static void what_is_no_text_is_400(void **state)
{
    (void)state;
    assert_refused("get", "?q=%00", "", "",
                   "400 #/query/q: has a broken %-escape, is not UTF-8, or has a NUL character");
    assert_refused("get", "?q=%ff&%zz=1", "", "",
                   "400 #/query/q: has a broken %-escape, is not UTF-8, or has a NUL character | "
                   "#/query: a name has a broken %-escape, is not UTF-8, or has a NUL character");
    assert_refused("get", "", "Cookie: theme=\xff\r\n", "",
                   "400 #/cookie/theme: is not UTF-8, or has a NUL character");
}

static void wrong_types_are_422(void **state)
{
    static const char *const numbers[] = { "",    "x",    "1.5",
                                           "+1",  "01",   "0x1",
                                           "1e3", "%201", "9223372036854775808" };
    char query[64];

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(numbers); i++) {
        snprintf(query, sizeof(query), "?limit=%s", numbers[i]);
        assert_refused("get", query, "", "", "422 #/query/limit: must be a whole number");
    }
    assert_refused("get", "?ratio=nan&open=1&tag=1&tag=a", "X-Depth: deep\r\n", "",
                   "422 #/query/ratio: must be a number | #/query/open: must be true or false | "
                   "#/query/tag: each must be a whole number | #/header/X-Depth: must be a whole number");
    assert_refused("get", "?ratio=1e999", "", "", "422 #/query/ratio: must be a number");
}

static void what_is_required_is_there(void **state)
{
    (void)state;
    assert_refused("remove", "", "", "", "422 #/query/why: is missing, and is required");
    assert_refused("change", "", "If-Match: \"1\"\r\n" JSON, "{}",
                   "422 #/title: is missing, and is required");
}

static void faults_have_a_limit(void **state)
{
    struct call c;
    char query[1024] = "?";
    size_t n = 1;

    (void)state;
    for (int i = 0; i < 100; i++)
        n += (size_t)snprintf(query + n, sizeof(query) - n, "zzz%d&", i);
    begin(&c, "get", query, "", STR_OF(""));
    check(&c, "get");
    assert_int_equal(c.refusal.status, 400);
    assert_int_equal(c.refusal.errors_n, 32);
    finish(&c);
}

/* ---- If-Match ---- */

static void an_etag_is_read_without_its_quotes(void **state)
{
    struct call c;

    (void)state;
    call_full(&c, "change", "", "If-Match: \"12\"\r\n", STR_OF(""));
    assert_integer(&c, "if_match", 12);
    finish(&c);
    call_full(&c, "change", "", "If-Match: W/\"12\"\r\n", STR_OF(""));
    assert_integer(&c, "if_match", 12);
    finish(&c);
    call_full(&c, "change", "", "If-Match: \"a b\"\r\n", STR_OF(""));
    assert_text(&c, "if_match", "a b");
    finish(&c);
}

static void an_etag_is_required_and_one(void **state)
{
    static const char one[] = "400 #/header/If-Match: must be one entity tag, as a reply's ETag has it";

    (void)state;
    assert_refused("change", "", "", "",
                   "428 Send If-Match with the ETag of what was read, so that nobody else's change is lost.");
    assert_refused("change", "", "If-Match: *\r\n", "", one);
    assert_refused("change", "", "If-Match: 12\r\n", "", one);
    assert_refused("change", "", "If-Match: \"1\", \"2\"\r\n", "", one);
    assert_refused("change", "", "If-Match: \"\r\n", "", one);
}

/* ---- content ---- */

static void members_of_a_json_body(void **state)
{
    struct call c;

    (void)state;
    call_json(&c, "{\"title\":\"\\u00e4\",\"stars\":null,\"ratio\":2,\"done\":true,\"tags\":[1],\"about\":{"
                  "\"a\":1},\"any\":1.5,\"more\":1}");
    assert_text(&c, "title", "\xc3\xa4");
    assert_absent(&c, "stars");
    assert_int_equal(value(&c, "ratio").kind, API_VALUE_NUMBER);
    assert_true(value(&c, "ratio").number == 2.0);
    assert_true(value(&c, "done").boolean);
    assert_int_equal(json_array_size(value(&c, "tags").json), 1);
    assert_true(json_is_object(value(&c, "about").json));
    assert_true(value(&c, "any").number == 1.5);
    assert_absent(&c, "photo");
    assert_true(json_is_object(api_input_json(c.in)));
    assert_null(api_input_form(c.in));
    finish(&c);
    call_json(&c, "{\"title\":\"\",\"stars\":5.0,\"any\":7}");
    assert_integer(&c, "stars", 5);
    assert_integer(&c, "any", 7);
    finish(&c);
}

static void json_members_have_their_types(void **state)
{
    (void)state;
    assert_refused(
        "many", "", JSON,
        "{\"title\":null,\"stars\":1.5,\"ratio\":\"1\",\"done\":0,\"tags\":{},\"about\":[],\"any\":null}",
        "422 #/title: must be a text, not null | #/stars: must be a whole number or "
        "null | #/ratio: must be a number | "
        "#/done: must be true or false | #/tags: must be a list | #/about: must be an object");
}

#define RULED(query, content, expected) assert_refused("ruled", (query), JSON, (content), (expected))

static void schemas_say_more_than_types(void **state)
{
    (void)state;
    RULED("", "{\"name\":\"a\"}", "422 #/name: must have at least 2 characters; it has 1");
    RULED("", "{\"name\":\"A1\"}", "422 #/name: must match the pattern ^[a-z ]+$");
    RULED("", "{\"nam\":\"ab\"}",
          "422 #/name: is missing, and is required | #/nam: is not known here: leave it out");
    RULED("", "{\"name\":\"ab\",\"parts\":[{\"n\":1},{\"n\":\"x\"},{}]}",
          "422 #/parts/1/n: must be a whole number | #/parts/2/n: is missing, and is required");
    RULED("?size=0&since=2026-02-30&kind=a&kind=c", "{\"name\":\"ab\"}",
          "422 #/query/size: must be at least 1 | #/query/since: must be a date such as 2026-11-21 | "
          "#/query/kind/1: must be one of \"a\", \"b\"");
    RULED("?size=x", "{\"name\":\"a%\"}",
          "422 #/query/size: must be a whole number | #/name: must match the pattern ^[a-z ]+$");
    assert_refused("ruled", "", FORM, "name=a", "422 #/name: must have at least 2 characters; it has 1");
}

static void what_is_read_only_is_not_written(void **state)
{
    (void)state;
    RULED("", "{\"name\":\"ab\",\"id\":7}", "400 #/id: is read-only: leave it out");
    RULED("", "{\"name\":\"a\",\"id\":\"x\"}", "400 #/id: is read-only: leave it out");
    assert_refused("ruled", "", FORM, "name=ab&id=7", "400 #/id: is read-only: leave it out");
}

static void clients_are_told_in_their_language(void **state)
{
    (void)state;
    assert_refused("ruled", "", JSON "Accept-Language: fr, de-AT;q=0.9, en;q=0.8\r\n", "{}",
                   "422 #/name: fehlt, und wird gebraucht");
    assert_refused("ruled", "", JSON "Accept-Language: de;q=0.2, en-GB;q=0.25\r\n", "{}",
                   "422 #/name: is missing, and is required");
    assert_refused("ruled", "", JSON "Accept-Language: ;;q=,de;q=9\r\n", "{}",
                   "422 #/name: fehlt, und wird gebraucht");
}

static void our_own_words_are_told_in_it_too(void **state)
{
    (void)state;
    assert_refused("many", "?x=1", JSON "Accept-Language: de\r\n", "[1]",
                   "400 #: der Inhalt muss ein JSON-Objekt sein | #/query/x: ist nicht bekannt");
    assert_refused("many", "", JSON "Accept-Language: de\r\n", "{\"title\":1",
                   "400 #: der Inhalt ist nicht als JSON zu lesen: es endet zu früh, in Zeile 1, Spalte 10");
    assert_refused("get", "?limit=x", "Accept-Language: de\r\n", "",
                   "422 #/query/limit: muss eine ganze Zahl sein");
    assert_refused(
        "many", "", "Accept-Language: de\r\n", "x",
        "415 Bitte den Inhalt mit Content-Type: application/json, application/x-www-form-urlencoded, "
        "multipart/form-data, image/* senden.");
}

static void what_is_absent_gets_its_default(void **state)
{
    struct api_value value;
    struct call c;

    (void)state;
    call_full(&c, "ruled", "", JSON, STR_OF("{\"name\":\"ab\"}"));
    assert_integer(&c, "level", 3);
    assert_integer(&c, "size", 20);
    assert_int_equal(api_input_find(c.in, "since", &value), 0);
    assert_int_equal(api_input_find(c.in, "kind", &value), 1);
    assert_string_equal(json_string_value(json_array_get(value.json, 0)), "b");
    finish(&c);
    call_full(&c, "ruled", "?size=5&kind=a", FORM, STR_OF("name=ab"));
    assert_integer(&c, "size", 5);
    assert_integer(&c, "level", 3);
    finish(&c);
}

static void json_that_is_none(void **state)
{
    (void)state;
    assert_refused("many", "", JSON, "{\"title\":",
                   "400 #: the content cannot be read as JSON: it ends too early, at line 1, column 9");
    assert_refused("many", "", JSON, "{\"title\":\"\\u0000\"}",
                   "400 #: the content cannot be read as JSON: a text has a NUL character, \\u0000, at line "
                   "1, column 17");
    assert_refused(
        "many", "", JSON, "{\"title\":1,\"title\":2}",
        "400 #: the content cannot be read as JSON: a name stands twice in an object, at line 1, column 18");
    assert_refused("many", "", JSON, "[1]", "400 #: the content must be a JSON object");
    assert_refused("many", "?x=1", JSON, "{",
                   "400 #: the content cannot be read as JSON: it ends too early, at line 1, column 1 | "
                   "#/query/x: is not known");
}

static void json_without_declared_members_may_be_anything(void **state)
{
    struct call c;

    (void)state;
    call_full(&c, "open", "", "Content-Type: Application/JSON ; charset=utf-8\r\n", STR_OF("[1]"));
    assert_true(json_is_array(api_input_json(c.in)));
    finish(&c);
}

static void content_of_the_wrong_kind_is_415(void **state)
{
    static const char detail[] =
        "415 Send the content with Content-Type: application/x-www-form-urlencoded, application/json.";
    struct call c;

    (void)state;
    assert_refused("open", "", "Content-Type: text/plain\r\n", "x", detail);
    assert_refused("open", "", "Content-Type: application/jsonx\r\n", "{}", detail);
    assert_refused("open", "", "", "{}", detail);
    begin(&c, "open", "", "", STR_OF("{}"));
    check(&c, "open");
    assert_string_equal(c.refusal.accept, "application/x-www-form-urlencoded, application/json");
    finish(&c);
}

static void content_where_it_belongs(void **state)
{
    struct call c;

    (void)state;
    assert_refused("open", "", JSON, "", "400 The request has no content, and this operation needs some.");
    assert_refused("get", "", JSON, "{}",
                   "400 This operation takes no content; send the request without any.");
    call_full(&c, "many", "", "", STR_OF("")); /* required members are those of content that comes */
    assert_absent(&c, "title");
    finish(&c);
}

static void bytes_are_left_alone(void **state)
{
    struct call c;

    (void)state;
    call_full(&c, "many", "", "Content-Type: image/png\r\n", STR_OF("\x89PNG"));
    assert_absent(&c, "title");
    assert_null(api_input_json(c.in));
    assert_int_equal(http_request_body(c.x).n, 4);
    finish(&c);
}

static void forms(void **state)
{
    struct call c;

    (void)state;
    call_full(&c, "many", "", FORM, STR_OF("title=a+b%21&stars=3&tags=x&tags=y"));
    assert_text(&c, "title", "a b!");
    assert_integer(&c, "stars", 3);
    assert_int_equal(json_array_size(value(&c, "tags").json), 2);
    assert_non_null(api_input_form(c.in));
    finish(&c);
    assert_refused(
        "many", "", FORM, "titel=a&title=b&title=c&photo=d",
        "400 #/titel: is not known, did you mean title? | #/title: stands twice | #/photo: is not known");
    assert_refused("many", "", FORM, "stars=many",
                   "422 #/stars: must be a whole number | #/title: is missing, and is required");
    assert_refused("many", "", FORM, "title=%00",
                   "400 A field of the form is not valid UTF-8, or has a broken %-escape.");
}

static void an_open_form_takes_what_nobody_declared(void **state)
{
    struct call c;

    (void)state;
    call_full(&c, "open", "", FORM, STR_OF("grant=password&scope=all"));
    assert_text(&c, "grant", "password");
    assert_true(str_equal(form_find(api_input_form(c.in), "scope"), STR_OF("all")));
    finish(&c);
}

#define PART(head, content) "--b\r\nContent-Disposition: form-data; " head "\r\n\r\n" content "\r\n"

static void forms_with_files(void **state)
{
    struct call c;

    (void)state;
    call_full(
        &c, "many", "", PARTS,
        STR_OF(PART("name=title", "caf\xc3\xa9") PART("name=photo; filename=a.png", "\x89PNG") "--b--\r\n"));
    assert_text(&c, "title", "caf\xc3\xa9");
    struct api_value photo = value(&c, "photo");
    assert_int_equal(photo.kind, API_VALUE_FILE);
    assert_true(str_equal(photo.file->value, STR_OF("\x89PNG")));
    assert_non_null(api_input_upload(c.in));
    finish(&c);
    assert_refused(
        "many", "", PARTS, PART("name=title", "\xff") PART("name=pohto", "x") "--b--\r\n",
        "400 #/title: is not UTF-8, or has a NUL character | #/pohto: is not known, did you mean photo?");
    assert_refused("many", "", PARTS, PART("name=stars; filename=a", "1") "--b--\r\n",
                   "422 #/stars: must be a whole number | #/photo: is missing, and is required");
    assert_refused("many", "", PARTS, PART("name=title", "x"), "400 The body ends before its last boundary.");
}

/* An operation that takes files has its content spooled, whatever it is. */
static void spooled_content_is_read_again(void **state)
{
    static const struct {
        const char *fields;
        struct str content;
    } cases[] = {
        { JSON, STR("{\"title\":\"here\"}") },
        { FORM, STR("title=here") },
        { PARTS, STR(PART("name=title", "here") PART("name=photo", "p") "--b--\r\n") },
    };

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        struct call c;
        begin(&c, "many", "", cases[i].fields, cases[i].content);
        c.x->content.fd = spool_open("/tmp");
        assert_int_equal(spool_write(c.x->content.fd, cases[i].content), 0);
        c.x->content.n = 0;
        check(&c, "many");
        assert_int_equal(c.result, 0);
        assert_text(&c, "title", "here");
        finish(&c);
    }
}

/* ---- answering ---- */

static void a_refusal_is_a_problem(void **state)
{
    struct json_fault fault;
    struct call c;
    json_t *body;

    (void)state;
    begin(&c, "get", "?lmit=1", "", STR_OF(""));
    check(&c, "get");
    assert_int_equal(api_input_refuse(c.x, &c.refusal), 0);
    assert_int_equal(c.x->reply.status, 400);
    assert_string_equal(c.x->reply.content_type, "application/problem+json");
    assert_int_equal(json_strict_parse(c.x->reply.body, 0, &body, &fault), 0);
    json_t *error = json_array_get(json_object_get(body, "errors"), 0);
    assert_string_equal(json_string_value(json_object_get(error, "pointer")), "#/query/lmit");
    json_decref(body);
    finish(&c);

    begin(&c, "open", "", "", STR_OF("{}"));
    check(&c, "open");
    assert_int_equal(api_input_refuse(c.x, &c.refusal), 0);
    assert_true(str_equal(reply_field(&c.x->reply, STR_OF("Accept")),
                          STR_OF("application/x-www-form-urlencoded, application/json")));
    assert_int_equal(api_input_refuse(c.x, &c.refusal), -1);
    finish(&c);
}

/* With every amount of memory that is too little. */
static void out_of_memory_is_said(void **state)
{
    struct call c;
    size_t unanswered = 0;

    (void)state;
    for (ptrdiff_t left = 0; left < EXCHANGE_ARENA_SIZE; left += 16) {
        begin(&c, "many", "?a=1", FORM, STR_OF("title=a+b&stars=1&tags=1"));
        struct arena *a = &c.x->arena;
        a->limit = 1;
        if (a->end - a->next > left)
            a->end = a->next + left;
        check(&c, "many");
        assert_int_equal(c.result, -1);
        assert_int_equal(c.refusal.status, 500);
        assert_null(c.refusal.errors);
        unanswered++;
        finish(&c);
    }
    assert_true(unanswered > 10);
}

static int start(void **state)
{
    struct config_problems problems;
    struct buf said = BUF_INIT;

    (void)state;
    json_start();
    config_problems_init(&problems);
    int rc = api_document_create(str_from(contract), "test/api.yaml", &problems, &document);
    config_problems_format(&said, &problems);
    if (rc != 0)
        fputs(buf_text(&said), stderr);
    buf_finish(&said);
    config_problems_finish(&problems);
    return rc;
}

static int stop(void **state)
{
    (void)state;
    api_document_destroy(document);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_the_operation_only),
        cmocka_unit_test(the_query_is_decoded_and_converted),
        cmocka_unit_test(lists_in_the_query),
        cmocka_unit_test(header_fields_and_cookies),
        cmocka_unit_test(unknown_and_repeated_parameters_are_400),
        cmocka_unit_test(what_is_no_text_is_400),
        cmocka_unit_test(wrong_types_are_422),
        cmocka_unit_test(what_is_required_is_there),
        cmocka_unit_test(faults_have_a_limit),
        cmocka_unit_test(an_etag_is_read_without_its_quotes),
        cmocka_unit_test(an_etag_is_required_and_one),
        cmocka_unit_test(members_of_a_json_body),
        cmocka_unit_test(json_members_have_their_types),
        cmocka_unit_test(schemas_say_more_than_types),
        cmocka_unit_test(what_is_read_only_is_not_written),
        cmocka_unit_test(clients_are_told_in_their_language),
        cmocka_unit_test(our_own_words_are_told_in_it_too),
        cmocka_unit_test(what_is_absent_gets_its_default),
        cmocka_unit_test(json_that_is_none),
        cmocka_unit_test(json_without_declared_members_may_be_anything),
        cmocka_unit_test(content_of_the_wrong_kind_is_415),
        cmocka_unit_test(content_where_it_belongs),
        cmocka_unit_test(bytes_are_left_alone),
        cmocka_unit_test(forms),
        cmocka_unit_test(an_open_form_takes_what_nobody_declared),
        cmocka_unit_test(forms_with_files),
        cmocka_unit_test(spooled_content_is_read_again),
        cmocka_unit_test(a_refusal_is_a_problem),
        cmocka_unit_test(out_of_memory_is_said),
    };
    return cmocka_run_group_tests_name("api_input", tests, start, stop);
}
