/* stand_in.c - services and answers of plugins that are not there, played by the test. */
#include <string.h>

#include "inside.h"
#include "plugin/descriptor_read.h"
#include "plugin/host.h"
#include "util/list.h"

/* A descriptor of one service, answer or connector, and what it does. */
struct stand_in {
    struct harness_stand_in link;
    struct plugin_descriptor descriptor;
    dw_plugin raw;
    const dw_host *host;
    dw_service service;
    dw_hook hook;
    int (*play)(void *question, void *ud);
    void *ud;
};

static int play(dw_call *c, void *question)
{
    const struct stand_in *s = LIST_OWNER(c->instance->descriptor, struct stand_in, descriptor);
    return s->play(question, s->ud);
}

static struct stand_in *make(dw_harness *h, int (*played)(void *question, void *ud), void *ud)
{
    struct stand_in *s = arena_calloc(&h->arena, sizeof(*s));

    if (!s)
        return NULL;
    s->raw.host = &s->host;
    s->play = played;
    s->ud = ud;
    s->descriptor = (struct plugin_descriptor){
        .raw = &s->raw, .name = "test", .version = "1", .summary = "", .license = "", .needs = "", .wants = ""
    };
    return s;
}

static int join(dw_harness *h, struct stand_in *s)
{
    struct buf why = BUF_INIT;

    if (instance_create(&s->link.instance, &s->descriptor, &h->process) != 0)
        return -1;
    int rc = plugin_hooks_add(h->hooks, s->link.instance, &why);
    buf_finish(&why);
    if (rc != 0) {
        instance_destroy(s->link.instance);
        return -1;
    }
    s->link.next = h->stand_ins;
    h->stand_ins = &s->link;
    return 0;
}

/* ---- the test asks ---- */

dw_call *harness_question_begin(dw_harness *h)
{
    struct stand_in *s;
    dw_call *c;

    if (!h->asker) {
        s = make(h, NULL, NULL);
        if (!s || join(h, s) != 0)
            return NULL;
        h->asker = s->link.instance;
    }
    /* What the answerer leaves in the question lives as long as the harness. */
    const struct call_options options = { .instance = h->asker,
                                          .what = "question of the test",
                                          .tenant = h->process.tenant,
                                          .principal = h->process.principal,
                                          .arena = &h->arena };
    return call_begin(&c, &options) == 0 ? c : NULL;
}

static const char *keep(dw_harness *h, const char *text)
{
    const char *kept = arena_copy(&h->arena, str_from(text));
    return kept ? kept : "";
}

/* The call has the texts, and ends here. */
static void keep_error(dw_harness *h, const dw_call *c, int rc)
{
    const dw_err *e = &c->error;

    h->answer = (dw_err){ .struct_size = (uint32_t)sizeof(dw_err), .code = rc < 0 ? rc : 0 };
    bool is_told = rc < 0 && e->code == rc;
    h->answer.text = is_told ? keep(h, e->text) : "";
    h->answer.detail = is_told ? keep(h, e->detail) : "";
    h->answer.said = is_told ? keep(h, e->said) : "";
    h->answer.reason = is_told ? keep(h, e->reason) : "";
    h->answer.retry_after.us = is_told ? e->retry_after.us : 0;
}

int harness_question_end(dw_harness *h, dw_call *c, int rc)
{
    keep_error(h, c, rc);
    call_end(c);
    return rc;
}

const dw_err *dw_harness_error(dw_harness *h)
{
    return &h->answer;
}

int dw_harness_ask(dw_harness *h, const char *service, void *question)
{
    dw_call *c = harness_question_begin(h);

    return c ? harness_question_end(h, c, host_hook_api.serve(c, service, question)) : DW_ENOMEM;
}

int dw_harness_ask_hook(dw_harness *h, const char *hook, void *question)
{
    dw_call *c = harness_question_begin(h);

    return c ? harness_question_end(h, c, host_hook_api.ask(c, hook, question)) : DW_ENOMEM;
}

/* ---- the test answers ---- */

int dw_harness_serve(dw_harness *h, const char *service, int (*serve)(void *question, void *ud), void *ud)
{
    struct stand_in *s = make(h, serve, ud);

    if (!s)
        return -1;
    s->service = (dw_service){ service, play };
    s->descriptor.name = arena_copy(&h->arena, str_make(service, strcspn(service, ".")));
    if (!s->descriptor.name)
        return -1;
    s->descriptor.services = &s->service;
    s->descriptor.services_n = 1;
    return join(h, s);
}

int dw_harness_answer(dw_harness *h, const char *hook, int (*answer)(void *question, void *ud), void *ud)
{
    struct stand_in *s = make(h, answer, ud);

    if (!s)
        return -1;
    s->hook = (dw_hook){ hook, play, 50 };
    s->descriptor.hooks = &s->hook;
    s->descriptor.hooks_n = 1;
    return join(h, s);
}

/* ---- the test is another system ---- */

/* As a plugin's own descriptor is read: what the test wrote wrong is told as an author would be. */
static int read_connectors(dw_harness *h, struct stand_in *s, const dw_connector *connectors)
{
    const dw_sizes sizes = { .item = sizeof(dw_item),
                             .connector = sizeof(dw_connector),
                             .listing = sizeof(dw_listing) };
    const struct reader r = { .arena = &h->arena, .why = &h->why, .d = &s->descriptor };

    return reader_connectors(&r, connectors, &sizes);
}

int harness_join_connectors(dw_harness *h, const dw_connector *connectors, const dw_host **host)
{
    struct stand_in *s = make(h, NULL, NULL);

    h->why.n = 0;
    if (!s) {
        buf_add_text(&h->why, "out of memory");
        return -1;
    }
    s->raw.host = host;
    if (read_connectors(h, s, connectors) != 0 || join(h, s) != 0)
        return -1;
    return connectors_add(h->connectors, s->link.instance, &h->why);
}
