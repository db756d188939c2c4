#include "plugin/cursor.h"

#include <stdlib.h>

#include "secure/keyring.h"

/* ---- what is sealed: "notes operation listNotes TENANT -created_at\n", and a line for each key ---- */

void cursor_begin(struct request *r, const char *order, struct buf *plain)
{
    const dw_call *c = r->c;

    buf_add_format(plain, "%s %s %s %s\n", c->instance->name, r->route->what, c->tenant ? c->tenant : "-",
                   order);
}

int cursor_note(struct request *r, const char *name, const struct db_cell *cell, struct buf *plain)
{
    switch (cell->type) {
    case DB_BOOLEAN: buf_add_format(plain, "b%lld\n", (long long)cell->i); return 0;
    case DB_INTEGER: buf_add_format(plain, "i%lld\n", (long long)cell->i); return 0;
    case DB_TIME: buf_add_format(plain, "m%lld\n", (long long)cell->i); return 0;
    case DB_REAL: buf_add_format(plain, "r%.17g\n", cell->r); return 0;
    case DB_TEXT:
    case DB_UUID: buf_add_format(plain, "t%zu %.*s\n", cell->text.n, STR_ARG(cell->text)); return 0;
    default:
        return call_misuse(r->c, "dw_reply_list: the column \"%s\" cannot order a list: it holds %s", name,
                           cell->type == DB_NULL ? "null" : "json, bytes or decimals");
    }
}

/* "17\n" at the beginning of *rest, which is behind it then. */
static bool take_number(struct str *rest, char end, int64_t *out)
{
    struct str digits;
    uint64_t size;

    if (str_find(*rest, end) == rest->n || !str_split(rest, end, &digits))
        return false;
    bool negative = digits.n > 0 && digits.p[0] == '-';
    if (!str_to_uint(str_make(digits.p + negative, digits.n - negative), (uint64_t)INT64_MAX + negative,
                     &size))
        return false;
    *out = negative ? (int64_t)(0 - size) : (int64_t)size;
    return true;
}

static bool take_text(struct str *rest, dw_value *out)
{
    int64_t n;

    if (!take_number(rest, ' ', &n) || n < 0 || (size_t)n >= rest->n || rest->p[n] != '\n')
        return false;
    *out = (dw_value){ .type = DW_TEXT, .as.p = rest->p, .n = (size_t)n };
    *rest = str_make(rest->p + n + 1, rest->n - (size_t)n - 1);
    return true;
}

static bool take_real(struct str *rest, dw_value *out)
{
    struct str text;

    if (!str_split(rest, '\n', &text) || text.n == 0)
        return false;
    *out = (dw_value){ .type = DW_REAL,
                       .as.r = strtod(text.p, NULL) }; /* we wrote it, and a line end is behind it */
    return true;
}

static bool take_key(struct str *rest, dw_value *out)
{
    if (rest->n < 2)
        return false;
    char kind = rest->p[0];
    *rest = str_make(rest->p + 1, rest->n - 1);
    switch (kind) {
    case 't': return take_text(rest, out);
    case 'r': return take_real(rest, out);
    case 'b': *out = (dw_value){ .type = DW_BOOL }; break;
    case 'i': *out = (dw_value){ .type = DW_INT }; break;
    case 'm': *out = (dw_value){ .type = DW_TIME }; break;
    default: return false;
    }
    return take_number(rest, '\n', &out->as.i);
}

/* The keys behind what every cursor of this list begins with. */
static bool read_keys(struct request *r, const char *order, struct str plain, dw_value *keys, size_t n)
{
    struct buf begin = BUF_INIT;

    cursor_begin(r, order, &begin);
    bool is = !buf_failed(&begin) && str_starts_with(plain, buf_str(&begin));
    if (is)
        plain = str_make(plain.p + begin.n, plain.n - begin.n);
    buf_finish(&begin);
    for (size_t i = 0; is && i < n; i++)
        is = take_key(&plain, &keys[i]);
    return is && plain.n == 0;
}

/* ---- the seal ---- */

static const struct keyring *server_keys(struct request *r, int *rc)
{
    const struct keyring *k = r->c->instance->process->keyring;

    *rc = k ? 0
            : call_fail_inner(r->c, DW_EUNAVAILABLE,
                              "dw_reply_list: this process has no keys, which cursors need");
    return k;
}

int cursor_seal(struct request *r, struct str plain, struct buf *out)
{
    int rc;
    const struct keyring *k = server_keys(r, &rc);

    if (!k)
        return rc;
    char *text = call_alloc(r->c, fernet_sealed_size(plain.n) + 1);
    if (keyring_seal(k, plain, text) != 0)
        return call_fail(r->c, DW_ENOMEM, "dw_reply_list: no memory or no random bytes");
    buf_add_text(out, text);
    return 0;
}

int cursor_open(struct request *r, const char *order, struct str text, dw_value *keys, size_t n)
{
    struct fernet_opened opened;
    int rc;
    const struct keyring *k = server_keys(r, &rc);

    if (!k)
        return rc;
    char *room = call_alloc(r->c, text.n + 1);
    rc = keyring_unseal(k, text, -1, room, &opened);
    if (rc == FERNET_FAILED)
        return call_fail(r->c, DW_ENOMEM, "dw_reply_list: out of memory");
    if (rc != 0 || !read_keys(r, order, opened.plain, keys, n))
        return call_refuse_at(r->c, "/query/cursor",
                              "is no cursor of this list in this order; begin again without one");
    return 0;
}
