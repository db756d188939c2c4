#include "plugin/outbound.h"

#include <math.h>
#include <stdio.h>

#include "client/url.h"
#include "http/trace.h"
#include "plugin/call_db.h"
#include "plugin/connection.h"
#include "plugin/request.h"
#include "plugin/values.h"

/* ---- values as plain text: in a query, a form, a header ---- */

static bool is_null(const dw_value *v)
{
    if (v->type == DW_TEXT || v->type == DW_JSON)
        return !v->as.p || (v->type == DW_JSON && json_is_null((const json_t *)v->as.p));
    return v->type == DW_NULL && !v->as.p;
}

/* As in JSON but for the quotes. NULL, or why not. */
static const char *write_bare(struct buf *out, const dw_value *v)
{
    struct buf text = BUF_INIT;
    const char *wrong = value_wrong(v);

    if (wrong)
        return wrong;
    if (v->type == DW_REAL && !isfinite(v->as.r))
        return "not a finite number";
    if (v->type == DW_TEXT) {
        buf_add_str(out, value_text(v));
    } else if (v->type == DW_JSON && json_is_string((const json_t *)v->as.p)) {
        buf_add(out, json_string_value(v->as.p), json_string_length(v->as.p));
    } else if (value_write_json(&text, v) != 0) {
        wrong = "json that is too deep";
    } else if (text.n >= 2 && text.p[0] == '"') {
        buf_add(out, text.p + 1, text.n - 2); /* times and bytes hold nothing that JSON escapes */
    } else {
        buf_add_str(out, buf_str(&text));
    }
    out->failed |= buf_failed(&text);
    buf_finish(&text);
    return wrong;
}

static int fail_memory(dw_call *c)
{
    return call_fail(c, DW_ENOMEM, "out of memory");
}

/* Replaces what `text` was by the value of a pair. */
static int write_value(dw_call *c, struct buf *text, const dw_value *pair, const char *member)
{
    struct str name = value_text(pair);
    const char *wrong;

    text->n = 0;
    wrong = write_bare(text, &pair[1]);
    if (wrong)
        return call_misuse(c, "dw_fetch: .%s has for \"%.*s\" %s", member, STR_ARG(name), wrong);
    return buf_failed(text) ? fail_memory(c) : 0;
}

/* Appends "?a=1&b=2"; NULL values are left out. */
static int add_pairs(dw_call *c, struct buf *out, dw_list pairs, const char *member)
{
    struct buf value = BUF_INIT;
    const char *wrong = pairs_wrong(pairs);
    int rc = wrong ? call_misuse(c, "dw_fetch: .%s holds %s", member, wrong) : 0;

    for (size_t i = 0; rc == 0 && i < pairs.n; i += 2) {
        if (is_null(&pairs.v[i + 1]))
            continue;
        rc = write_value(c, &value, &pairs.v[i], member);
        if (rc == 0)
            url_add_query(out, value_text(&pairs.v[i]), buf_str(&value));
    }
    if (rc == 0 && buf_failed(out))
        rc = fail_memory(c);
    buf_finish(&value);
    return rc;
}

/* ---- the parts of a request ---- */

/* A peer that says where to go on must not send the connection's credentials away. */
static int refuse_elsewhere(dw_call *c, const struct dw_connection *conn, const char *url, const char *why)
{
    call_fail_detail(
        c, DW_EDENIED, "denied",
        "%.*s cannot be asked over the connection \"%s\", whose address is %s: %s; nothing was sent",
        (int)strcspn(url, "?#"), url, conn->name, conn->route.address, why);
    c->error_from_peer = true;
    return DW_EDENIED;
}

static int write_url(dw_call *c, struct buf *out, const dw_fetch_args *args)
{
    const struct dw_connection *conn = args->connection;
    const char *why;

    if (!args->url)
        return call_misuse(c, "dw_fetch: there is no .url");
    if (conn && connection_url(out, conn->route.address, args->url, &why) != 0)
        return refuse_elsewhere(c, conn, args->url, why);
    /* What stands behind '#' is never sent; a query behind it would not be either. */
    if (!conn)
        buf_add(out, args->url, strcspn(args->url, "#"));
    return add_pairs(c, out, args->query, "query");
}

static int read_url(struct outbound *o, dw_call *c, const dw_fetch_args *args)
{
    struct buf url = BUF_INIT;
    int rc = write_url(c, &url, args);

    if (rc == 0)
        o->request.url = call_copy(c, buf_str(&url));
    buf_finish(&url);
    return rc;
}

static int read_headers(struct outbound *o, dw_call *c, dw_list pairs)
{
    const char *wrong = pairs_wrong(pairs);
    struct client_header *headers;
    struct buf value = BUF_INIT;
    int rc = 0;

    if (wrong)
        return call_misuse(c, "dw_fetch: .headers holds %s", wrong);
    headers = call_alloc(c, pairs.n / 2 * sizeof(*headers));
    o->request.headers = headers;
    for (size_t i = 0; rc == 0 && i < pairs.n; i += 2) {
        if (is_null(&pairs.v[i + 1]))
            continue;
        rc = write_value(c, &value, &pairs.v[i], "headers");
        if (rc == 0)
            headers[o->request.headers_n++] =
                (struct client_header){ .name = call_copy(c, value_text(&pairs.v[i])),
                                        .value = { call_copy(c, buf_str(&value)), value.n } };
    }
    buf_finish(&value);
    return rc;
}

static int write_json(struct outbound *o, dw_call *c, const json_t *json)
{
    const dw_value value = { .type = DW_JSON, .as.p = json };

    if (value_write_json(&o->body, &value) != 0)
        return call_misuse(c, "dw_fetch: .json cannot be written: it holds itself, or is too deep");
    if (buf_failed(&o->body))
        return fail_memory(c);
    o->request.body = buf_str(&o->body);
    o->request.content_type = "application/json";
    return 0;
}

static int write_form(struct outbound *o, dw_call *c, dw_list form)
{
    int rc = add_pairs(c, &o->body, form, "form");

    /* A form is written as a query is, but for the '?'. */
    o->request.body = o->body.n ? str_make(o->body.p + 1, o->body.n - 1) : str_make("", 0);
    o->request.content_type = "application/x-www-form-urlencoded";
    return rc;
}

static int read_body(struct outbound *o, dw_call *c, const dw_fetch_args *args)
{
    int rc = 0;

    if ((args->json != NULL) + (args->form.v != NULL) + (args->body.p != NULL) > 1)
        return call_misuse(c, "dw_fetch: more than one of .json, .form and .body");
    if (args->json)
        rc = write_json(o, c, args->json);
    else if (args->form.v)
        rc = write_form(o, c, args->form);
    else if (args->body.p)
        o->request.body = str_make(args->body.p, args->body.n);
    if (args->content_type)
        o->request.content_type = args->content_type;
    return rc;
}

/* A secret that is not configured (NULL) is not sent; one that has nowhere to go is a mistake. */
static int read_credentials(struct outbound *o, dw_call *c, const dw_fetch_args *args)
{
    if (args->bearer.hidden && args->user)
        return call_misuse(c, "dw_fetch: both .bearer and .user");
    if (args->password.hidden && !args->user)
        return call_misuse(c, "dw_fetch: .password but without .user");
    if (args->secret.hidden && !args->secret_header)
        return call_misuse(c, "dw_fetch: .secret but without .secret_header, which would carry it");
    o->request.bearer = str_from(args->bearer.hidden);
    o->request.user = args->user;
    o->request.password = str_from(args->password.hidden);
    o->request.secret_header = args->secret.hidden ? args->secret_header : NULL;
    o->request.secret = str_from(args->secret.hidden);
    return 0;
}

static int read_limits(struct outbound *o, dw_call *c, const dw_fetch_args *args, bool is_stream)
{
    if (args->timeout.us < 0)
        return call_misuse(c, "dw_fetch: .timeout is negative");
    if (is_stream)
        o->request.idle_timeout_us = args->timeout.us;
    else
        o->request.timeout_us = args->timeout.us;
    o->request.deadline_us = c->deadline_us == INT64_MAX ? 0 : c->deadline_us;
    o->request.max_bytes = args->max_bytes;
    o->request.any_status = args->any_status;
    o->request.idempotent = args->idempotent;
    o->request.ca_file = args->ca_file;
    return 0;
}

/* Which way it goes: that of the connection. */
static int read_connection(struct outbound *o, dw_call *c, const dw_fetch_args *args)
{
    const struct dw_connection *conn = args->connection;
    struct client_request *r = &o->request;

    if (!conn)
        return 0;
    if (!conn->c || conn->c->root != c->root)
        return call_misuse(c, "dw_fetch: .connection is one of another call");
    if (!conn->route.address)
        return call_misuse(c, "dw_fetch: a connection of the kind %s has no address", conn->kind);
    if (args->ca_file)
        return call_misuse(c, "dw_fetch: both .connection, which says whom to trust, and .ca_file");
    r->ca_pem = conn->route.ca_pem;
    r->cert_pem = conn->route.cert_pem;
    r->key_pem = conn->route.key_pem;
    r->proxy = conn->route.proxy;
    r->allow_any_inner = conn->route.allow_private;
    r->gate = conn->route.gate ? connection_gate_for(conn->route.gate, conn->kind) : NULL;
    return 0;
}

/* ---- all of it ---- */

/* Into our struct, which is zero, whatever the plugin's was: older ones are shorter, and of newer ones we know the
 * beginning. */
static int take_args(dw_fetch_args *out, dw_call *c, const dw_fetch_args *args)
{
    size_t least = offsetof(dw_fetch_args, url) + sizeof(args->url);

    if (!args || args->struct_size < least)
        return call_misuse(c,
                           "dw_fetch: the arguments have no struct_size; use the macros of dowel/client.h");
    memcpy(out, args, args->struct_size < sizeof(*out) ? args->struct_size : sizeof(*out));
    return 0;
}

/* So that one trace shows the request that came and those it led to. */
static const char *traceparent_of(dw_call *c)
{
    const struct request *serves = c->root->owner;
    char *text;

    /* Once it is detached, somebody else may be answering it just now. */
    if (!serves || serves->answer == ANSWER_LATER)
        return NULL;
    text = call_alloc(c, TRACE_PARENT + 1);
    trace_format(http_request_trace(serves->x), text);
    return text;
}

static int read_all(struct outbound *o, dw_call *c, const dw_fetch_args *args, bool is_stream)
{
    DW_TRY(read_connection(o, c, args));
    DW_TRY(read_url(o, c, args));
    DW_TRY(read_headers(o, c, args->headers));
    DW_TRY(read_credentials(o, c, args));
    DW_TRY(read_limits(o, c, args, is_stream));
    DW_TRY(read_body(o, c, args));
    o->request.method = args->method ? args->method : o->request.body.p ? "POST" : "GET";
    o->request.token = call_cancel_token(c);
    if (!o->request.token)
        return fail_memory(c);
    o->request.traceparent = traceparent_of(c);
    return 0;
}

int outbound_read(struct outbound *o, dw_call *c, const dw_fetch_args *args, bool is_stream)
{
    dw_fetch_args ours = { 0 };
    int rc;

    *o = (struct outbound){ .client = c->instance->process->client };
    if (!o->client)
        return call_fail(c, DW_EUNAVAILABLE, "this process has no outbound HTTP");
    if (call_is_cancelled(c))
        return call_fail(c, DW_ECANCELLED, "nothing was sent, because the call is cancelled");
    DW_TRY(call_refuse_in_transaction(c, is_stream ? "dw_upstream_open" : "dw_fetch"));
    DW_TRY(take_args(&ours, c, args));
    rc = read_all(o, c, &ours, is_stream);
    if (rc != 0)
        outbound_finish(o);
    else
        call_seen_outside(c);
    return rc;
}

void outbound_finish(struct outbound *o)
{
    buf_finish(&o->body);
}

/* ---- outcomes ---- */

static int status_code(int status)
{
    switch (status) {
    case 401: return DW_EAUTH;
    case 403: return DW_EDENIED;
    case 404: return DW_ENOTFOUND;
    case 409: return DW_ECONFLICT;
    case 429: return DW_ERATE;
    default: return DW_EUPSTREAM;
    }
}

int outbound_code(enum client_error error, int status, bool reached)
{
    switch (error) {
    case CLIENT_OK: return 0;
    case CLIENT_INVALID: return DW_EINVALID;
    case CLIENT_DENIED: return DW_EDENIED;
    case CLIENT_STATUS: return status_code(status);
    case CLIENT_TOO_LARGE: return DW_ETOOLARGE;
    case CLIENT_CANCELLED: return DW_ECANCELLED;
    case CLIENT_MEMORY: return DW_ENOMEM;
    case CLIENT_HELD: return DW_ERATE;
    default: return reached ? DW_EUNKNOWN : DW_EUNAVAILABLE;
    }
}

int outbound_judge(dw_call *c, const struct client_answer *a)
{
    char detail[16];
    int code;

    if (!a)
        return fail_memory(c);
    code = outbound_code(a->error, a->status, a->reached);
    if (code == 0)
        return 0;
    if (a->error == CLIENT_STATUS)
        snprintf(detail, sizeof(detail), "%d", a->status);
    else
        snprintf(detail, sizeof(detail), "%s", client_error_name(a->error));
    call_fail_detail(c, code, detail, "%s", a->message);
    c->error.retry_after.us = a->retry_after_us > 0 ? a->retry_after_us : 0;
    c->error_from_peer = true;
    return code;
}
