#include "cookie.h"

#include <string.h>

enum { VALUE_MAX = 100 };

/* base64url, as dw_random_token() makes it. */
static bool is_value(const char *p, size_t n)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    return n > 0 && n <= VALUE_MAX && strspn(p, alphabet) >= n;
}

const char *cookie_of(dw_call *c, dw_request *req, const char *name)
{
    const char *at = dw_request_header(req, "Cookie");
    size_t name_n = strlen(name);

    while (at && *at) {
        at += strspn(at, "; ");
        size_t n = strcspn(at, ";");
        if (n > name_n && strncmp(at, name, name_n) == 0 && at[name_n] == '=') {
            const char *value = at + name_n + 1;
            return is_value(value, n - name_n - 1) ? dw_copy(c, (dw_str){ value, n - name_n - 1 }) : NULL;
        }
        at += n;
    }
    return NULL;
}

int cookie_set(dw_call *c, dw_request *req, const char *name, const char *value, dw_span age)
{
    return dw_reply_header(req, "Set-Cookie",
                           dw_format(c, "%s=%s; Path=/; Max-Age=%lld; Secure; HttpOnly; SameSite=Lax", name,
                                     value, (long long)(age.us / DW_SECONDS(1).us)));
}

int cookie_clear(dw_call *c, dw_request *req, const char *name)
{
    return cookie_set(c, req, name, "", DW_SECONDS(0));
}

const char *cookie_csrf(dw_call *c, const char *value)
{
    const char *text = dw_format(c, "csrf of %s", value);
    const char *hash = dw_digest_hex(c, DW_SHA256, (dw_bytes){ text, strlen(text) });

    /* NULL only when memory is out: then something that nobody can send. */
    return hash ? hash : dw_random_token(c, 32);
}
