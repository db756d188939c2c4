#include "plugin/reply.h"

#include "plugin/values.h"

enum { CONTENT_TYPE_MAX = 1024 };

static const char json_media[] = "application/json";

const char *reply_status_wrong(int status, bool has_content)
{
    if (status < 200 || status > 599)
        return "a status is 200 to 599";
    if (has_content && (status == 204 || status == 205 || status == 304))
        return "a reply with status 204, 205 or 304 has no content";
    return NULL;
}

int reply_claim(struct request *r, const char *step)
{
    if (r->answer == ANSWER_NONE && !r->then)
        return 0;
    return call_misuse(r->c, "%s: the request is answered already", step);
}

/* ---- small ones ---- */

static bool read_status(const dw_value *v, int *status)
{
    bool is_number = v->type == DW_INT || (v->type == DW_UINT && v->as.u <= 599);

    if (!is_number || v->as.i < 200 || v->as.i > 599)
        return false;
    *status = (int)v->as.i;
    return true;
}

const char *reply_compose(dw_list list, int *status, struct buf *body)
{
    if (list.n == 0 || !read_status(&list.v[0], status))
        return "the first argument is the status, a number from 200 to 599";
    const char *wrong = reply_status_wrong(*status, list.n > 1);
    if (wrong || list.n == 1)
        return wrong;
    const dw_list pairs = { list.v + 1, list.n - 1 };
    wrong = pairs_wrong(pairs);
    if (!wrong)
        wrong = pairs_values_wrong(pairs);
    if (!wrong && pairs_write_json(body, pairs) != 0)
        wrong = "json that is too deep";
    return wrong;
}

int reply_stage_json(struct http_exchange *x, int status, struct buf *body)
{
    if (body->n == 0 && !buf_failed(body))
        return http_reply_empty(x, status);
    return http_reply_take(x, status, json_media, body);
}

/* What was claimed and checked can only fail for memory. */
static int staged(struct request *r, int rc, const char *step)
{
    if (rc != 0)
        return call_fail(r->c, DW_ENOMEM, "%s: there is no memory for the reply", step);
    r->answer = ANSWER_STAGED;
    return 0;
}

int reply_list(dw_request *req, dw_list status_and_pairs)
{
    struct request *r;
    struct buf body = BUF_INIT;
    int status = 0;

    DW_TRY(request_check(req, "dw_reply", &r));
    DW_TRY(reply_claim(r, "dw_reply"));
    const char *wrong = reply_compose(status_and_pairs, &status, &body);
    if (wrong) {
        buf_finish(&body);
        return call_misuse(r->c, "dw_reply: %s", wrong);
    }
    return staged(r, reply_stage_json(r->x, status, &body), "dw_reply");
}

/* ---- json and bytes ---- */

int reply_json(dw_request *req, int status, const json_t *json)
{
    const dw_value value = { .type = DW_JSON, .as.p = json };
    struct request *r;
    struct buf body = BUF_INIT;

    DW_TRY(request_check(req, "dw_reply_json", &r));
    DW_TRY(reply_claim(r, "dw_reply_json"));
    const char *wrong = reply_status_wrong(status, true);
    if (!wrong && value_write_json(&body, &value) != 0)
        wrong = "json that is too deep, or has texts that are not UTF-8";
    if (wrong) {
        buf_finish(&body);
        return call_misuse(r->c, "dw_reply_json: %s", wrong);
    }
    return staged(r, http_reply_take(r->x, status, json_media, &body), "dw_reply_json");
}

bool reply_is_content_type(const char *type)
{
    size_t n = 0;

    for (; type && type[n]; n++) {
        unsigned char c = (unsigned char)type[n];
        if (n == CONTENT_TYPE_MAX || (c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

int reply_bytes(dw_request *req, int status, const char *content_type, dw_bytes body)
{
    struct request *r;
    struct buf copy = BUF_INIT;
    char *type = NULL;

    DW_TRY(request_check(req, "dw_reply_bytes", &r));
    DW_TRY(reply_claim(r, "dw_reply_bytes"));
    const char *wrong = reply_status_wrong(status, body.n > 0);
    if (wrong || !reply_is_content_type(content_type) || (body.n && !body.p))
        return call_misuse(r->c, "dw_reply_bytes: %s", wrong ? wrong : "no content type, or no bytes");
    if (content_type)
        type = arena_copy(http_arena(r->x), str_from(content_type));
    buf_add(&copy, body.p, body.n);
    if (content_type && !type) {
        buf_finish(&copy);
        return staged(r, -1, "dw_reply_bytes");
    }
    return staged(r, http_reply_take(r->x, status, type, &copy), "dw_reply_bytes");
}

/* ---- the writer ---- */

dw_out *reply_open(dw_request *req, int status)
{
    struct request *r = NULL;
    int rc = request_check(req, "dw_reply_open", &r);
    const char *wrong;

    if (rc == 0)
        rc = reply_claim(r, "dw_reply_open");
    if (rc == 0 && (wrong = reply_status_wrong(status, true)))
        rc = call_misuse(r->c, "dw_reply_open: %s", wrong);
    if (!r)
        return &out_of_nobody;
    if (rc != 0) {
        r->refused = (dw_out){ .call = r->c, .to = &r->body, .error = rc };
        return &r->refused;
    }
    out_begin(&r->out, r->c, &r->body);
    r->status = status;
    r->answer = ANSWER_WRITING;
    return &r->out;
}

int reply_close(dw_request *req)
{
    struct request *r;

    DW_TRY(request_check(req, "dw_reply_close", &r));
    if (r->answer != ANSWER_WRITING)
        return call_misuse(r->c, "dw_reply_close without dw_reply_open");
    DW_TRY(out_finish(&r->out));
    return staged(r, http_reply_take(r->x, r->status, json_media, &r->body), "dw_reply_close");
}

/* ---- headers ---- */

int reply_header(dw_request *req, const char *name, const char *value)
{
    struct request *r;

    DW_TRY(request_check(req, "dw_reply_header", &r));
    if (!name || !value)
        return call_misuse(r->c, "dw_reply_header: a name and a value are wanted, not NULL");
    if (r->stream)
        return call_misuse(r->c, "dw_reply_header: the head of the stream is on its way");
    if (http_reply_header(r->x, name, str_from(value)) != 0)
        return call_fail(r->c, DW_EINVALID,
                         "the header %s cannot be sent: it could split the head, is the server's to say, or "
                         "there are too many",
                         name);
    return 0;
}
