#include "ask.h"

#include <string.h>

#include "instant.h"

bool kimai_is_id(const char *id)
{
    const size_t n = id ? strlen(id) : 0;

    return n > 0 && n <= ID_MAX && id[0] != '0' && strspn(id, "0123456789") == n;
}

/* ---- sending ---- */

static dw_secret if_set(dw_secret secret, bool used)
{
    const bool is_set = used && secret.hidden && *secret.hidden;

    return is_set ? secret : (dw_secret){ NULL };
}

/* Lists of projects have no pages, and a page of timesheets may have five hundred long texts. */
enum { MOST_BYTES = 64 << 20 };

struct message {
    const char *method, *path;
    dw_list query;
    const json_t *json;
};

/* later: it is only started. Redirects are not followed by the host: http stays http until an admin writes https. */
static int send_message(dw_call *c, dw_connection *conn, const struct message *m, dw_answer **answer,
                        dw_fetching **later)
{
    const struct kimai_settings *s = kimai_settings(conn);
    const bool is_legacy = *s->legacy_user != '\0';
    const dw_list headers =
        DW_LIST("Accept", "application/json", "X-AUTH-USER", is_legacy ? s->legacy_user : NULL);
    const dw_fetch_args args = {
        .struct_size = sizeof(args),
        .method = m->method,
        .url = m->path,
        .query = m->query,
        .headers = headers,
        .json = m->json,
        .max_bytes = m->json ? 0 : MOST_BYTES,
        .bearer = if_set(s->token, !is_legacy),
        .secret_header = is_legacy ? "X-AUTH-TOKEN" : NULL,
        .secret = if_set(s->legacy_token, is_legacy),
        .connection = conn,
    };

    return later ? dw_host_->client->start(c, later, &args) : dw_host_->client->fetch(c, answer, &args);
}

/* ---- answers ---- */

int refuse_redirect(dw_call *c, dw_answer *raw)
{
    const char *to = dw_answer_header(raw, "Location");

    if (raw->status < 300 || raw->status > 399)
        return 0;
    return dw_fail(
        c, DW_EUPSTREAM,
        "Kimai's address leads elsewhere, and nothing was sent there; enter the address that it really has",
        "to", to ? to : "", "status", raw->status);
}

static dw_time clock_of(dw_call *c, dw_answer *raw)
{
    dw_time t = { 0 };

    return instant_parse_date(dw_answer_header(raw, "Date"), &t.us) == 0 ? t : dw_now(c);
}

static void look_at(dw_call *c, dw_answer *raw, struct answer *out)
{
    *out = (struct answer){ .raw = raw };
    if (!raw)
        return;
    out->status = raw->status;
    out->clock = clock_of(c, raw);
}

/* The old form of signing in is refused as other things are: with a 403 that lacks the code which all other ones have, and after
 * some wrong tries with a 400 that says nothing, for a minute, whatever is asked. Both become what others answer then. */
static int judge_legacy(dw_call *c, dw_connection *conn, struct answer *out, int rc)
{
    if (!*kimai_settings(conn)->legacy_user)
        return rc;
    if (out->status == 403 && !json_object_get(out->body, "code")) {
        out->status = 401;
        return dw_fail(c, DW_EAUTH, "Kimai does not take legacy_user with this legacy_token");
    }
    if (out->status == 400 && !json_object_get(out->body, "errors")) {
        out->status = 429;
        return dw_fail(c, DW_ERATE, "Kimai looks at no legacy_token for a minute, after some that were wrong",
                       "retry_after", DW_MINUTES(1));
    }
    return rc;
}

/* What Kimai has not is gone: nobody else's 404 may look like that, or timesheets would be made again that are there, and stay that
 * were to be removed. Kimai's is {"code":404,"message":"Not Found"}. */
static int judge_missing(dw_call *c, struct answer *out, int rc)
{
    const json_t *code = json_object_get(out->body, "code");

    out->foreign = !json_is_integer(code) || json_integer_value(code) != 404;
    if (!out->foreign)
        return rc;
    return dw_fail(
        c, DW_EUPSTREAM,
        "what answers there is not Kimai, which would say otherwise that it does not have this; is "
        "base_url right, and Kimai up behind its proxy?",
        "status", out->status);
}

/* The reasons that a refused form gives; that there are none is no failure. Of other statuses the host's words stay. */
static int read_reasons(dw_call *c, dw_connection *conn, struct answer *out, int rc)
{
    const bool is_legacy = *kimai_settings(conn)->legacy_user != '\0';
    json_t *body = NULL;

    if (out->status == 400 || out->status == 404 || (out->status == 403 && is_legacy)) {
        if (dw_answer_json(out->raw, &body) == 0)
            out->body = body;
    }
    return out->status == 404 ? judge_missing(c, out, rc) : judge_legacy(c, conn, out, rc);
}

static int read_body(dw_call *c, struct answer *out)
{
    DW_TRY(refuse_redirect(c, out->raw));
    if (out->status == 204)
        return 0;
    return dw_answer_json(out->raw, &out->body);
}

static int finish_reading(dw_call *c, dw_connection *conn, int rc, dw_answer *raw, json_t **body,
                          struct answer *out)
{
    struct answer own = { 0 };

    out = out ? out : &own;
    *body = NULL;
    look_at(c, raw, out);
    if (rc < 0)
        return read_reasons(c, conn, out, rc);
    DW_TRY(read_body(c, out));
    *body = out->body;
    return 0;
}

int ask(dw_call *c, dw_connection *conn, const char *path, dw_list query, json_t **body, struct answer *out)
{
    dw_answer *raw = NULL;
    const struct message m = { .method = "GET", .path = path, .query = query };
    const int rc = send_message(c, conn, &m, &raw, NULL);

    return finish_reading(c, conn, rc, raw, body, out);
}

int ask_start(dw_call *c, dw_connection *conn, const char *path, dw_list query, dw_fetching **out)
{
    const struct message m = { .method = "GET", .path = path, .query = query };

    return send_message(c, conn, &m, NULL, out);
}

int ask_wait(dw_call *c, dw_connection *conn, dw_fetching *f, json_t **body, struct answer *out)
{
    dw_answer *raw = NULL;
    const int rc = dw_fetch_wait(f, &raw);

    return finish_reading(c, conn, rc, raw, body, out);
}

int ask_list(dw_call *c, dw_connection *conn, const char *path, dw_list query, json_t **body)
{
    const int rc = ask(c, conn, path, query, body, NULL);

    if (rc == DW_ENOTFOUND)
        return dw_fail(c, DW_EUPSTREAM,
                       "there is no Kimai at this address: it does not know what every Kimai has", "path",
                       path);
    DW_TRY(rc);
    if (!json_is_array(*body))
        return dw_fail(c, DW_EUPSTREAM, "Kimai answered something else than a list", "path", path);
    return 0;
}

/* ---- writing ---- */

static int unknown(dw_call *c, const char *method, const char *path, const struct answer *out,
                   const char *why)
{
    return dw_fail(
        c, DW_EUNKNOWN,
        "Kimai's answer does not tell whether it was carried out; look there before it is tried again",
        "request", dw_format(c, "%s %s", method, path), "status", out->status, "why", why);
}

/* Memory that is out, or an answer that is too long, say nothing about what Kimai did before. */
static bool may_have_happened(int rc)
{
    return rc == DW_ETOOLARGE || rc == DW_ENOMEM || rc == DW_EUPSTREAM;
}

int tell(dw_call *c, dw_connection *conn, const char *method, const char *path, const json_t *body,
         struct answer *out)
{
    dw_answer *raw = NULL;
    const struct message m = { .method = method, .path = path, .json = body };
    int rc = send_message(c, conn, &m, &raw, NULL);

    look_at(c, raw, out);
    if (rc < 0 && !raw)
        return may_have_happened(rc) ? unknown(c, method, path, out, dw_error_of(c)->text) : rc;
    if (out->status >= 500 || out->status == 408)
        return unknown(c, method, path, out, "it failed with an error of its own");
    if (rc < 0)
        return read_reasons(c, conn, out, rc);
    DW_TRY(refuse_redirect(c, raw));
    rc = read_body(c, out);
    return rc < 0 ? unknown(c, method, path, out, dw_error_of(c)->text) : 0;
}

int not_yet(dw_call *c, int rc)
{
    if (rc != DW_EUNKNOWN)
        return rc;
    return dw_fail(c, DW_EUNAVAILABLE, "Kimai could not be asked before writing, so nothing was written",
                   "why", dw_error_of(c)->text);
}
