#include "secure/base64.h"

static bool is_padded(enum base64_form form)
{
    return form == BASE64_PADDED || form == BASE64_URL_PADDED;
}

static bool is_url(enum base64_form form)
{
    return form == BASE64_URL_PADDED || form == BASE64_URL_BARE;
}

size_t base64_size(size_t n, enum base64_form form)
{
    return is_padded(form) ? BASE64_PADDED_SIZE(n) : BASE64_BARE_SIZE(n);
}

/* ---- writing ---- */

static const char alphabets[2][65] = {
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

void base64_encode(char *out, struct str bytes, enum base64_form form)
{
    const char *alphabet = alphabets[is_url(form)];
    const unsigned char *p = (const unsigned char *)bytes.p;
    size_t left = bytes.n;

    for (; left >= 3; left -= 3, p += 3, out += 4) {
        unsigned group = (unsigned)p[0] << 16 | (unsigned)p[1] << 8 | p[2];
        out[0] = alphabet[group >> 18];
        out[1] = alphabet[group >> 12 & 63];
        out[2] = alphabet[group >> 6 & 63];
        out[3] = alphabet[group & 63];
    }
    if (left == 0)
        return;
    unsigned group = (unsigned)p[0] << 16 | (left == 2 ? (unsigned)p[1] << 8 : 0);
    *out++ = alphabet[group >> 18];
    *out++ = alphabet[group >> 12 & 63];
    if (left == 2)
        *out++ = alphabet[group >> 6 & 63];
    for (size_t i = left; is_padded(form) && i < 3; i++)
        *out++ = '=';
}

void base64_add(struct buf *out, struct str bytes, enum base64_form form)
{
    size_t n = base64_size(bytes.n, form);

    if (n == 0 || !buf_reserve(out, n))
        return;
    base64_encode(out->p + out->n, bytes, form);
    out->n += n;
}

/* ---- reading ---- */

/* Marks beside the six bits of a digit: of which alphabet it is not. */
enum { NOT_URL = 0x40, NOT_PLAIN = 0x80, NONE = NOT_URL | NOT_PLAIN };

/* From '+' to 'z', for both alphabets at once. */
static const unsigned char digits[] = {
    /* + , - . / */
    62 | NOT_URL, NONE, 62 | NOT_PLAIN, NONE, 63 | NOT_URL,
    /* 0 to 9, and : ; < = > ? @ */
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, NONE, NONE, NONE, NONE, NONE, NONE, NONE,
    /* A to Z, and [ \ ] ^ _ ` */
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, NONE, NONE,
    NONE, NONE, 63 | NOT_PLAIN, NONE,
    /* a to z */
    26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51
};

static unsigned digit_of(char c)
{
    size_t i = (size_t)(unsigned char)c - '+';
    return i < sizeof(digits) ? digits[i] : NONE;
}

/* The next n characters as one number of 6 n bits; their marks are collected. */
static unsigned take(const char *text, size_t n, unsigned *marks)
{
    unsigned group = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned digit = digit_of(text[i]);
        *marks |= digit;
        group = group << 6 | (digit & 63);
    }
    return group;
}

/* Less the padding; false when there is not as much of it as the form wants. */
static bool cut_padding(struct str *text, enum base64_form form)
{
    if (!is_padded(form))
        return text->n % 4 != 1;
    if (text->n % 4 != 0)
        return false;
    for (int i = 0; i < 2 && text->n && text->p[text->n - 1] == '='; i++)
        text->n--;
    return true;
}

int base64_decode(void *out, size_t *n, struct str text, enum base64_form form)
{
    unsigned marks = 0, group;
    unsigned char *to = out;

    *n = 0;
    if (!cut_padding(&text, form))
        return -1;
    for (; text.n >= 4; text.n -= 4, text.p += 4) {
        group = take(text.p, 4, &marks);
        *to++ = (unsigned char)(group >> 16);
        *to++ = (unsigned char)(group >> 8);
        *to++ = (unsigned char)group;
    }
    group = take(text.p, text.n, &marks);
    if (text.n == 3) {
        *to++ = (unsigned char)(group >> 10);
        *to++ = (unsigned char)(group >> 2);
    } else if (text.n == 2) {
        *to++ = (unsigned char)(group >> 4);
    }
    bool rest = group & (text.n == 3 ? 3 : text.n == 2 ? 15 : 0);
    if (rest || marks & (is_url(form) ? NOT_URL : NOT_PLAIN))
        return -1;
    *n = (size_t)(to - (unsigned char *)out);
    return 0;
}
