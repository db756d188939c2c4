/* who.c - what an authenticator says, when it is asked as the server would. */
#include "inside.h"
#include "plugin/call_db.h"
#include "plugin/identity.h"

static const dw_authenticator *authenticator_of(const dw_harness *h)
{
    return h->plugins ? h->plugins->descriptor->authenticator : NULL;
}

static dw_call *begin(dw_harness *h)
{
    const struct call_options options = { .instance = h->plugins->instance, .what = "authenticate" };
    dw_call *c;

    h->why.n = 0;
    return call_begin(&c, &options) == 0 ? c : NULL;
}

static int end(dw_harness *h, dw_call *c, int rc)
{
    if (rc < 0 && c->error.code == rc)
        buf_add_text(&h->why, c->error.text);
    call_end(c);
    return rc;
}

static const char *kept(dw_harness *h, const char *text)
{
    return arena_copy(&h->arena, str_from(text));
}

/* As identity.h has it: sorted, and without doubles. */
static const char *kept_permissions(dw_harness *h, const struct identity *i)
{
    const char *text = i->has_all ? "*" : "";

    for (size_t p = 0; text && p < i->permissions_n; p++) {
        if (strcmp(i->permissions[p], "*") != 0)
            text = arena_format(&h->arena, "%s%s%s", text, *text ? " " : "", i->permissions[p]);
    }
    return text;
}

static void keep(dw_harness *h, const struct identity *i, dw_harness_who *out)
{
    out->kind = (int)i->principal.kind;
    out->id = kept(h, i->principal.id);
    out->name = kept(h, i->principal.name);
    out->credential = kept(h, i->principal.credential);
    out->tenant = i->tenant ? kept(h, i->tenant) : NULL;
    out->csrf = i->csrf ? kept(h, i->csrf) : NULL;
    out->permissions = kept_permissions(h, i);
    out->expires.us = i->expires_us;
}

dw_harness_who dw_harness_authenticate(dw_harness *h, int kind, const char *text)
{
    const dw_authenticator *a = authenticator_of(h);
    dw_harness_who out = { .code = DW_EUNAVAILABLE };
    struct identity *i = NULL;
    const char *wrong = NULL;
    dw_call *c = a ? begin(h) : NULL;

    if (!c)
        return out;
    dw_credential credential = {
        .struct_size = sizeof(credential),
        .kind = (uint32_t)kind,
        .text = { text, strlen(text) },
        .address = "127.0.0.1",
        .principal_kind = DW_USER,
    };
    out.code = call_check_committed(c, a->authenticate(c, &credential));
    if (out.code >= 0)
        out.code = identity_create(&i, &credential, h->process.wall_us(h->process.clock_ud), &wrong);
    if (wrong)
        buf_add_text(&h->why, wrong);
    if (i)
        keep(h, i, &out);
    identity_drop(i);
    out.once = credential.once != 0;
    end(h, c, out.code);
    return out;
}

struct taken {
    dw_harness *h;
    const char *text;
};

static int take(void *ud, const char *tenant)
{
    struct taken *t = ud;

    t->text = arena_format(&t->h->arena, "%s%s%s", t->text, *t->text ? " " : "", tenant);
    return t->text ? 0 : DW_ENOMEM;
}

const char *dw_harness_tenants(dw_harness *h)
{
    const dw_authenticator *a = authenticator_of(h);
    struct taken t = { h, "" };
    dw_call *c = a && a->tenants ? begin(h) : NULL;

    return c && end(h, c, a->tenants(c, take, &t)) >= 0 ? t.text : NULL;
}
