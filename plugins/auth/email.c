#include "email.h"

#include <ctype.h>
#include <idn2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>

/* The bytes written, or 0: nothing, or it did not fit. */
static size_t fold(const char *text, size_t n, char *out, size_t size)
{
    size_t folded_n = size - 1;
    uint8_t *folded = u8_casefold((const uint8_t *)text, n, NULL, UNINORM_NFKC, (uint8_t *)out, &folded_n);

    if (folded && folded != (uint8_t *)out) {
        free(folded);
        return 0;
    }
    if (!folded)
        return 0;
    out[folded_n] = '\0';
    return folded_n;
}

int fold_text(const char *text, char out[FOLDED_SIZE])
{
    size_t n = strlen(text);

    *out = '\0';
    if (n == 0)
        return 0;
    return !u8_check((const uint8_t *)text, n) && fold(text, n, out, FOLDED_SIZE) > 0 ? 0 : -1;
}

/* Of what is left after folding: no blanks, no controls, no second @. Quoted names ("a b"@c) are not taken. */
static bool is_name(const char *name, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)name[i] <= ' ' || name[i] == 0x7f || strchr("@\"(),:;<>[\\]", name[i]))
            return false;
    }
    return n > 0 && name[0] != '.' && name[n - 1] != '.';
}

/* Letters, digits and what is beyond ASCII, before as after: libidn2 lets blanks through, or takes them out. */
static bool has_good_characters(const char *domain)
{
    for (const char *p = domain; *p; p++) {
        if ((unsigned char)*p < 0x80 && !isalnum((unsigned char)*p) && *p != '-' && *p != '.')
            return false;
    }
    return true;
}

/* One of the Internet: two labels at least, none of them empty; but localhost, for trying things out. */
static bool is_domain(const char *domain)
{
    if (strcmp(domain, "localhost") == 0)
        return true;
    return has_good_characters(domain) && strchr(domain, '.') && *domain != '.' && !strstr(domain, "..") &&
           domain[strlen(domain) - 1] != '.';
}

static size_t fold_domain(const char *domain, char *out, size_t size)
{
    char *ascii = NULL;
    size_t n = 0;

    if (has_good_characters(domain) &&
        idn2_lookup_u8((const uint8_t *)domain, (uint8_t **)&ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) ==
            IDN2_OK &&
        is_domain(ascii) && strlen(ascii) < size) {
        n = strlen(ascii);
        for (size_t i = 0; i <= n; i++)
            out[i] = (char)tolower((unsigned char)ascii[i]);
    }
    idn2_free(ascii);
    return n;
}

int email_key(const char *email, char out[EMAIL_KEY_SIZE])
{
    const char *at = strrchr(email, '@');
    size_t n;

    if (!at || strlen(email) > EMAIL_MAX || u8_check((const uint8_t *)email, strlen(email)))
        return -1;
    n = fold(email, (size_t)(at - email), out, EMAIL_KEY_SIZE - 1);
    if (n == 0 || !is_name(out, n))
        return -1;
    out[n++] = '@';
    return fold_domain(at + 1, out + n, EMAIL_KEY_SIZE - n) > 0 ? 0 : -1;
}
