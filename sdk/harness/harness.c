/* harness.c - the host around one plugin, without processes: what dowel/harness.h promises. */
#include <dowel/harness.h>

#include <stdlib.h>
#include <string.h>

#include "inside.h"
#include "log/log.h"
#include "plugin/hooks.h"
#include "util/clock.h"
#include "util/json.h"

enum { PATIENCE_US = 10 * CLOCK_SECOND, GOODBYE_US = 2 * CLOCK_SECOND };

/* ---- time ---- */

static int64_t wall_us(void *ud)
{
    const dw_harness *h = ud;
    return h->clock_stands ? h->now_us : clock_wall_us();
}

void dw_harness_set_now(dw_harness *h, dw_time now)
{
    h->clock_stands = true;
    h->now_us = now.us;
}

void dw_harness_advance(dw_harness *h, dw_span by)
{
    dw_harness_set_now(h, (dw_time){ wall_us(h) + by.us });
}

/* Who sleeps in a test wants time to pass, not to wait for it. */
static void sleep_us(void *ud, int64_t us)
{
    dw_harness_advance(ud, (dw_span){ us });
}

/* ---- what fails ---- */

static int fault(dw_call *c, const char *step, void *ud)
{
    dw_harness *h = ud;

    (void)c;
    h->steps++;
    if (h->fail_at == 0 || h->steps != h->fail_at)
        return 0;
    h->failed_step = step;
    return h->fail_with;
}

void dw_harness_fail(dw_harness *h, unsigned n, enum dw_error code)
{
    h->steps = 0;
    h->fail_at = n;
    h->fail_with = code;
    h->failed_step = NULL;
}

unsigned dw_harness_steps(const dw_harness *h)
{
    return h->steps;
}

const char *dw_harness_failed_step(const dw_harness *h)
{
    return h->failed_step;
}

/* ---- life ---- */

static int fail(dw_harness *h, const char *text)
{
    buf_add_text(&h->why, text);
    return -1;
}

static int make_parts(dw_harness *h)
{
    const struct client_options options = { .user_agent = "dowel-harness" };

    if (router_create(&h->router) != 0 || channels_create(&h->channels) != 0 ||
        plugin_hooks_create(&h->hooks) != 0 || client_create(&h->client, &options) != 0 ||
        keyring_parse(&h->keyring, STR_OF(HARNESS_KEY), NULL) != NULL)
        return fail(h, "out of memory");
    h->process = (struct plugin_process){
        .client = h->client,
        .keyring = h->keyring,
        .channels = h->channels,
        .hooks = h->hooks,
        .wall_us = wall_us,
        .clock_ud = h,
        .fault = fault,
        .fault_ud = h,
        .sleep_us = sleep_us,
    };
    return 0;
}

/* What a server does at its start, once in this process. */
static int start_process(void)
{
    static bool started;

    if (!started) {
        json_start();
        started = activity_use_private() == 0;
    }
    return started ? 0 : -1;
}

int dw_harness_open_(dw_harness **out, const dw_harness_args *args)
{
    dw_harness *h = *out = calloc(1, sizeof(*h));

    if (!h)
        return -1;
    if (args->struct_size < offsetof(dw_harness_args, beside) + sizeof(args->beside) || !args->plugin)
        return fail(h, "dw_harness_open() needs .plugin = \"path/of/the.so\"");
    h->log_fd = -1;
    arena_init(&h->arena, NULL, 0, 0);
    if (start_process() != 0 || harness_listen(h) != 0 || make_parts(h) != 0)
        return -1;
    for (const char *const *path = args->beside; path && *path; path++) {
        if (harness_load(h, *path, NULL) != 0)
            return -1;
    }
    if (harness_load(h, args->plugin, args->conf) != 0)
        return -1;
    if (memory_transport_create(&h->transport, h->router) != 0)
        return fail(h, "out of memory");
    return harness_start(h);
}

const char *dw_harness_why(const dw_harness *h)
{
    return h && h->why.n ? buf_text((struct buf *)(uintptr_t)&h->why) : h ? "" : "out of memory";
}

unsigned dw_harness_close(dw_harness *h)
{
    unsigned left;

    if (!h)
        return 0;
    while (h->followers)
        dw_harness_leave(h->followers);
    left = harness_stop(h);
    left += memory_transport_destroy(h->transport, GOODBYE_US);
    if (left > 0)
        return left; /* somebody may still use what would be freed */
    channels_destroy(h->channels);
    client_destroy(h->client);
    harness_unload(h);
    plugin_hooks_destroy(h->hooks);
    keyring_destroy(h->keyring);
    router_destroy(h->router);
    for (struct harness_json *kept = h->replies; kept; kept = kept->next)
        json_decref(kept->json);
    harness_deafen(h);
    buf_finish(&h->why);
    buf_finish(&h->log);
    arena_finish(&h->arena);
    free(h);
    return 0;
}

/* ---- requests ---- */

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
        .content_type = args->json ? "application/json" : args->content_type,
    };
    return args->target ? memory_send(h->transport, &request) : NULL;
}

dw_harness_reply dw_harness_request_(dw_harness *h, const dw_harness_request_args *args)
{
    dw_harness_reply reply = { .struct_size = (uint32_t)sizeof(reply),
                               .from = h,
                               .content_type = "",
                               .headers = "",
                               .body = { "", 0 } };
    int64_t until = clock_monotonic_us() + PATIENCE_US, left;
    struct memory_exchange *m = harness_send(h, args);

    if (!m)
        return reply;
    while (!memory_is_over(m) && (left = until - clock_monotonic_us()) > 0)
        memory_wait(m, left);
    if (memory_is_over(m))
        reply = reply_of(h, m);
    memory_leave(m);
    return reply;
}

dw_harness_reply dw_harness_get(dw_harness *h, const char *target)
{
    return dw_harness_request(h, .target = target);
}

dw_harness_reply dw_harness_post(dw_harness *h, const char *target, const char *json)
{
    return dw_harness_request(h, .method = "POST", .target = target, .json = json);
}

const char *dw_harness_header(dw_harness_reply reply, const char *name)
{
    return field_of(reply.from, str_from(reply.headers), name);
}

const char *dw_harness_text(dw_harness_reply reply, const char *pointer)
{
    const json_t *found = *pointer == '/' ? json_pointer(reply.json, str_from(pointer)) : NULL;
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

/* ---- torture ---- */

int dw_harness_torture(dw_harness *h, void (*play)(dw_harness *h, void *ud), void *ud)
{
    int plays = 0;

    for (unsigned n = 1;; n++) {
        dw_harness_fail(h, n, DW_EUNAVAILABLE);
        play(h, ud);
        plays++;
        const char *step = h->failed_step;
        unsigned left = harness_open_calls(h);
        dw_harness_fail(h, 0, DW_EUNAVAILABLE);
        if (left > 0) {
            log_error("torture: calls are left open", LOG_TEXT("failed_step", step ? step : "none"),
                      LOG_NUMBER("calls", left));
            return -1;
        }
        if (!step)
            return plays;
    }
}
