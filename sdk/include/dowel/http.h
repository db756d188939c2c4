/* http.h - requests and replies. When a handler runs, the request is permitted and its input is what api.yaml says. It
 * answers once, with a dw_reply_* or by returning an error, which becomes problem+json (RFC 9457).
 *
 * A reply is made now and sent when the handler returns 0; a handler that then returns an error takes it back. So reply
 * first, and do what can still fail last:  DW_TRY(dw_reply_row(req, 201, note)); return dw_tx_commit(c); */
#ifndef DOWEL_HTTP_H
#define DOWEL_HTTP_H

#include "call.h"
#include "db.h"
#include "out.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dw_request dw_request;
typedef struct dw_token dw_token;

typedef int (*dw_handler)(dw_call *c, dw_request *req);

/* One operationId of api.yaml and its handler. Both must exist, or the plugin is refused. */
typedef struct dw_operation {
    const char *id;
    dw_handler handler;
} dw_operation;

/* What OpenAPI cannot say: a prefix, a protocol of its own. Everything else belongs in api.yaml. */
typedef struct dw_route {
    const char *method;     /* "GET"; NULL: any */
    const char *path;       /* "/dav/{rest...}": from the server's root */
    const char *permission; /* "dav.use"; "-": anyone; NULL: anyone signed in */
    dw_handler handler;
} dw_route;

typedef struct dw_detach_args {
    uint32_t struct_size;
    dw_span timeout;           /* 0: the operation's; then the client gets a 504 */
    void (*on_gone)(void *ud); /* the client left or the deadline passed: hurry; any thread, at most once */
    void (*on_release)(void *ud); /* always, once, last, after on_gone returned: free ud here */
    void *ud;
} dw_detach_args;

typedef struct dw_http_api {
    uint32_t struct_size;
    int (*read)(dw_request *req, dw_list pairs);
    json_t *(*json)(dw_request *req);
    dw_bytes (*body)(dw_request *req);
    const char *(*header)(dw_request *req, const char *name);
    const char *(*method)(dw_request *req);
    const char *(*path)(dw_request *req);
    const char *(*id)(dw_request *req);
    int (*reply)(dw_request *req, dw_list status_and_pairs);
    int (*reply_json)(dw_request *req, int status, const json_t *json);
    int (*reply_bytes)(dw_request *req, int status, const char *content_type, dw_bytes body);
    dw_out *(*reply_open)(dw_request *req, int status);
    int (*reply_close)(dw_request *req);
    int (*reply_header)(dw_request *req, const char *name, const char *value);
    int (*detach)(dw_request *req, dw_token **out, const dw_detach_args *args);
    int (*token_reply)(dw_token *t, dw_list status_and_pairs);
    int (*token_fail)(dw_token *t, int code, const char *text);
    int (*reply_row)(dw_request *req, int status, dw_rows *rows);
    int (*reply_rows)(dw_request *req, int status, dw_rows *rows);
    int (*reply_list)(dw_call *c, dw_request *req, dw_list sql_and_values);
    const char *(*address)(dw_request *req);
    const char *(*origin)(dw_request *req);
} dw_http_api;

static inline DW_MUST_CHECK int dw_request_read_(dw_request *req, dw_list pairs)
{
    return dw_host_->http->read(req, pairs);
}

/* dw_request_read(req, "id", &id, "body", &body): parameters of the path, the query and the header, and top members of
 * the JSON or form body, by name and target type. What api.yaml calls required is always set; what is optional and absent
 * leaves its target untouched. A name that api.yaml does not know is DW_EMISUSE. A handler of a dw_route reads the
 * parameters of its path and query only, all optional. Texts are borrowed for the call. [call] */
#define dw_request_read(req, ...) dw_request_read_((req), DW_LIST(__VA_ARGS__))

/* The JSON body, or NULL if there is none; borrowed for the call. Parsed when first asked for. [call] */
static inline json_t *dw_request_json(dw_request *req) { return dw_host_->http->json(req); }

/* The bytes as they came (signatures!). Borrowed for the call. [call] */
static inline dw_bytes dw_request_body(dw_request *req) { return dw_host_->http->body(req); }

/* A header, or NULL. Borrowed for the call. [call] */
static inline const char *dw_request_header(dw_request *req, const char *name)
{
    return dw_host_->http->header(req, name);
}

/* "GET"; the path, decoded; the request's id, as the log and problem+json show it. Borrowed for the call. [call] */
static inline const char *dw_request_method(dw_request *req) { return dw_host_->http->method(req); }
static inline const char *dw_request_path(dw_request *req) { return dw_host_->http->path(req); }
static inline const char *dw_request_id(dw_request *req) { return dw_host_->http->id(req); }

/* Where the client is, "192.0.2.7", as trusted proxies tell it; "unix" where only a Unix socket is seen. What the client calls
 * this server, "https://desk.example.org": for links that lead back here. A client may say what it likes there: never send
 * such a link to anybody else. Borrowed for the call. Since minor 2. [call] */
static inline const char *dw_request_address(dw_request *req) { return dw_host_->http->address(req); }
static inline const char *dw_request_origin(dw_request *req) { return dw_host_->http->origin(req); }

/* ---- replies: 0 or an error, which the handler returns; a second one is DW_EMISUSE and changes nothing ---- */

/* dw_reply(req, 200, "state", state, "count", n): a small object; dw_reply(req, 204): nothing but the status. [call] */
#define dw_reply(req, ...) (dw_host_->http->reply((req), DW_LIST(__VA_ARGS__)))

/* The next row as an object with its columns as members. A column "version" becomes the ETag as well. Without a row:
 * DW_ENOTFOUND, or DW_EPRECONDITION where the request has an If-Match: read that, put it into the WHERE, and a stale one
 * finds no row. Since minor 2. [call] */
static inline DW_MUST_CHECK int dw_reply_row(dw_request *req, int status, dw_rows *rows)
{
    return dw_host_->http->reply_row(req, status, rows);
}

/* All rows that are left: {"items":[...]}. More than 10000 are DW_ETOOLARGE: what grows is a dw_reply_list. Since minor 2.
 * [call] */
static inline DW_MUST_CHECK int dw_reply_rows(dw_request *req, int status, dw_rows *rows)
{
    return dw_host_->http->reply_rows(req, status, rows);
}
static inline DW_MUST_CHECK int dw_reply_list_(dw_call *c, dw_request *req, dw_list sql_and_values)
{
    return dw_host_->http->reply_list(c, req, sql_and_values);
}

/* dw_reply_list(c, req, "SELECT id, body FROM notes WHERE author = $1", author): a page of it, {"items":[...],"next":...},
 * as the client asks by what x-list in api.yaml adds to the query: `limit` (1 to 200; 50 if absent), `cursor`, `sort` by a
 * column that x-list names ("created_at", "-created_at"), and filters by columns that it names. "next" is the cursor of the
 * page that follows, or null; a Link field leads there too. The statement needs a column "id", unique, by which the rows are sorted unless the client
 * wants it otherwise (a dw_id(): oldest first), and has no ORDER BY or LIMIT of its own; columns to sort by hold no nulls.
 * DW_EINVALID for a cursor that is not of this list and order. Since minor 2. [call] */
#define dw_reply_list(c, req, ...) dw_reply_list_((c), (req), DW_LIST(__VA_ARGS__))

/* json is borrowed; body is copied. [call] */
static inline int dw_reply_json(dw_request *req, int status, const json_t *json)
{
    return dw_host_->http->reply_json(req, status, json);
}
static inline int dw_reply_bytes(dw_request *req, int status, const char *content_type, dw_bytes body)
{
    return dw_host_->http->reply_bytes(req, status, content_type, body);
}

/* A writer for everything else; see out.h. Never NULL. Nothing is sent before close. [call] */
static inline dw_out *dw_reply_open(dw_request *req, int status)
{
    return dw_host_->http->reply_open(req, status);
}
static inline int dw_reply_close(dw_request *req) { return dw_host_->http->reply_close(req); }

/* A header of the reply; before or after it is made. DW_EINVALID for what could split the head, and for what is the
 * server's to say (Content-Length, Connection, Date...). Both are copied. [call] */
static inline int dw_reply_header(dw_request *req, const char *name, const char *value)
{
    return dw_host_->http->reply_header(req, name, value);
}

/* ---- answering later ---- */

/* dw_request_detach(req, &token, .timeout = DW_SECONDS(30)): for answers that come from a thread of your own. After
 * success the handler returns 0 and touches neither req nor c again; ud belongs to the token, also when on_release has
 * run before detach returned. On failure nothing has happened and ud is yours. Exactly one dw_token_reply or _fail then,
 * on any thread. Until then the token is valid, whatever the client does: without a need to hurry, leave on_gone and
 * on_release out. [call] */
#define dw_request_detach(req, out, ...) \
    (dw_host_->http->detach((req), (out), DW_ARGS_(dw_detach_args, __VA_ARGS__)))

/* dw_token_reply(t, 200, "beat", n): answers as dw_reply does. 0, or DW_EGONE, which is harmless: the client has left or
 * got its 504. DW_EMISUSE when the token was completed before. [any] */
#define dw_token_reply(t, ...) (dw_host_->http->token_reply((t), DW_LIST(__VA_ARGS__)))

/* Answers as a handler that returns dw_fail(c, code, text). [any] */
static inline int dw_token_fail(dw_token *t, int code, const char *text)
{
    return dw_host_->http->token_fail(t, code, text);
}

#ifdef __cplusplus
}
#endif
#endif
