/* request.c - requests and their replies, waited for at once or later. */
#include <stdlib.h>
#include <string.h>

#include "inside.h"
#include "util/clock.h"
#include "util/json.h"

struct dw_harness_pending {
    dw_harness_pending *next;
    dw_harness *h;
    struct memory_exchange *m;
};

/* ---- replies ---- */

static struct str terminated(dw_harness *h, struct str s)
{
    char *copy = arena_copy(&h->arena, s);
    return str_make(copy ? copy : "", copy ? s.n : 0);
}

static const char *field_of(dw_harness *h, struct str fields, const char *name)
{
    struct str rest = fields, line, key;

    while (str_split(&rest, '\n', &line)) {
        if (str_ends_with(line, STR_OF("\r")))
            line.n--;
        if (str_split(&line, ':', &key) && str_equal_nocase(key, str_from(name)))
            return terminated(h, str_trim(line)).p;
    }
    return NULL;
}

static const json_t *json_of(dw_harness *h, const char *type, struct str body)
{
    struct harness_json *kept;
    struct json_fault wrong;
    json_t *json = NULL;

    if (!strstr(type, "json") || body.n == 0)
        return NULL;
    kept = arena_alloc(&h->arena, sizeof(*kept));
    if (!kept || json_strict_parse(body, 0, &json, &wrong) != 0)
        return NULL;
    *kept = (struct harness_json){ h->replies, json };
    h->replies = kept;
    return json;
}

static dw_harness_reply reply_of(dw_harness *h, const struct memory_exchange *m)
{
    struct str fields = memory_fields(m), body = terminated(h, memory_content(m));
    const char *type = field_of(h, fields, "Content-Type");
    dw_harness_reply reply = {
        .struct_size = (uint32_t)sizeof(reply),
        .from = h,
        .status = memory_status(m),
        .content_type = type ? type : "",
        .headers = terminated(h, fields).p,
        .body = { body.p, body.n },
        .cut = memory_is_cut(m),
    };

    reply.json = json_of(h, reply.content_type, body);
    return reply;
}

static dw_harness_reply no_reply(dw_harness *h)
{
    return (dw_harness_reply){ .struct_size = (uint32_t)sizeof(dw_harness_reply),
                               .from = h,
                               .content_type = "",
                               .headers = "",
                               .body = { "", 0 } };
}

const char *dw_harness_header(dw_harness_reply reply, const char *name)
{
    return reply.from ? field_of(reply.from, str_from(reply.headers), name) : NULL;
}

const char *dw_harness_text(dw_harness_reply reply, const char *pointer)
{
    const json_t *found = reply.json ? json_pointer(reply.json, str_from(pointer)) : NULL;
    char *text;

    if (!found)
        return "";
    if (json_is_string(found))
        return json_string_value(found);
    text = json_dumps(found, JSON_COMPACT | JSON_ENCODE_ANY);
    struct str kept = terminated(reply.from, str_from(text));
    free(text);
    return kept.p;
}

/* ---- requests ---- */

struct memory_exchange *harness_send(dw_harness *h, const dw_harness_request_args *args)
{
    bool has_body = args->json || args->body.p || args->content_type;
    struct memory_request request = {
        .method = args->method ? args->method
                  : has_body   ? "POST"
                               : "GET",
        .target = args->target,
        .fields = args->headers,
        .body = args->json ? str_from(args->json) : str_make(args->body.p, args->body.n),
        .content_type = args->content_type ? args->content_type
                        : args->json       ? "application/json"
                                           : NULL,
    };
    if (h)
        request.client = h->peer;
    /* One that did not open, or was stopped, has nobody who could answer. */
    return h && h->transport && !h->is_stopped && args->target ? memory_send(h->transport, &request) : NULL;
}

dw_harness_pending *dw_harness_send_(dw_harness *h, const dw_harness_request_args *args)
{
    dw_harness_pending *p = calloc(1, sizeof(*p));

    if (p)
        p->m = harness_send(h, args);
    if (!p || !p->m) {
        free(p);
        return NULL;
    }
    p->h = h;
    p->next = h->pending;
    h->pending = p;
    return p;
}

void dw_harness_abandon(dw_harness_pending *p)
{
    if (!p)
        return;
    for (dw_harness_pending **at = &p->h->pending; *at; at = &(*at)->next) {
        if (*at == p) {
            *at = p->next;
            break;
        }
    }
    memory_leave(p->m);
    free(p);
}

dw_harness_reply dw_harness_wait(dw_harness_pending *p)
{
    dw_harness_reply reply = no_reply(p ? p->h : NULL);

    if (!p)
        return reply;
    int64_t until = clock_monotonic_us() + p->h->patience_us, left;
    while (!memory_is_over(p->m) && (left = until - clock_monotonic_us()) > 0)
        memory_wait(p->m, left);
    if (memory_is_over(p->m))
        reply = reply_of(p->h, p->m);
    dw_harness_abandon(p);
    return reply;
}

dw_harness_reply dw_harness_request_(dw_harness *h, const dw_harness_request_args *args)
{
    dw_harness_pending *p = dw_harness_send_(h, args);

    return p ? dw_harness_wait(p) : no_reply(h);
}

dw_harness_reply dw_harness_get(dw_harness *h, const char *target)
{
    return dw_harness_request(h, .target = target);
}

dw_harness_reply dw_harness_post(dw_harness *h, const char *target, const char *json)
{
    return dw_harness_request(h, .method = "POST", .target = target, .json = json);
}
