#include "client/url.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char no_memory[] = "memory is out";

/* A copy of one part on our heap, or NULL when there is none. */
static char *part(CURLU *u, CURLUPart what, unsigned flags)
{
    char *text = NULL, *copy = NULL;

    if (curl_url_get(u, what, &text, flags) == CURLUE_OK)
        copy = strdup(text);
    curl_free(text);
    return copy;
}

/* White space and control characters: some parsers skip them, some stop at them. */
static bool has_control(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text <= 0x20 || *text == 0x7f)
            return true;
    }
    return false;
}

/* A last label of digits only is an address gone wrong ("127.0.0.256", "08"), which resolvers read differently. */
static bool ends_in_number(struct str host)
{
    size_t digits = 0;

    if (host.n > 0 && host.p[host.n - 1] == '.')
        host.n--;
    while (digits < host.n && host.p[host.n - 1 - digits] >= '0' && host.p[host.n - 1 - digits] <= '9')
        digits++;
    return digits > 0 && (digits == host.n || host.p[host.n - 1 - digits] == '.');
}

static bool is_name(const char *host)
{
    size_t label = 0;

    for (const char *p = host; *p; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '-' || *p == '_';
        if (*p == '.' ? label == 0 : !plain)
            return false;
        label = *p == '.' ? 0 : label + 1;
        if (label > 63)
            return false;
    }
    return *host && strlen(host) <= 254 && !ends_in_number(str_from(host));
}

static void lower(char *text)
{
    for (; *text; text++) {
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text | 0x20);
    }
}

/* Names beyond ASCII are not converted: libcurl would do it by the process' locale, so the same URL would work in one
 * shell and not in the other, and full-width digits would become addresses behind our back. */
static char *ascii_host(CURLU *u)
{
    char *host = part(u, CURLUPART_HOST, 0);

    if (host)
        lower(host);
    return host;
}

/* Takes `host` as the parser gave it, brackets and all; leaves the canonical one in *out and in u. */
static int set_host(CURLU *u, char *host, char **out, struct address *address, const char **why)
{
    char text[ADDRESS_TEXT_SIZE], bracketed[ADDRESS_TEXT_SIZE + 2];
    const char *canonical = host;

    *out = host;
    if (address_parse_lenient(str_from(host), address) == 0) {
        address_format(address, text);
        free(host);
        *out = strdup(text);
        if (!*out) {
            *why = no_memory;
            return -1;
        }
        canonical = text;
        if (address->size == 16) {
            snprintf(bracketed, sizeof(bracketed), "[%s]", text);
            canonical = bracketed;
        }
    } else if (!is_name(host)) {
        *why = "its host is neither a name nor an address (a name beyond ASCII is written as xn--...)";
        return -1;
    }
    if (curl_url_set(u, CURLUPART_HOST, canonical, 0) != CURLUE_OK) {
        *why = "its host cannot be used";
        return -1;
    }
    return 0;
}

static int set_port(CURLU *u, bool tls, uint16_t *out, const char **why)
{
    uint64_t port = 0;
    char *text = part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    bool good = text && str_to_uint(str_from(text), 65535, &port) && port > 0;

    free(text);
    *out = (uint16_t)port;
    if (good && port == (tls ? 443 : 80))
        curl_url_set(u, CURLUPART_PORT, NULL, 0);
    if (!good)
        *why = "its port is not one of 1 to 65535";
    return good ? 0 : -1;
}

static char *without_query(const char *text)
{
    return strndup(text, strcspn(text, "?#"));
}

static const char *explain(CURLUcode code)
{
    switch (code) {
    case CURLUE_USER_NOT_ALLOWED: return "it holds a user name or password; set them beside the URL";
    case CURLUE_UNSUPPORTED_SCHEME:
    case CURLUE_BAD_SCHEME: return "only http:// and https:// can be asked";
    case CURLUE_BAD_PORT_NUMBER: return "its port is not one of 1 to 65535";
    case CURLUE_OUT_OF_MEMORY: return no_memory;
    default: return "it is not a URL; write it as https://host/path";
    }
}

static int read_url(CURLU *u, const char *text, const struct url *base, const char **why)
{
    CURLUcode code = CURLUE_OK;

    if (has_control(text)) {
        *why = "it holds white space or a control character; percent-encode it";
        return -1;
    }
    if (base)
        code = curl_url_set(u, CURLUPART_URL, base->text, 0);
    if (code == CURLUE_OK)
        code = curl_url_set(u, CURLUPART_URL, text, CURLU_DISALLOW_USER | CURLU_URLENCODE);
    if (code != CURLUE_OK)
        *why = explain(code);
    return code == CURLUE_OK ? 0 : -1;
}

static bool has_part(CURLU *u, CURLUPart what)
{
    char *text = part(u, what, 0);

    free(text);
    return text != NULL;
}

int url_parse(struct url *out, const char *text, const struct url *base, const char **why)
{
    CURLU *u = curl_url();
    char *scheme = NULL, *host;
    int result = -1;

    memset(out, 0, sizeof(*out));
    *why = no_memory;
    if (!u || read_url(u, text, base, why) != 0)
        goto done;
    scheme = part(u, CURLUPART_SCHEME, 0);
    if (!scheme || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)) {
        *why = explain(CURLUE_BAD_SCHEME);
        goto done;
    }
    out->tls = scheme[4] == 's';
    if (has_part(u, CURLUPART_USER) || has_part(u, CURLUPART_PASSWORD)) {
        *why = explain(CURLUE_USER_NOT_ALLOWED);
        goto done;
    }
    if (has_part(u, CURLUPART_ZONEID)) {
        *why = "its address names a network interface (zone)";
        goto done;
    }
    host = ascii_host(u);
    if (!host) {
        *why = "its host is not a name that can be looked up";
        goto done;
    }
    if (set_host(u, host, &out->host, &out->address, why) != 0 || set_port(u, out->tls, &out->port, why) != 0)
        goto done;
    curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
    *why = no_memory;
    out->text = part(u, CURLUPART_URL, 0);
    out->shown = out->text ? without_query(out->text) : NULL;
    result = out->shown ? 0 : -1;
done:
    free(scheme);
    curl_url_cleanup(u);
    return result;
}

void url_finish(struct url *u)
{
    if (u->text)
        explicit_bzero(u->text, strlen(u->text)); /* queries carry keys */
    free(u->text);
    free(u->shown);
    free(u->host);
    memset(u, 0, sizeof(*u));
}

bool url_same_origin(const struct url *a, const struct url *b)
{
    return a->tls == b->tls && a->port == b->port && strcmp(a->host, b->host) == 0;
}

int proxy_url_parse(struct proxy_url *out, const char *text, const char **why)
{
    CURLU *u = curl_url();
    char *scheme = NULL, *host;
    int result = -1;

    memset(out, 0, sizeof(*out));
    *why = no_memory;
    if (!u)
        return -1;
    *why = "it is not a URL; write it as http://host:port or socks5h://host:port";
    if (has_control(text) || curl_url_set(u, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
        goto done;
    scheme = part(u, CURLUPART_SCHEME, 0);
    out->socks = scheme && strcmp(scheme, "socks5h") == 0;
    if (!out->socks && (!scheme || strcmp(scheme, "http") != 0)) {
        *why = "only http:// and socks5h:// proxies are supported";
        goto done;
    }
    if (!has_part(u, CURLUPART_PORT)) {
        *why = "it has no port; write it as http://host:port";
        goto done;
    }
    host = ascii_host(u);
    if (!host || set_host(u, host, &out->host, &out->address, why) != 0 ||
        set_port(u, false, &out->port, why) != 0)
        goto done;
    out->user = part(u, CURLUPART_USER, CURLU_URLDECODE);
    out->password = part(u, CURLUPART_PASSWORD, CURLU_URLDECODE);
    result = 0;
done:
    free(scheme);
    curl_url_cleanup(u);
    return result;
}

void proxy_url_finish(struct proxy_url *u)
{
    if (u->password)
        explicit_bzero(u->password, strlen(u->password));
    free(u->host);
    free(u->user);
    free(u->password);
    memset(u, 0, sizeof(*u));
}

static void add_encoded(struct buf *out, struct str s)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c && strchr("-._~", c));
        char escape[3] = { '%', hex[c >> 4], hex[c & 15] };
        if (plain)
            buf_add_char(out, (char)c);
        else
            buf_add(out, escape, sizeof(escape));
    }
}

void url_add_query(struct buf *url, struct str name, struct str value)
{
    buf_add_char(url, str_find(buf_str(url), '?') < url->n ? '&' : '?');
    add_encoded(url, name);
    buf_add_char(url, '=');
    add_encoded(url, value);
}
