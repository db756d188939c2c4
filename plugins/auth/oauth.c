#include "oauth.h"

#include <string.h>
#include <strings.h>

/* ---- the language ---- */

/* ";q=0.8" in thousandths; 1000 where nothing is said. */
static unsigned weight_of(const char *at, size_t n)
{
    const char *q = memchr(at, '=', n);
    unsigned weight = 0, digit = 100;

    if (!q || q[1] != '0')
        return 1000;
    if (q[2] != '.')
        return 0;
    for (q += 3; q < at + n && *q >= '0' && *q <= '9'; q++, digit /= 10)
        weight += (unsigned)(*q - '0') * digit;
    return weight;
}

bool oauth_is_german(dw_request *req)
{
    const char *at = dw_request_header(req, "Accept-Language");
    unsigned english = 0, german = 0;

    while (at && *at) {
        at += strspn(at, ", \t");
        size_t n = strcspn(at, ","), language_n = strcspn(at, ",;- \t");
        unsigned weight = weight_of(at, n);
        if (language_n == 2 && strncasecmp(at, "de", 2) == 0 && weight > german)
            german = weight;
        if (((language_n == 2 && strncasecmp(at, "en", 2) == 0) || *at == '*') && weight > english)
            english = weight;
        at += n;
    }
    return german > english;
}

/* ---- refusing ---- */

int oauth_no_store(dw_request *req)
{
    return dw_reply_header(req, "Cache-Control", "no-store");
}

/* What error_description may have: printable ASCII without the quote and the backslash. */
static const char *plain(dw_call *c, const char *text)
{
    size_t n = strlen(text);
    char *out = dw_alloc(c, n + 1);

    for (size_t i = 0; i < n; i++)
        out[i] = text[i] >= ' ' && text[i] <= '~' && text[i] != '"' && text[i] != '\\' ? text[i] : '\'';
    return out;
}

/* As the host has them; the answer is none of its problems, as OAuth wants another content type. */
static const char *title_of(bool is_client, bool is_german)
{
    if (is_client)
        return is_german ? "Nicht angemeldet" : "Not signed in";
    return is_german ? "Fehlerhafte Anfrage" : "Bad request";
}

int oauth_refuse(dw_call *c, dw_request *req, const struct oauth_error *error)
{
    bool is_client = strcmp(error->code, "invalid_client") == 0 && dw_request_header(req, "Authorization");
    bool is_german = oauth_is_german(req) && error->german;
    const char *detail = is_german ? error->german : error->english;

    DW_TRY(oauth_no_store(req));
    if (is_german)
        DW_TRY(dw_reply_header(req, "Content-Language", "de"));
    if (is_client)
        DW_TRY(dw_reply_header(req, "WWW-Authenticate", "Basic realm=\"dowel\""));
    return dw_reply(
        req, is_client ? 401 : 400, "type", is_client ? "/problems/unauthorized" : "/problems/bad-request",
        "title", title_of(is_client, is_german), "status", is_client ? 401 : 400, "detail", detail,
        "instance", dw_request_id(req), "error", error->code, "error_description", plain(c, error->english));
}

int oauth_refuse_step(dw_call *c, dw_request *req, int rc, const char *code)
{
    struct oauth_error error = { .code = code };

    if (rc != DW_EAUTH && rc != DW_EDENIED && rc != DW_EINVALID)
        return rc;
    const dw_err *e = dw_error_of(c);
    error.english = dw_format(c, "%s", e->text);
    error.german =
        dw_format(c, "%s", e->said); /* taken only where German is liked better, as it was said in */
    DW_TRY(dw_tx_rollback(c));
    return oauth_refuse(c, req, &error);
}
