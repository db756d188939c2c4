/* connection_url.c - which URL a connector means by what it asks for.
 *
 * What it asks for may come from the peer itself (the next page, a location): it must not lead the connection's credentials,
 * nor its permission to go inside, anywhere but to the connection's address. */
#include <string.h>

#include "client/url.h"
#include "plugin/connection.h"

/* ---- climbing out by a path ---- */

/* The path as a server may come to read it, which takes "%2e%2e%2f" for "../". */
static int decode(struct buf *out, struct str path)
{
    for (size_t i = 0; i < path.n; i++) {
        char c = path.p[i];
        int high = c == '%' && i + 2 < path.n ? str_hex_digit(path.p[i + 1]) : -1;
        int low = high >= 0 ? str_hex_digit(path.p[i + 2]) : -1;
        if (low >= 0) {
            c = (char)(high * 16 + low);
            i += 2;
        }
        buf_add_char(out, c == '\\' ? '/' : c);
    }
    return buf_failed(out) ? -1 : 0;
}

/* Of a part some servers read only what stands before a ';'. */
static bool climbs(struct str path)
{
    struct str part;

    while (path.n > 0 && str_split(&path, '/', &part)) {
        part.n = str_find(part, ';');
        if (str_equal(part, STR_OF("..")) || str_equal(part, STR_OF(".")))
            return true;
    }
    return false;
}

/* Without query and fragment. */
static struct str path_of(const char *text)
{
    return str_make(text, strcspn(text, "?#"));
}

static int check_path(const char *url, const char **why)
{
    struct buf path = BUF_INIT;
    int rc = decode(&path, path_of(url));

    *why = "memory is out";
    if (rc == 0 && climbs(buf_str(&path))) {
        *why = "its path holds \"..\" or \".\"";
        rc = -1;
    }
    buf_finish(&path);
    return rc;
}

/* ---- whole URLs ---- */

static bool is_border(char c)
{
    return c == 0 || c == '/' || c == '?';
}

/* Both as they would be asked. */
static bool begins_as(const struct url *whole, const struct url *address)
{
    size_t n = strlen(address->text);

    while (n > 0 && address->text[n - 1] == '/')
        n--;
    return strncmp(whole->text, address->text, n) == 0 && is_border(whole->text[n]);
}

static int check_whole(const char *address, const char *url, const char **why)
{
    struct url base = { 0 }, whole = { 0 };
    int rc = url_parse(&base, address, NULL, why);

    if (rc == 0)
        rc = url_parse(&whole, url, NULL, why);
    if (rc == 0 && !begins_as(&whole, &base)) {
        *why = "it does not begin as the connection's address does";
        rc = -1;
    }
    url_finish(&base);
    url_finish(&whole);
    return rc;
}

/* ---- all ---- */

static bool is_whole(const char *url)
{
    size_t scheme = strcspn(url, ":/?#");

    return scheme > 0 && url[scheme] == ':';
}

int connection_url(struct buf *out, const char *address, const char *url, const char **why)
{
    size_t n = strlen(address);

    if (check_path(url, why) != 0)
        return -1;
    if (is_whole(url)) {
        if (check_whole(address, url, why) != 0)
            return -1;
        buf_add(out, url, strcspn(url, "#"));
        return 0;
    }
    if ((!is_border(*url) && *url != '#') || (*url == '/' && url[1] == '/')) {
        *why = "it is neither a path that begins with one '/' nor a whole URL";
        return -1;
    }
    while (n > 0 && address[n - 1] == '/')
        n--;
    buf_add(out, address, n);
    buf_add(out, url, strcspn(url, "#"));
    return 0;
}
