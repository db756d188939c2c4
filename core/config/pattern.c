#include "config/pattern.h"

#include <dirent.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/address.h"
#include "util/compiler.h"

enum { HOST_MAX = 253, LABEL_MAX = 63 };

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool is_label(struct str label)
{
    if (label.n == 0 || label.n > LABEL_MAX || label.p[0] == '-' || label.p[label.n - 1] == '-')
        return false;
    for (size_t i = 0; i < label.n; i++) {
        if (!is_name_char(label.p[i]))
            return false;
    }
    return true;
}

/* A last label of digits would be an address that the strict reader refuses (127.1, 0177.0.0.1). */
static bool is_host(struct str host)
{
    struct address address;
    struct str rest = host, label = { NULL, 0 };
    uint64_t number;

    if (host.n == 0 || host.n > HOST_MAX)
        return false;
    if (address_parse(host, &address) == 0)
        return true;
    while (str_split(&rest, '.', &label)) {
        if (!is_label(label))
            return false;
    }
    return !str_to_uint(label, UINT64_MAX, &number);
}

static bool is_port(struct str port)
{
    uint64_t number;
    return str_to_uint(port, 65535, &number) && number > 0;
}

/* HOST, HOST:PORT, [IPV6]:PORT */
static bool is_authority(struct str text)
{
    size_t end = text.n && text.p[0] == '[' ? str_find(text, ']') + 1 : str_find(text, ':');

    if (end > text.n || !is_host(str_make(text.p, end)))
        return false;
    if (end == text.n)
        return true;
    return text.p[end] == ':' && is_port(str_make(text.p + end + 1, text.n - end - 1));
}

static bool cut_scheme(struct str *text, const char *const *schemes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct str scheme = str_from(schemes[i]);
        if (str_starts_with(*text, scheme)) {
            text->p += scheme.n;
            text->n -= scheme.n;
            return true;
        }
    }
    return false;
}

static const char *const web[] = { "https://", "http://" };

static bool has_blank(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] <= ' ')
            return true;
    }
    return false;
}

static size_t authority_length(struct str text)
{
    size_t n = 0;
    while (n < text.n && !strchr("/?#", text.p[n]))
        n++;
    return n;
}

static const char *refuse_url(struct str text)
{
    if (has_blank(text) || !cut_scheme(&text, web, DW_COUNT_OF(web)))
        return "is not a URL like https://host.example/path";
    struct str authority = str_make(text.p, authority_length(text));
    if (str_find(authority, '@') < authority.n)
        return "has a user in the URL; names and passwords have items of their own";
    if (!is_authority(authority))
        return "has no valid host in the URL; it should look like https://host.example/path";
    if (str_find(text, '#') < text.n)
        return "has a fragment (#) in the URL";
    return NULL;
}

static const char *refuse_proxy(struct str text)
{
    static const char *const schemes[] = { "http://", "https://", "socks5://", "socks5h://" };

    if (has_blank(text) || !cut_scheme(&text, schemes, DW_COUNT_OF(schemes)))
        return "is not a proxy like http://host.example:3128";
    size_t at = str_find(text, '@');
    if (at < text.n)
        text = str_make(text.p + at + 1, text.n - at - 1);
    if (str_ends_with(text, STR_OF("/")))
        text.n--;
    return is_authority(text) ? NULL : "has no valid host; it should look like http://host.example:3128";
}

static const char *refuse_origin(struct str text)
{
    if (str_equal(text, STR_OF("*")))
        return NULL;
    if (!cut_scheme(&text, web, DW_COUNT_OF(web)))
        return "is not an origin like https://app.example";
    if (str_find(text, '/') < text.n)
        return "is an origin with a path; leave out everything after host and port, the last slash too";
    return is_authority(text) ? NULL : "is not an origin like https://app.example";
}

static const char *refuse_address(struct str text)
{
    struct address address;
    return address_parse(text, &address) == 0 ? NULL : "is not an IP address like 192.0.2.1 or 2001:db8::1";
}

static const char *refuse_network(struct str text)
{
    struct network network;
    size_t slash = str_find(text, '/');

    if (network_parse(text, &network) == 0)
        return NULL;
    if (address_parse(str_make(text.p, slash), &network.base) == 0 && slash < text.n)
        return "is not a network: the prefix length is wrong, or bits after it are set (10.0.0.0/8, not "
               "10.1.2.3/8)";
    return "is not a network like 10.0.0.0/8, 192.0.2.1 or fd00::/8";
}

static const char *refuse_host(struct str text)
{
    return is_host(text) ? NULL : "is not a host name or IP address";
}

static const char *refuse_email(struct str text)
{
    size_t at = str_find(text, '@');

    if (at == 0 || at > 64 || at == text.n || has_blank(text) ||
        !is_host(str_make(text.p + at + 1, text.n - at - 1)))
        return "is not an e-mail address like name@host.example";
    return NULL;
}

static const char *refuse_path(struct str text)
{
    return text.n < 4096 ? NULL : "is longer than a path can be";
}

static const char *refuse_file(struct str text)
{
    struct stat st;

    if (stat(text.p, &st) != 0)
        return "names a file that is not there or cannot be reached (paths are relative to where the server "
               "starts)";
    if (!S_ISREG(st.st_mode))
        return "does not name a file";
    return access(text.p, R_OK) == 0 ? NULL : "names a file that this user may not read";
}

static const char *refuse_directory(struct str text)
{
    struct stat st;

    if (stat(text.p, &st) != 0)
        return "names a directory that is not there or cannot be reached (paths are relative to where the "
               "server "
               "starts)";
    if (!S_ISDIR(st.st_mode))
        return "does not name a directory";
    return access(text.p, R_OK | X_OK) == 0 ? NULL
                                            : "names a directory that this user may not enter and read";
}

/* Names of zones have letters, digits, '-', '_', '+' and '/'; nothing that leaves the folder. */
static const char *refuse_zone(struct str text)
{
    static const char wrong[] = "is not a time zone that this machine knows, like Europe/Berlin or UTC";
    char path[128];
    struct stat st;

    for (size_t i = 0; i < text.n; i++) {
        if (!is_name_char(text.p[i]) && text.p[i] != '+' && text.p[i] != '/')
            return wrong;
    }
    if (text.n == 0 || text.n > 64 || text.p[0] == '/')
        return wrong;
    if (str_equal(text, STR_OF("UTC")))
        return NULL;
    snprintf(path, sizeof(path), "/usr/share/zoneinfo/%.*s", STR_ARG(text));
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? NULL : wrong;
}

static const struct pattern {
    const char *name, *words;
    const char *(*refuse)(struct str text);
} patterns[] = {
    { "url", "a URL", refuse_url },
    { "proxy", "a proxy's URL", refuse_proxy },
    { "origin", "`*` or an origin like `https://app.example`", refuse_origin },
    { "address", "an IP address", refuse_address },
    { "network", "a network like `10.0.0.0/8`", refuse_network },
    { "host", "a host name or IP address", refuse_host },
    { "email", "an e-mail address", refuse_email },
    { "path", "a path", refuse_path },
    { "file", "the path of a file that can be read", refuse_file },
    { "directory", "the path of a directory", refuse_directory },
    { "zone", "a time zone like `Europe/Berlin`", refuse_zone },
};

static const struct pattern *find(const char *name)
{
    for (size_t i = 0; i < DW_COUNT_OF(patterns); i++) {
        if (strcmp(patterns[i].name, name) == 0)
            return &patterns[i];
    }
    return NULL;
}

static const char *refuse_expression(const char *pattern, struct str text)
{
    char expression[512];
    regex_t compiled;
    size_t n = strlen(pattern);

    if (n < 3 || n >= sizeof(expression) || pattern[n - 1] != '/')
        return "cannot be checked: its pattern is no expression between slashes";
    memcpy(expression, pattern + 1, n - 2);
    expression[n - 2] = 0;
    if (regcomp(&compiled, expression, REG_EXTENDED | REG_NOSUB) != 0)
        return "cannot be checked: its pattern is not a POSIX extended regular expression";
    int result = regexec(&compiled, text.p, 0, NULL, 0);
    regfree(&compiled);
    return result == 0 ? NULL : "does not have the form that is wanted";
}

const char *pattern_refuses(const char *pattern, struct str text)
{
    if (pattern[0] == '/')
        return refuse_expression(pattern, text);
    const struct pattern *known = find(pattern);
    return known ? known->refuse(text) : "cannot be checked: its pattern is unknown";
}

const char *pattern_words(const char *pattern)
{
    const struct pattern *known = find(pattern);
    return known ? known->words : NULL;
}
