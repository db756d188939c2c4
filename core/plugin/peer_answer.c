/* peer_answer.c - a whole answer of a peer, as a plugin gets it. */
#include "plugin/host.h"
#include "plugin/outbound.h"
#include "util/json.h"

int asked_shown(const struct asked *asked)
{
    return (int)strcspn(asked->url, "?");
}

/* Lives in the call's memory, and what it came with until the call ends. */
struct host_answer {
    dw_answer seen; /* first: what the plugin gets */
    dw_call *c;
    struct client_answer *whole;
    json_t *json; /* once parsed */
    struct asked asked;
};

static void destroy_whole(void *ud)
{
    client_answer_destroy(ud);
}

/* Takes `whole`. */
static dw_answer *make_answer(dw_call *c, struct client_answer *whole, const struct asked *asked)
{
    struct host_answer *a = call_alloc(c, sizeof(*a));

    call_at_end(c, CALL_UNDO_MEMORY, destroy_whole, whole);
    call_charge(c, whole->body.n);
    a->seen = (dw_answer){ .struct_size = sizeof(a->seen),
                           .status = whole->status,
                           .content_type = whole->content_type,
                           .body = { whole->body.p, whole->body.n },
                           .took = { whole->took_us } };
    a->c = c;
    a->whole = whole;
    a->asked = *asked;
    return &a->seen;
}

/* A refusal has an answer too: its body often says why. */
int peer_answer_take(dw_call *c, dw_answer **out, struct client_answer *whole, const struct asked *asked)
{
    int rc = outbound_judge(c, whole);

    if (rc != 0 && (!whole || whole->error != CLIENT_STATUS)) {
        client_answer_destroy(whole);
        return rc;
    }
    *out = make_answer(c, whole, asked);
    return rc;
}

static struct host_answer *answer_of(dw_answer *a)
{
    return (struct host_answer *)a;
}

static int fail_json(const struct host_answer *a, const struct json_fault *fault)
{
    if (fault->is_ours)
        return call_fail(a->c, DW_ENOMEM, "out of memory");
    call_fail(
        a->c, DW_EUPSTREAM,
        "%s %.*s: the peer answered %d with %s, which is not the JSON that was expected: line %u, column %u: "
        "%s",
        a->asked.method, asked_shown(&a->asked), a->asked.url, a->seen.status,
        *a->seen.content_type ? a->seen.content_type : "no content type", fault->line, fault->column,
        fault->text);
    a->c->error_from_peer = true;
    return DW_EUPSTREAM;
}

int peer_answer_json(dw_answer *answer, json_t **out)
{
    struct host_answer *a = answer_of(answer);
    struct json_fault fault = { 0 };

    if (out)
        *out = NULL;
    if (!a)
        return call_stray(NULL, "dw_answer_json");
    DW_TRY(call_check(a->c, "dw_answer_json"));
    if (!out)
        return call_misuse(a->c, "dw_answer_json: there is no place for the result");
    if (!a->json) {
        if (json_strict_parse(a->whole->body, 0, &a->json, &fault) != 0)
            return fail_json(a, &fault);
        host_call_api.json_own(a->c, a->json);
        call_charge(a->c, a->whole->body.n);
    }
    *out = a->json;
    return 0;
}

const char *peer_answer_header(dw_answer *answer, const char *name)
{
    const struct host_answer *a = answer_of(answer);

    if (!a || !call_is_mine(a->c)) {
        call_stray(a ? a->c : NULL, "dw_answer_header");
        return NULL;
    }
    return name ? client_answer_header(a->whole, name) : NULL;
}
