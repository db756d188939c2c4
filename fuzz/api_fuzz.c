/* A contract, or a request to an operation. "d" and a newline: the rest is a contract; what is accepted must hold what
 * document.h promises. "r", the operation's id, a newline, the query, a newline, a media type, a newline: the rest is
 * content; what is accepted must hold what input.h promises. */
#include <assert.h>
#include <stdlib.h>

#include "api/input.h"
#include "http/exchange_struct.h"
#include "http/server_struct.h"
#include "util/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7 forgets 512 bytes of a quoted text that never ends. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml";
}

static const char contract[] =
    "openapi: 3.1.0\n"
    "info: { title: T, version: \"1\" }\n"
    "paths:\n"
    "  /a/{id}:\n"
    "    parameters: [ { name: id, in: path, required: true, schema: { type: integer } } ]\n"
    "    get:\n"
    "      operationId: get\n"
    "      x-public: true\n"
    "      parameters:\n"
    "        - { name: text, in: query, schema: { type: string } }\n"
    "        - { name: whole, in: query, schema: { type: integer } }\n"
    "        - { name: number, in: query, schema: { type: number } }\n"
    "        - { name: truth, in: query, schema: { type: boolean } }\n"
    "        - { name: list, in: query, schema: { type: array, items: { type: number } } }\n"
    "        - { name: words, in: query, explode: false, schema: { type: array } }\n"
    "    post:\n"
    "      operationId: post\n"
    "      x-public: true\n"
    "      requestBody: { content: {\n"
    "        application/json: { schema: { $ref: \"#/components/schemas/A\" } },\n"
    "        application/x-www-form-urlencoded: { schema: { $ref: \"#/components/schemas/A\" } },\n"
    "        multipart/form-data: { schema: { $ref: \"#/components/schemas/A\" } } } }\n"
    "components: { schemas: { A: { required: [text], properties: { text: { type: string },\n"
    "  whole: { type: [integer, \"null\"] }, number: { type: number }, truth: { type: boolean }, list: { "
    "type: array },\n"
    "  any: {} } } } }\n";

static struct api_document *document;
static struct http_server server = { .options = { .spool_dir = "/tmp" } };
static struct http_loop loop = { .server = &server };
static const struct http_transport transport = { .name = "none" };

static struct api_document *read_contract(struct str text)
{
    struct config_problems problems;
    struct api_document *d;

    config_problems_init(&problems);
    int rc = api_document_create(text, "fuzz/api.yaml", &problems, &d);
    assert((rc == 0) == (d != NULL) && (rc == 0) == !config_problems_any(&problems));
    config_problems_finish(&problems);
    return d;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    json_start();
    document = read_contract(str_from(contract));
    assert(document);
    return 0;
}

/* ---- contracts ---- */

static void check_fields(const struct api_operation *op)
{
    for (size_t i = 0; i < op->fields_n; i++) {
        const struct api_field *field = &op->fields[i];
        assert(api_operation_field(op, field->name, NULL) == field); /* no other one of that name */
        assert((field->in == API_IN_BODY) == (field->bodies != 0));
        assert((field->required_bodies & ~field->bodies) == 0);
        assert(field->in != API_IN_PATH || field->required);
    }
}

static void check_contract(struct str text)
{
    struct api_document *d = read_contract(text);

    for (size_t i = 0; d && i < d->operations_n; i++) {
        const struct api_operation *op = &d->operations[i];
        assert(api_document_find(d, op->id) == op);
        assert(op->is_public == (op->permission == NULL));
        assert(router_template_wrong(op->path) == NULL);
        assert((op->bodies == 0) == (op->media_n == 0));
        check_fields(op);
    }
    api_document_destroy(d);
}

/* ---- requests ---- */

static void check_value(const struct api_field *field, const struct api_value *value)
{
    bool is_text = value->kind == API_VALUE_TEXT;

    if (value->text.p)
        assert(value->text.p[value->text.n] == 0 && str_is_utf8(value->text));
    assert(!is_text || value->text.p);
    assert((value->kind == API_VALUE_JSON) == (value->json != NULL));
    assert((value->kind == API_VALUE_FILE) == (value->file != NULL));
    switch (field->type) {
    case API_STRING: assert(is_text || value->kind == API_VALUE_FILE); break;
    case API_INTEGER: assert(value->kind == API_VALUE_INTEGER); break;
    case API_NUMBER: assert(value->kind == API_VALUE_NUMBER); break;
    case API_BOOLEAN: assert(value->kind == API_VALUE_BOOLEAN); break;
    case API_ARRAY: assert(value->kind == API_VALUE_FILE || json_is_array(value->json)); break;
    case API_ANY:
    case API_OBJECT: break;
    }
}

static void check_input(const struct api_operation *op, const struct api_input *in)
{
    struct api_value value;

    for (size_t i = 0; i < op->fields_n; i++) {
        int rc = api_input_find(in, op->fields[i].name, &value);
        assert(rc == 0 || rc == 1);
        if (rc == 1)
            check_value(&op->fields[i], &value);
    }
}

static void ask(const struct api_operation *op, struct http_exchange *x)
{
    struct api_refusal refusal;
    struct api_input *in;

    if (api_input_check(x, op, &in, &refusal) == 0) {
        check_input(op, in);
    } else {
        assert(refusal.status >= 400 && refusal.status < 600 && refusal.status != 500 && refusal.detail);
        assert(api_input_refuse(x, &refusal) == 0);
    }
    api_input_finish(in);
}

static void set_content(struct http_exchange *x, struct str content)
{
    x->content.data = malloc(content.n + 1);
    assert(x->content.data);
    memcpy(x->content.data, content.p, content.n);
    x->content.n = x->content.cap = x->content.received = content.n;
    x->content.allocated = true;
}

static void check_request(struct str id, struct str query, struct str type, struct str content)
{
    const struct api_operation *op =
        api_document_find(document, str_equal(id, STR_OF("post")) ? "post" : "get");
    struct http_exchange *x = exchange_create(&loop, &transport, str_make(NULL, 0));
    struct http_route route = { .method = op->method, .path = op->path };
    struct buf head = BUF_INIT;

    assert(x);
    buf_add_format(&head, "%s /a/1?", http_method_name(op->method));
    buf_add_str(&head, query);
    buf_add_text(&head, " HTTP/1.1\r\nHost: a\r\n");
    buf_add_text(&head, "Content-Type: ");
    buf_add_str(&head, type);
    buf_add_format(&head, "\r\nContent-Length: %zu\r\n\r\n", content.n);
    if (http_reader_head(&x->reader, head.p, head.n) == HTTP_READER_HEAD) {
        x->route = &route;
        x->match.params = 1;
        x->match.param[0].name = "id";
        x->match.param[0].value = STR_OF("1");
        if (content.n)
            set_content(x, content);
        ask(op, x);
    }
    buf_finish(&head);
    exchange_destroy(x);
    exchange_free_spares(&loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_make((const char *)data, size), what, query, type;

    if (!str_split(&rest, '\n', &what) || what.n == 0)
        return 0;
    if (what.p[0] == 'd')
        check_contract(rest);
    else if (str_split(&rest, '\n', &query) && str_split(&rest, '\n', &type))
        check_request(str_make(what.p + 1, what.n - 1), query, type, rest);
    return 0;
}
