/* The formats of JSON Schema and of OpenAPI that texts can be checked against. */
#include <arpa/inet.h>
#include <idn2.h>
#include <stdlib.h>
#include <string.h>

#include "schema/inside.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_one_of(char c, const char *list)
{
    return c != '\0' && strchr(list, c) != NULL;
}

/* Takes n digits off the front, and what they say. */
static bool take_digits(struct str *s, size_t n, int *out)
{
    *out = 0;
    if (s->n < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!is_digit(s->p[i]))
            return false;
        *out = *out * 10 + (s->p[i] - '0');
    }
    *s = str_make(s->p + n, s->n - n);
    return true;
}

static bool take(struct str *s, const char *any)
{
    if (s->n == 0 || !is_one_of(*s->p, any))
        return false;
    *s = str_make(s->p + 1, s->n - 1);
    return true;
}

/* ---- RFC 3339 ---- */

static bool take_date(struct str *s)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int year, month, day;

    if (!take_digits(s, 4, &year) || !take(s, "-") || !take_digits(s, 2, &month) || !take(s, "-") ||
        !take_digits(s, 2, &day))
        return false;
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] + (month == 2 && is_leap);
}

static bool take_offset(struct str *s, int *minutes)
{
    int hour, minute;

    *minutes = 0;
    if (take(s, "Zz"))
        return true;
    if (s->n == 0 || !is_one_of(*s->p, "+-"))
        return false;
    int sign = *s->p == '-' ? -1 : 1;
    *s = str_make(s->p + 1, s->n - 1);
    if (!take_digits(s, 2, &hour) || !take(s, ":") || !take_digits(s, 2, &minute))
        return false;
    *minutes = sign * (hour * 60 + minute);
    return hour < 24 && minute < 60;
}

/* A second 60 is one that was put in: at the end of a day in UTC. */
static bool take_time(struct str *s)
{
    int hour, minute, second, offset, fraction;

    if (!take_digits(s, 2, &hour) || !take(s, ":") || !take_digits(s, 2, &minute) || !take(s, ":") ||
        !take_digits(s, 2, &second))
        return false;
    if (take(s, ".")) {
        if (!take_digits(s, 1, &fraction))
            return false;
        while (take_digits(s, 1, &fraction))
            ;
    }
    if (!take_offset(s, &offset) || hour > 23 || minute > 59 || second > 60)
        return false;
    return second < 60 || (hour * 60 + minute - offset + 2 * 1440) % 1440 == 1439;
}

static bool is_date(struct str s)
{
    return take_date(&s) && s.n == 0;
}

static bool is_time(struct str s)
{
    return take_time(&s) && s.n == 0;
}

static bool is_date_time(struct str s)
{
    return take_date(&s) && take(&s, "Tt") && take_time(&s) && s.n == 0;
}

/* Numbers with these units, each once and in this order. How many. */
static size_t take_units(struct str *s, const char *units)
{
    size_t n = 0;
    int digit;

    while (s->n > 0 && is_digit(*s->p)) {
        while (take_digits(s, 1, &digit))
            ;
        const char *unit = s->n > 0 && *s->p ? strchr(units, *s->p) : NULL;
        if (!unit)
            return 0;
        /* What is left out in the middle ("P1Y2D") RFC 3339's grammar does not have. */
        if (n > 0 && unit != units)
            return 0;
        units = unit + 1;
        *s = str_make(s->p + 1, s->n - 1);
        n++;
    }
    return s->n == 0 || *s->p == 'T' ? n : 0;
}

static bool is_duration(struct str s)
{
    if (!take(&s, "P"))
        return false;
    if (s.n > 0 && s.p[s.n - 1] == 'W')
        return take_units(&s, "W") == 1 && s.n == 0;
    bool has_days = s.n > 0 && *s.p != 'T';
    size_t days = take_units(&s, "YMD");
    if (has_days && days == 0)
        return false;
    if (s.n == 0)
        return days > 0;
    return take(&s, "T") && take_units(&s, "HMS") > 0 && s.n == 0;
}

/* ---- addresses ---- */

static bool has_form(int family, struct str s)
{
    unsigned char address[16];
    char text[64];

    if (s.n == 0 || s.n >= sizeof(text) || memchr(s.p, '\0', s.n))
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    return inet_pton(family, text, address) == 1;
}

static bool is_ipv4(struct str s)
{
    return has_form(AF_INET, s);
}

static bool is_ipv6(struct str s)
{
    return has_form(AF_INET6, s);
}

static bool is_label(struct str s)
{
    bool is_ace = s.n >= 4 && s.p[2] == '-' && s.p[3] == '-';

    if (s.n == 0 || s.n > 63 || s.p[0] == '-' || s.p[s.n - 1] == '-')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (!is_letter(s.p[i]) && !is_digit(s.p[i]) && s.p[i] != '-')
            return false;
    }
    return !is_ace || (str_equal_nocase(str_make(s.p, 2), STR_OF("xn")) && s.n > 4);
}

/* IDNA 2008 as libidn2 has it: what may stand in a name, the rules about neighbours and directions, and xn-- that really
 * is one. */
static bool is_international(struct str s)
{
    uint8_t *ascii = NULL;
    char name[1024];

    if (s.n == 0 || s.n >= sizeof(name) || memchr(s.p, '\0', s.n))
        return false;
    memcpy(name, s.p, s.n);
    name[s.n] = '\0';
    int rc =
        idn2_lookup_u8((const uint8_t *)name, &ascii, IDN2_NFC_INPUT | IDN2_ALABEL_ROUNDTRIP | IDN2_NO_TR46);
    idn2_free(ascii);
    return rc == IDN2_OK;
}

static bool is_ascii_hostname(struct str s, bool *has_ace)
{
    struct str label;

    *has_ace = false;
    if (s.n == 0 || s.n > 253 || s.p[s.n - 1] == '.')
        return false;
    while (s.n > 0 && str_split(&s, '.', &label)) {
        if (!is_label(label))
            return false;
        *has_ace |= label.n > 4 && str_equal_nocase(str_make(label.p, 4), STR_OF("xn--"));
    }
    return true;
}

static bool is_hostname(struct str s)
{
    bool has_ace;

    return is_ascii_hostname(s, &has_ace) && (!has_ace || is_international(s));
}

static bool is_ascii(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    }
    return true;
}

/* The dots of Chinese and Japanese writing divide labels as well. */
static bool is_idn_hostname(struct str s)
{
    static const struct str dots[] = { STR("\xe3\x80\x82"), STR("\xef\xbc\x8e"), STR("\xef\xbd\xa1") };
    char name[1024];
    size_t n = 0;

    if (s.n == 0 || s.n >= sizeof(name))
        return false;
    if (is_ascii(s))
        return is_hostname(s);
    for (size_t i = 0; i < s.n; n++) {
        struct str rest = str_make(s.p + i, s.n - i);
        bool is_dot = str_starts_with(rest, dots[0]) || str_starts_with(rest, dots[1]) ||
                      str_starts_with(rest, dots[2]);
        name[n] = is_dot ? '.' : s.p[i];
        i += is_dot ? 3 : 1;
    }
    struct str joined = str_make(name, n);
    return *name != '.' && name[n - 1] != '.' && !memmem(name, n, "..", 2) &&
           (is_ascii(joined) ? is_hostname(joined) : is_international(joined));
}

static bool is_quoted(struct str s, bool takes_others)
{
    if (s.n < 2 || s.p[0] != '"' || s.p[s.n - 1] != '"')
        return false;
    for (size_t i = 1; i + 1 < s.n; i++) {
        bool is_escaped = s.p[i] == '\\';
        if (is_escaped)
            i++;
        else if (s.p[i] == '"')
            return false;
        if (i + 1 >= s.n || (unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return false;
        if ((unsigned char)s.p[i] >= 0x80 && (!takes_others || is_escaped))
            return false;
    }
    return true;
}

static bool is_dot_atom(struct str s, bool takes_others)
{
    for (size_t i = 0; i < s.n; i++) {
        bool is_dot = s.p[i] == '.' && i > 0 && i + 1 < s.n && s.p[i - 1] != '.';
        bool is_other = takes_others && (unsigned char)s.p[i] >= 0x80;
        if (!is_dot && !is_other && !is_letter(s.p[i]) && !is_digit(s.p[i]) &&
            !is_one_of(s.p[i], "!#$%&'*+-/=?^_`{|}~"))
            return false;
    }
    return s.n > 0;
}

static bool is_domain(struct str s, bool takes_others)
{
    if (s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']') {
        struct str inside = str_make(s.p + 1, s.n - 2);
        if (inside.n > 5 && str_equal_nocase(str_make(inside.p, 5), STR_OF("IPv6:")))
            return is_ipv6(str_make(inside.p + 5, inside.n - 5));
        return is_ipv4(inside);
    }
    if (!takes_others)
        return is_hostname(s);
    return s.n > 0 && s.n <= 253 && s.p[0] != '.' && s.p[s.n - 1] != '.' && str_find(s, ' ') == s.n &&
           str_find(s, '@') == s.n;
}

static bool is_mailbox(struct str s, bool takes_others)
{
    size_t at = s.n;

    while (at > 0 && s.p[at - 1] != '@')
        at--;
    if (at < 2 || at - 1 > 64 || s.n > 254)
        return false;
    struct str local = str_make(s.p, at - 1);
    return (is_quoted(local, takes_others) || is_dot_atom(local, takes_others)) &&
           is_domain(str_make(s.p + at, s.n - at), takes_others);
}

static bool is_email(struct str s)
{
    return is_mailbox(s, false);
}

static bool is_idn_email(struct str s)
{
    return is_mailbox(s, true);
}

/* ---- URIs ---- */

static bool are_uri_characters(struct str s, const char *others, bool is_iri)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '%') {
            if (i + 2 >= s.n || !is_hex(s.p[i + 1]) || !is_hex(s.p[i + 2]))
                return false;
            i += 2;
        } else if (!is_letter(s.p[i]) && !is_digit(s.p[i]) && !is_one_of(s.p[i], "-._~!$&'()*+,;=") &&
                   !is_one_of(s.p[i], others) && !(is_iri && (unsigned char)s.p[i] >= 0x80)) {
            return false;
        }
    }
    return true;
}

static bool is_port(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!is_digit(s.p[i]))
            return false;
    }
    return true;
}

/* What stands in brackets: an IPv6 address, or one of a later form: v1.anything. */
static bool is_ip_literal(struct str s)
{
    size_t dot = str_find(s, '.');

    if (s.n == 0 || (*s.p != 'v' && *s.p != 'V'))
        return is_ipv6(s);
    for (size_t i = 1; i < dot; i++) {
        if (!is_hex(s.p[i]))
            return false;
    }
    return dot > 1 && dot + 1 < s.n && str_find(s, '%') == s.n &&
           are_uri_characters(str_make(s.p + dot + 1, s.n - dot - 1), ":", false);
}

static bool is_authority(struct str s, bool is_iri)
{
    size_t at = str_find(s, '@');

    if (at < s.n) {
        if (!are_uri_characters(str_make(s.p, at), ":", is_iri))
            return false;
        s = str_make(s.p + at + 1, s.n - at - 1);
    }
    if (s.n > 0 && *s.p == '[') {
        size_t end = str_find(s, ']');
        struct str rest = end < s.n ? str_make(s.p + end + 1, s.n - end - 1) : STR_OF("x");
        return is_ip_literal(str_make(s.p + 1, end - (end < s.n))) &&
               (rest.n == 0 || (*rest.p == ':' && is_port(str_make(rest.p + 1, rest.n - 1))));
    }
    size_t colon = str_find(s, ':');
    return are_uri_characters(str_make(s.p, colon), "", is_iri) &&
           (colon == s.n || is_port(str_make(s.p + colon + 1, s.n - colon - 1)));
}

static bool take_scheme(struct str *s)
{
    size_t n = 0;

    while (n < s->n && (is_letter(s->p[n]) || (n > 0 && (is_digit(s->p[n]) || is_one_of(s->p[n], "+-.")))))
        n++;
    if (n == 0 || n == s->n || s->p[n] != ':')
        return false;
    *s = str_make(s->p + n + 1, s->n - n - 1);
    return true;
}

static bool is_reference(struct str s, bool is_iri, bool needs_scheme)
{
    bool has_scheme = take_scheme(&s);
    size_t hash = str_find(s, '#');

    if (needs_scheme && !has_scheme)
        return false;
    if (hash < s.n && !are_uri_characters(str_make(s.p + hash + 1, s.n - hash - 1), ":@/?", is_iri))
        return false;
    s.n = hash;
    size_t question = str_find(s, '?');
    if (question < s.n &&
        !are_uri_characters(str_make(s.p + question + 1, s.n - question - 1), ":@/?", is_iri))
        return false;
    s.n = question;
    if (str_starts_with(s, STR_OF("//"))) {
        size_t n = 2;
        while (n < s.n && s.p[n] != '/')
            n++;
        if (!is_authority(str_make(s.p + 2, n - 2), is_iri))
            return false;
        s = str_make(s.p + n, s.n - n);
    } else if (!has_scheme && str_find(s, ':') < str_find(s, '/')) {
        return false;
    }
    return are_uri_characters(s, ":@/", is_iri);
}

static bool is_uri(struct str s)
{
    return is_reference(s, false, true);
}

static bool is_uri_reference(struct str s)
{
    return is_reference(s, false, false);
}

static bool is_iri(struct str s)
{
    return is_reference(s, true, true);
}

static bool is_iri_reference(struct str s)
{
    return is_reference(s, true, false);
}

/* 1 to 9999 */
static bool is_prefix_length(struct str s)
{
    return s.n > 0 && s.n <= 4 && *s.p != '0' && is_port(s);
}

/* RFC 6570: names and their modifiers in braces. */
static bool is_expression(struct str s)
{
    struct str name;

    if (s.n > 0 && is_one_of(*s.p, "+#./;?&=,!@|"))
        s = str_make(s.p + 1, s.n - 1);
    if (s.n == 0 || s.p[s.n - 1] == ',')
        return false;
    while (s.n > 0 && str_split(&s, ',', &name)) {
        if (name.n > 0 && name.p[name.n - 1] == '*')
            name.n--;
        size_t colon = str_find(name, ':');
        if (colon < name.n && !is_prefix_length(str_make(name.p + colon + 1, name.n - colon - 1)))
            return false;
        name.n = colon;
        if (name.n == 0 || name.p[0] == '.' || name.p[name.n - 1] == '.' || memmem(name.p, name.n, "..", 2))
            return false;
        for (size_t i = 0; i < name.n; i++) {
            if (!is_letter(name.p[i]) && !is_digit(name.p[i]) && !is_one_of(name.p[i], "_.%"))
                return false;
        }
    }
    return true;
}

static bool is_uri_template(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '{') {
            size_t end = str_find(str_make(s.p + i, s.n - i), '}');
            if (i + end == s.n || !is_expression(str_make(s.p + i + 1, end - 1)))
                return false;
            i += end;
        } else if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f || is_one_of(s.p[i], "\"<>\\^`|}")) {
            return false;
        }
    }
    return true;
}

/* ---- others ---- */

static bool is_pointer(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '~' && (i + 1 == s.n || !is_one_of(s.p[i + 1], "01")))
            return false;
    }
    return s.n == 0 || *s.p == '/';
}

static bool is_relative_pointer(struct str s)
{
    size_t n = 0;

    while (n < s.n && is_digit(s.p[n]))
        n++;
    if (n == 0 || (n > 1 && *s.p == '0'))
        return false;
    struct str rest = str_make(s.p + n, s.n - n);
    return str_equal(rest, STR_OF("#")) || is_pointer(rest);
}

static bool is_regex(struct str s)
{
    struct buf why = BUF_INIT;
    struct pattern *p = pattern_create(s, &why);
    bool result = p != NULL;

    pattern_destroy(p);
    buf_finish(&why);
    return result;
}

static bool is_uuid(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? s.p[i] != '-' : !is_hex(s.p[i]))
            return false;
    }
    return s.n == 36;
}

static bool is_base64(struct str s)
{
    size_t n = s.n;

    while (n > 0 && s.n - n < 2 && s.p[n - 1] == '=')
        n--;
    for (size_t i = 0; i < n; i++) {
        if (!is_letter(s.p[i]) && !is_digit(s.p[i]) && s.p[i] != '+' && s.p[i] != '/')
            return false;
    }
    return s.n % 4 == 0;
}

format_check format_find(struct str name)
{
    static const struct {
        const char *name;
        format_check check;
    } formats[] = {
        { "byte", is_base64 },
        { "date", is_date },
        { "date-time", is_date_time },
        { "duration", is_duration },
        { "email", is_email },
        { "hostname", is_hostname },
        { "idn-email", is_idn_email },
        { "idn-hostname", is_idn_hostname },
        { "ipv4", is_ipv4 },
        { "ipv6", is_ipv6 },
        { "iri", is_iri },
        { "iri-reference", is_iri_reference },
        { "json-pointer", is_pointer },
        { "regex", is_regex },
        { "relative-json-pointer", is_relative_pointer },
        { "time", is_time },
        { "uri", is_uri },
        { "uri-reference", is_uri_reference },
        { "uri-template", is_uri_template },
        { "uuid", is_uuid },
    };

    for (size_t i = 0; i < DW_COUNT_OF(formats); i++) {
        if (str_equal(name, str_from(formats[i].name)))
            return formats[i].check;
    }
    return NULL;
}
