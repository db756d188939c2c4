#include "html.h"

#include "oauth.h"

void html_add_escaped(dw_text *t, const char *text)
{
    static const struct {
        char c;
        const char *as;
    } special[] = {
        { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" }, { '\'', "&#39;" }
    };

    for (const char *p = text; *p; p++) {
        const char one[] = { *p, '\0' };
        const char *as = one;
        for (size_t i = 0; i < sizeof(special) / sizeof(*special); i++) {
            if (special[i].c == *p)
                as = special[i].as;
        }
        dw_text_add(t, as);
    }
}

void html_add_element(dw_text *t, const char *tag, const char *text)
{
    dw_text_add(t, "<");
    dw_text_add(t, tag);
    dw_text_add(t, ">");
    html_add_escaped(t, text);
    dw_text_add(t, "</");
    for (const char *p = tag; *p && *p != ' '; p++) {
        const char one[] = { *p, '\0' };
        dw_text_add(t, one);
    }
    dw_text_add(t, ">\n");
}

static const char style[] =
    ":root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}"
    "body{display:grid;place-items:center;min-height:100vh;margin:0;padding:1rem;box-sizing:border-box}"
    "main{width:100%;max-width:22rem}"
    "h1{font-size:1.4rem;margin:0 0 .5rem}"
    "label{display:block;margin-top:1rem;font-weight:600}"
    "input{display:block;width:100%;box-sizing:border-box;font:inherit;padding:.6rem;margin-top:.25rem;"
    "border:1px solid "
    "GrayText;border-radius:.4rem}"
    "button{font:inherit;font-weight:600;padding:.6rem 1rem;margin:1.25rem .5rem 0 "
    "0;border-radius:.4rem;border:1px solid "
    "GrayText;cursor:pointer}"
    ".first{background:#1f5fbf;border-color:#1f5fbf;color:#fff}"
    ".problem{border-left:4px solid #c02626;padding:.25rem .75rem}"
    ".small{font-size:.9rem}";

dw_text *html_begin(dw_call *c, const char *nonce, bool is_german, const char *title)
{
    dw_text *t = dw_text_new(c);

    dw_text_add(t, is_german ? "<!doctype html>\n<html lang=\"de\">\n"
                             : "<!doctype html>\n<html lang=\"en\">\n");
    dw_text_add(t, "<head>\n<meta charset=\"utf-8\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    html_add_element(t, "title", title);
    dw_text_add(t, "<style nonce=\"");
    dw_text_add(t, nonce);
    dw_text_add(t, "\">");
    dw_text_add(t, style);
    dw_text_add(t, "</style>\n</head>\n<body>\n<main>\n");
    html_add_element(t, "h1", title);
    return t;
}

int html_reply(dw_call *c, dw_request *req, int status, dw_text *t, const char *nonce,
               const char *form_action)
{
    dw_text_add(t, "</main>\n</body>\n</html>\n");
    dw_str html = dw_text_get(t);
    const char *policy = dw_format(c,
                                   "default-src 'none'; style-src 'nonce-%s'; form-action 'self' %s; "
                                   "frame-ancestors 'none'; base-uri 'none'",
                                   nonce, form_action);

    DW_TRY(dw_reply_header(req, "Content-Security-Policy", policy));
    DW_TRY(dw_reply_header(req, "Referrer-Policy", "no-referrer")); /* an address may have a one-time token */
    DW_TRY(oauth_no_store(req));
    return dw_reply_bytes(req, status, "text/html; charset=utf-8", (dw_bytes){ html.p, html.n });
}

void html_add_input(dw_text *t, const char *label, const char *attributes, const char *value)
{
    dw_text_add(t, "<label>");
    html_add_escaped(t, label);
    dw_text_add(t, "<input required ");
    dw_text_add(t, attributes);
    dw_text_add(t, " value=\"");
    html_add_escaped(t, value);
    dw_text_add(t, "\"></label>\n");
}

void html_add_hidden(dw_text *t, const char *name, const char *value)
{
    if (!value)
        return;
    dw_text_add(t, "<input type=\"hidden\" name=\"");
    html_add_escaped(t, name);
    dw_text_add(t, "\" value=\"");
    html_add_escaped(t, value);
    dw_text_add(t, "\">\n");
}
