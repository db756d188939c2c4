#include "plugin/cursor.h"

#include "secure/keyring.h"

/* "notes operation listNotes TENANT i 17": of which list, and the id as a number or a text. */
static void add_list(struct request *r, struct buf *out)
{
    const dw_call *c = r->c;

    buf_add_format(out, "%s %s %s ", c->instance->name, r->route->what, c->tenant ? c->tenant : "-");
}

int cursor_note(struct request *r, const struct db_cell *id, struct buf *plain)
{
    add_list(r, plain);
    switch (id->type) {
    case DB_INTEGER: buf_add_format(plain, "i %lld", (long long)id->i); return 0;
    case DB_TEXT:
    case DB_UUID: buf_add_format(plain, "t %.*s", STR_ARG(id->text)); return 0;
    default:
        return call_misuse(
            r->c, "dw_reply_list: the column \"id\" holds neither whole numbers, texts nor UUIDs, or null");
    }
}

static const struct keyring *keys(struct request *r, int *rc)
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
    const struct keyring *k = keys(r, &rc);

    if (!k)
        return rc;
    char *text = call_alloc(r->c, fernet_sealed_size(plain.n) + 1);
    if (keyring_seal(k, plain, text) != 0)
        return call_fail(r->c, DW_ENOMEM, "dw_reply_list: no memory or no random bytes");
    buf_add_text(out, text);
    return 0;
}

/* The id behind what every cursor of this list begins with. */
static bool read_id(struct request *r, struct str plain, dw_value *id)
{
    struct buf list = BUF_INIT;
    uint64_t size;

    add_list(r, &list);
    bool is = !buf_failed(&list) && plain.n > list.n + 2 && memcmp(plain.p, list.p, list.n) == 0;
    if (is)
        plain = str_make(plain.p + list.n, plain.n - list.n);
    buf_finish(&list);
    if (!is || plain.p[1] != ' ')
        return false;
    struct str text = str_make(plain.p + 2, plain.n - 2);
    if (plain.p[0] == 't') {
        *id = (dw_value){ .type = DW_TEXT, .as.p = text.p, .n = text.n };
        return true;
    }
    bool negative = text.p[0] == '-';
    if (!str_to_uint(str_make(text.p + negative, text.n - negative), (uint64_t)INT64_MAX + negative, &size))
        return false;
    *id = (dw_value){ .type = DW_INT, .as.i = negative ? (int64_t)(0 - size) : (int64_t)size };
    return true;
}

int cursor_open(struct request *r, struct str text, dw_value *id)
{
    struct fernet_opened opened;
    int rc;
    const struct keyring *k = keys(r, &rc);

    if (!k)
        return rc;
    char *room = call_alloc(r->c, text.n + 1);
    rc = keyring_unseal(k, text, -1, room, &opened);
    if (rc == FERNET_FAILED)
        return call_fail(r->c, DW_ENOMEM, "dw_reply_list: out of memory");
    if (rc != 0 || !read_id(r, opened.plain, id))
        return call_fail_at(r->c, "/query/cursor", "is no cursor of this list; begin again without one");
    return 0;
}
