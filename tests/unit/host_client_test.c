/* Outbound HTTP as plugins see it: arguments, outcomes, answers, streams, cancelling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client_rig.h"
#include "log/log.h"
#include "plugin/call.h"
#include "plugin/host.h"

static const dw_host host = { .struct_size = sizeof(dw_host),
                              .call = &host_call_api,
                              .client = &host_client_api };
const dw_host *dw_host_ = &host;

/* ---- a plugin made by hand, with the misbehaving peer of client_rig.h ---- */

struct world {
    struct fixture *f;
    struct plugin_process process;
    dw_instance instance;
    dw_call *c;
};

static int begin_world(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    void *f = NULL;

    *state = w;
    if (!w || set_up(&f) != 0)
        return -1;
    w->f = f;
    w->process.client = w->f->client;
    w->instance.magic = INSTANCE_MAGIC;
    w->instance.name = "tester";
    w->instance.process = &w->process;
    return call_begin(&w->c, &(struct call_options){ .instance = &w->instance, .what = "test" });
}

static int end_world(void **state)
{
    struct world *w = *state;
    void *f = w->f;

    if (w->c)
        call_end(w->c);
    tear_down(&f);
    call_forget(&w->instance);
    free(w);
    return 0;
}

/* Another call in place of the world's. */
static dw_call *renew(struct world *w, int64_t timeout_us)
{
    const struct call_options o = { .instance = &w->instance,
                                    .what = "test",
                                    .deadline_us = timeout_us ? clock_monotonic_us() + timeout_us : 0 };

    if (w->c)
        call_end(w->c);
    assert_int_equal(call_begin(&w->c, &o), 0);
    return w->c;
}

static void assert_error(dw_call *c, int code, const char *detail, const char *text)
{
    const dw_err *e = dw_error_of(c);

    assert_int_equal(e->code, code);
    assert_string_equal(e->detail, detail);
    if (!strstr(e->text, text))
        fail_msg("\"%s\" does not say \"%s\"", e->text, text);
}

static void assert_in_body(const dw_answer *a, const char *text)
{
    if (!strstr(a->body.p, text))
        fail_msg("the peer was sent\n%s\nwithout %s", a->body.p, text);
}

static void assert_not_in_body(const dw_answer *a, const char *text)
{
    if (strcasestr(a->body.p, text))
        fail_msg("the peer was sent\n%s\nwith %s", a->body.p, text);
}

/* ---- whole answers ---- */

static void an_answer_comes_with_all_that_is_asked_for(void **state)
{
    struct world *w = *state;
    dw_answer *a;

    assert_int_equal(dw_fetch(w->c, &a, .url = at(w->f, "/hello")), 0);
    assert_int_equal(a->struct_size, sizeof(*a));
    assert_int_equal(a->status, 200);
    assert_string_equal(a->content_type, "text/plain");
    assert_string_equal(a->body.p, "hello");
    assert_int_equal(a->body.n, 5);
    assert_true(a->took.us > 0);
    assert_string_equal(dw_answer_header(a, "x-two"), "1");
    assert_null(dw_answer_header(a, "x-none"));
    assert_null(dw_answer_header(a, NULL));
    assert_int_equal(dw_fetch(w->c, NULL, .url = at(w->f, "/hello")), 0);
}

static void an_answer_lives_as_long_as_its_call_or_scope(void **state)
{
    struct world *w = *state;
    dw_answer *kept, *a;

    assert_int_equal(dw_fetch(w->c, &kept, .url = at(w->f, "/hello")), 0);
    for (int i = 0; i < 20; i++) {
        dw_scope_begin(w->c);
        assert_int_equal(dw_fetch(w->c, &a, .url = at(w->f, "/chunked")), 0);
        assert_string_equal(a->body.p, "abcdefg");
        dw_scope_end(w->c);
    }
    assert_string_equal(kept->body.p, "hello");
}

static void answers_count_as_memory_of_the_call(void **state)
{
    struct world *w = *state;
    dw_answer *a;

    w->process.call_memory_max = 1024 * 1024;
    dw_call *c = renew(w, 0);
    dw_scope_begin(c);
    assert_int_equal(dw_fetch(c, &a, .url = at(w->f, "/hello")), 0);
    dw_scope_end(c);
    assert_int_equal(dw_fetch(c, &a, .url = at(w->f, "/flood")), 0); /* 8 MiB */
    assert_int_equal(dw_fetch(c, &a, .url = at(w->f, "/hello")), DW_ENOMEM);
}

/* ---- arguments ---- */

static void the_query_is_written_after_the_url(void **state)
{
    struct world *w = *state;
    const char *nothing = NULL;
    dw_answer *a;

    assert_int_equal(dw_fetch(w->c, &a, .url = at(w->f, "/echo?old=1#part"),
                              .query = DW_LIST("text", "a b&c=d/\xc3\xa4", "n", -5, "none", nothing, "r", 0.5,
                                               "yes", DW_TRUE, "when", (dw_time){ 1 }, "empty", "")),
                     0);
    assert_in_body(a,
                   "GET /echo?old=1&text=a%20b%26c%3Dd%2F%C3%A4&n=-5&r=0.5&yes=true&when=1970-01-01T00%3A00%"
                   "3A00.000001Z&empty= HTTP/1.1\r\n");
    assert_not_in_body(a, "none");
    assert_not_in_body(a, "part");
    assert_not_in_body(a, "content-type");
}

static void headers_are_sent(void **state)
{
    struct world *w = *state;
    const char *nothing = NULL;
    dw_answer *a;

    assert_int_equal(dw_fetch(w->c, &a, .method = "PUT", .url = at(w->f, "/echo"),
                              .headers = DW_LIST("Accept", "text/csv", "X-Count", 7, "X-None", nothing)),
                     0);
    assert_in_body(a, "PUT /echo HTTP/1.1\r\n");
    assert_in_body(a, "Accept: text/csv\r\n");
    assert_in_body(a, "X-Count: 7\r\n");
    assert_not_in_body(a, "X-None");
    assert_int_equal(dw_fetch(w->c, &a, .url = at(w->f, "/echo"), .headers = DW_LIST("X-Bad", "a\r\nb: c")),
                     DW_EINVALID);
    assert_int_equal(dw_fetch(w->c, &a, .url = at(w->f, "/echo"), .headers = DW_LIST("Host", "elsewhere")),
                     DW_EINVALID);
}

static void bodies_are_encoded(void **state)
{
    struct world *w = *state;
    json_t *json = dw_json_own(w->c, json_pack("{s:s,s:i,s:f}", "a", "\xc3\xa4", "b", 2, "c", 0.1));
    const char *nothing = NULL;
    dw_answer *a;

    assert_int_equal(dw_fetch(w->c, &a, .url = at(w->f, "/echo"), .json = json), 0);
    assert_in_body(a, "POST /echo HTTP/1.1\r\n");
    assert_in_body(a, "Content-Type: application/json\r\n");
    assert_in_body(a, "{\"a\":\"\xc3\xa4\",\"b\":2,\"c\":0.1}");

    assert_int_equal(dw_fetch(w->c, &a, .method = "PATCH", .url = at(w->f, "/echo"), .json = json,
                              .content_type = "application/merge-patch+json"),
                     0);
    assert_in_body(a, "PATCH /echo HTTP/1.1\r\n");
    assert_in_body(a, "Content-Type: application/merge-patch+json\r\n");

    assert_int_equal(dw_fetch(w->c, &a, .url = at(w->f, "/echo"),
                              .form = DW_LIST("a", "x y", "none", nothing, "b", "?&=")),
                     0);
    assert_in_body(a, "Content-Type: application/x-www-form-urlencoded\r\n");
    assert_in_body(a, "\r\na=x%20y&b=%3F%26%3D");

    assert_int_equal(dw_fetch(w->c, &a, .url = at(w->f, "/echo"), .form = DW_LIST("none", nothing)), 0);
    assert_in_body(a, "POST /echo HTTP/1.1\r\n");
    assert_in_body(a, "Content-Length: 0\r\n");

    assert_int_equal(dw_fetch(w->c, &a, .url = at(w->f, "/echo"), .body = { "a\tb", 3 },
                              .content_type = "text/tab-separated-values"),
                     0);
    assert_in_body(a, "Content-Type: text/tab-separated-values\r\n");
    assert_in_body(a, "a\tb");
}

static void credentials_are_sent_and_never_told(void **state)
{
    struct world *w = *state;
    const dw_secret key = { "s3cret" };
    dw_answer *a;

    assert_int_equal(dw_fetch(w->c, &a, .url = at(w->f, "/echo"), .bearer = key), 0);
    assert_in_body(a, "Authorization: Bearer s3cret\r\n");
    assert_int_equal(dw_fetch(w->c, &a, .url = at(w->f, "/echo"), .user = "ann", .password = { "p:w" }), 0);
    assert_in_body(a, "Authorization: Basic YW5uOnA6dw==\r\n");
    assert_int_equal(
        dw_fetch(w->c, &a, .url = at(w->f, "/echo"), .secret_header = "X-Api-Key", .secret = key), 0);
    assert_in_body(a, "X-Api-Key: s3cret\r\n");
    /* What is not configured is not sent. */
    assert_int_equal(dw_fetch(w->c, &a, .url = at(w->f, "/echo"), .secret_header = "X-Api-Key"), 0);
    assert_not_in_body(a, "x-api-key");

    assert_int_equal(dw_fetch(w->c, &a, .url = at(w->f, "/missing"), .query = DW_LIST("key", "s3cret"),
                              .bearer = key, .secret_header = "X-Api-Key", .secret = key),
                     DW_ENOTFOUND);
    assert_null(strstr(dw_error_of(w->c)->text, "s3cret"));
}

static void older_plugins_hand_over_less(void **state)
{
    struct world *w = *state;
    union {
        dw_fetch_args args;
        unsigned char bytes[sizeof(dw_fetch_args) + 64];
    } raw;
    dw_answer *a;

    memset(&raw, 0xa5, sizeof(raw)); /* what stands behind their struct is nobody's */
    raw.args.struct_size = offsetof(dw_fetch_args, query);
    raw.args.method = NULL;
    raw.args.url = at(w->f, "/hello");
    assert_int_equal(host_client_api.fetch(w->c, &a, &raw.args), 0);
    assert_int_equal(a->status, 200);

    raw.args = (dw_fetch_args){ .struct_size = sizeof(raw), .url = at(w->f, "/hello") }; /* a newer one */
    assert_int_equal(host_client_api.fetch(w->c, &a, &raw.args), 0);
}

static void what_cannot_be_meant_is_misuse(void **state)
{
    struct world *w = *state;
    const dw_secret key = { "s3cret" };
    const json_t *json = dw_json_own(w->c, json_object());
    const dw_fetch_args sizeless = { .url = "http://127.0.0.1/" };
    int target = 0;
    dw_answer *a;

    log_set_level(LOG_ERROR + 1);
    assert_int_equal(dw_fetch(w->c, &a, .method = "GET"), DW_EMISUSE);
    assert_int_equal(dw_fetch(w->c, &a, .url = "http://a/", .json = json, .body = { "x", 1 }), DW_EMISUSE);
    assert_int_equal(dw_fetch(w->c, &a, .url = "http://a/", .json = json, .form = DW_LIST("a", 1)),
                     DW_EMISUSE);
    assert_int_equal(dw_fetch(w->c, &a, .url = "http://a/", .bearer = key, .user = "ann"), DW_EMISUSE);
    assert_int_equal(dw_fetch(w->c, &a, .url = "http://a/", .password = key), DW_EMISUSE);
    assert_int_equal(dw_fetch(w->c, &a, .url = "http://a/", .secret = key), DW_EMISUSE);
    assert_int_equal(dw_fetch(w->c, &a, .url = "http://a/", .timeout = { -1 }), DW_EMISUSE);
    assert_int_equal(dw_fetch(w->c, &a, .url = "http://a/", .query = DW_LIST("a")), DW_EMISUSE);
    assert_int_equal(dw_fetch(w->c, &a, .url = "http://a/", .query = DW_LIST(1, "a")), DW_EMISUSE);
    assert_int_equal(dw_fetch(w->c, &a, .url = "http://a/", .query = DW_LIST("a", &target)), DW_EMISUSE);
    assert_int_equal(dw_fetch(w->c, &a, .url = "http://a/", .headers = DW_LIST("a", &target)), DW_EMISUSE);
    assert_int_equal(host_client_api.fetch(w->c, &a, NULL), DW_EMISUSE);
    assert_int_equal(host_client_api.fetch(w->c, &a, &sizeless), DW_EMISUSE);
    assert_null(a);
    assert_null(strstr(dw_error_of(w->c)->text, "s3cret"));
    assert_int_equal(dw_fetch(NULL, &a, .url = "http://a/"), DW_ETHREAD);
    log_set_level(LOG_INFO);
}

/* ---- outcomes ---- */

static void refusals_of_the_peer_have_their_codes(void **state)
{
    static const struct {
        const char *path;
        int code;
        const char *detail;
    } refusals[] = {
        { "/busy/401", DW_EAUTH, "401" },     { "/busy/403", DW_EDENIED, "403" },
        { "/busy/404", DW_ENOTFOUND, "404" }, { "/busy/409", DW_ECONFLICT, "409" },
        { "/busy/429", DW_ERATE, "429" },     { "/busy/400", DW_EUPSTREAM, "400" },
        { "/busy/422", DW_EUPSTREAM, "422" }, { "/busy/500", DW_EUPSTREAM, "500" },
        { "/busy/503", DW_EUPSTREAM, "503" },
    };
    struct world *w = *state;
    dw_answer *a;

    busy_fields = "Retry-After: 30\r\n";
    for (size_t i = 0; i < DW_COUNT_OF(refusals); i++) {
        atomic_store(&busy_left, 1);
        assert_int_equal(dw_fetch(w->c, &a, .method = "POST", .url = at(w->f, refusals[i].path)),
                         refusals[i].code);
        assert_error(w->c, refusals[i].code, refusals[i].detail, "POST http://127.0.0.1:");
        assert_int_equal(dw_error_of(w->c)->retry_after.us, 30 * S);
        assert_true(w->c->error_from_peer);
        assert_non_null(a);
        assert_string_equal(a->body.p, "later"); /* the answer is there all the same */
    }
    busy_fields = "";
    atomic_store(&busy_left, 1);
    assert_int_equal(dw_fetch(w->c, &a, .method = "POST", .url = at(w->f, "/busy/404"), .any_status = true),
                     0);
    assert_int_equal(a->status, 404);
    atomic_store(&busy_left, 0);
}

static void without_an_answer_it_is_told_whether_it_may_have_happened(void **state)
{
    static const struct {
        const char *path;
        int code;
        const char *detail;
    } broken[] = {
        { "/drop", DW_EUNKNOWN, "unknown" },      { "/half-head", DW_EUNKNOWN, "unknown" },
        { "/garbage", DW_EUNKNOWN, "unknown" },   { "/hang-up", DW_EUNKNOWN, "unknown" },
        { "/slow-head", DW_EUNKNOWN, "timeout" }, { "/silent", DW_EUNKNOWN, "timeout" },
        { "/huge", DW_ETOOLARGE, "too_large" },   { "/big-head", DW_ETOOLARGE, "too_large" },
    };
    struct world *w = *state;
    dw_answer *a;

    for (size_t i = 0; i < DW_COUNT_OF(broken); i++) {
        assert_int_equal(dw_fetch(w->c, &a, .method = "POST", .url = at(w->f, broken[i].path),
                                  .timeout = DW_MILLISECONDS(300)),
                         broken[i].code);
        assert_error(w->c, broken[i].code, broken[i].detail, "POST http://127.0.0.1:");
        assert_null(a);
    }
    assert_int_equal(dw_fetch(w->c, &a, .url = at(w->f, "/hello"), .max_bytes = 4), DW_ETOOLARGE);
    assert_int_equal(dw_fetch(w->c, &a, .url = "http://127.0.0.1:1/", .method = "POST"), DW_EUNAVAILABLE);
    assert_error(w->c, DW_EUNAVAILABLE, "unreached", "127.0.0.1");
    assert_true(w->c->error_from_peer); /* the address is nothing for strangers */
    assert_int_equal(dw_fetch(w->c, &a, .url = "http://10.0.0.1/"), DW_EDENIED);
    assert_error(w->c, DW_EDENIED, "denied", "10.0.0.1");
    assert_true(w->c->error_from_peer); /* the address is nothing for strangers */
    assert_int_equal(dw_fetch(w->c, &a, .url = "gopher://127.0.0.1/"), DW_EINVALID);
    w->process.client = NULL;
    assert_int_equal(dw_fetch(w->c, &a, .url = "http://127.0.0.1/"), DW_EUNAVAILABLE);
}

static void what_a_post_did_is_not_repeated_unless_it_may_be(void **state)
{
    struct world *w = *state;
    dw_answer *a;

    atomic_store(&busy_left, 1);
    assert_int_equal(dw_fetch(w->c, &a, .method = "POST", .url = at(w->f, "/busy/503")), DW_EUPSTREAM);
    atomic_store(&busy_left, 1);
    assert_int_equal(dw_fetch(w->c, &a, .method = "POST", .url = at(w->f, "/busy/503"), .idempotent = true),
                     0);
    assert_string_equal(a->body.p, "done");
}

static void json_of_the_peer_is_read_strictly(void **state)
{
    struct world *w = *state;
    json_t *json, *again;
    dw_answer *a;

    assert_int_equal(dw_fetch(w->c, &a, .url = at(w->f, "/missing"), .any_status = true), 0);
    assert_int_equal(dw_answer_json(a, &json), 0);
    assert_string_equal(json_string_value(json_object_get(json, "error")), "no such");
    assert_int_equal(dw_answer_json(a, &again), 0);
    assert_ptr_equal(json, again);

    assert_int_equal(dw_fetch(w->c, &a, .url = at(w->f, "/hello?key=s3cret")), 0);
    assert_int_equal(dw_answer_json(a, &json), DW_EUPSTREAM);
    assert_null(json);
    assert_error(w->c, DW_EUPSTREAM, "", "text/plain");
    assert_non_null(strstr(dw_error_of(w->c)->text, "/hello: "));
    assert_null(strstr(dw_error_of(w->c)->text, "s3cret"));
    assert_true(w->c->error_from_peer);
    assert_int_equal(dw_fetch(w->c, &a, .method = "HEAD", .url = at(w->f, "/hello")), 0);
    assert_int_equal(dw_answer_json(a, &json), DW_EUPSTREAM);
    log_set_level(LOG_ERROR + 1);
    assert_int_equal(dw_answer_json(NULL, &json), DW_ETHREAD);
    log_set_level(LOG_INFO);
}

/* ---- cancelling ---- */

struct cut {
    struct world *w;
    dw_call *c;
    int requests;
    int64_t at_us;
};

static void *cut_when_seen(void *ud)
{
    struct cut *cut = ud;

    for (int i = 0; i < 5000 && atomic_load(&cut->w->f->peer.requests) < cut->requests; i++)
        usleep(1000);
    cut->at_us = clock_monotonic_us();
    call_cancel(cut->c);
    return NULL;
}

static void a_cancelled_call_waits_for_nothing(void **state)
{
    struct world *w = *state;
    struct cut cut = { .w = w, .c = w->c, .requests = 1 };
    pthread_t thread;
    dw_answer *a;

    assert_int_equal(pthread_create(&thread, NULL, cut_when_seen, &cut), 0);
    int rc = dw_fetch(w->c, &a, .url = at(w->f, "/slow-head"));
    int64_t now = clock_monotonic_us();
    pthread_join(thread, NULL);
    assert_int_equal(rc, DW_ECANCELLED);
    assert_true(now - cut.at_us < 3 * S);
    assert_error(w->c, DW_ECANCELLED, "cancelled", "/slow-head");
    assert_int_equal(dw_fetch(w->c, &a, .url = at(w->f, "/hello")), DW_ECANCELLED);
    assert_int_equal(atomic_load(&w->f->peer.requests), 1); /* nothing more was sent */
}

static void who_is_asked_is_cut_with_the_asker(void **state)
{
    struct world *w = *state;
    struct cut cut = { .w = w, .c = w->c, .requests = 1 };
    pthread_t thread;
    dw_answer *a;
    dw_call *child;

    assert_int_equal(
        call_begin(&child,
                   &(struct call_options){ .instance = &w->instance, .what = "child", .parent = w->c }),
        0);
    assert_int_equal(pthread_create(&thread, NULL, cut_when_seen, &cut), 0);
    assert_int_equal(dw_fetch(child, &a, .url = at(w->f, "/slow-head")), DW_ECANCELLED);
    pthread_join(thread, NULL);
    call_end(child);
}

static void the_deadline_of_the_call_is_kept(void **state)
{
    struct world *w = *state;
    dw_answer *a;

    dw_call *c = renew(w, 200 * MS);
    int64_t began = clock_monotonic_us();
    assert_int_equal(dw_fetch(c, &a, .url = at(w->f, "/slow-head"), .timeout = DW_MINUTES(1)), DW_EUNKNOWN);
    assert_true(clock_monotonic_us() - began < 3 * S);
    assert_int_equal(dw_fetch(c, &a, .url = at(w->f, "/hello")), DW_ECANCELLED);
    assert_int_equal(atomic_load(&w->f->peer.requests), 1);
}

/* ---- streams ---- */

static void events_come_one_by_one(void **state)
{
    static const char *const expected[][2] = { { "add", "{\"n\":1}" }, { "", "a\nb" }, { "", "[DONE]" } };
    struct world *w = *state;
    dw_upstream *up;
    const char *name;
    dw_str data;

    assert_int_equal(dw_upstream_open(w->c, &up, .url = at(w->f, "/events")), 0);
    for (size_t i = 0; i < DW_COUNT_OF(expected); i++) {
        assert_int_equal(dw_upstream_event(up, &name, &data), 1);
        assert_string_equal(name, expected[i][0]);
        assert_string_equal(data.p, expected[i][1]);
        assert_int_equal(data.n, strlen(expected[i][1]));
    }
    int end = dw_upstream_event(up, &name, &data);
    assert_int_equal(end, 0);
    assert_int_equal(data.n, 0);
    assert_int_equal(dw_upstream_event(up, &name, &data), 0); /* an end is an end */
    dw_upstream_close(up);
    dw_upstream_close(up);
    dw_upstream_close(NULL);
}

static void lines_come_one_by_one(void **state)
{
    struct world *w = *state;
    dw_upstream *up;
    dw_str line;

    assert_int_equal(dw_upstream_open(w->c, &up, .url = at(w->f, "/lines")), 0);
    assert_int_equal(dw_upstream_line(up, &line), 1);
    assert_memory_equal(line.p, "{\"a\":1}", line.n);
    assert_int_equal(dw_upstream_line(up, &line), 1);
    assert_int_equal(dw_upstream_line(up, &line), 1);
    assert_int_equal(line.n, 4);
    assert_memory_equal(line.p, "last", 4);
    assert_int_equal(dw_upstream_line(up, &line), 0);
}

static void pieces_come_whole_however_slow_the_reader(void **state)
{
    struct world *w = *state;
    dw_upstream *up;
    dw_bytes piece;
    size_t n = 0;
    int rc;

    assert_int_equal(dw_upstream_open(w->c, &up, .url = at(w->f, "/flood")), 0);
    while ((rc = dw_upstream_read(up, &piece)) == 1) {
        for (size_t i = 0; i < piece.n; i += 997)
            assert_int_equal(((const unsigned char *)piece.p)[i], (n + i) % 65536 * 7 % 251);
        n += piece.n;
    }
    assert_int_equal(rc, 0);
    assert_int_equal(n, FLOOD);
}

static void a_stream_that_is_refused_has_the_codes_of_fetch(void **state)
{
    struct world *w = *state;
    dw_upstream *up;

    assert_int_equal(dw_upstream_open(w->c, &up, .url = at(w->f, "/missing")), DW_ENOTFOUND);
    assert_error(w->c, DW_ENOTFOUND, "404", "/missing");
    assert_null(up);
    assert_int_equal(dw_upstream_open(w->c, &up, .url = "http://10.0.0.1/"), DW_EDENIED);
    assert_int_equal(dw_upstream_open(w->c, &up, .method = "POST", .url = "http://127.0.0.1:1/"),
                     DW_EUNAVAILABLE);
    assert_int_equal(
        dw_upstream_open(w->c, &up, .url = at(w->f, "/slow-head"), .timeout = DW_MILLISECONDS(100)),
        DW_EUNKNOWN);
}

static void a_stream_that_breaks_says_so_and_again(void **state)
{
    struct world *w = *state;
    dw_upstream *up;
    dw_bytes piece;
    int rc;

    assert_int_equal(dw_upstream_open(w->c, &up, .url = at(w->f, "/drop")), 0);
    while ((rc = dw_upstream_read(up, &piece)) == 1)
        continue;
    assert_int_equal(rc, DW_EUNKNOWN);
    assert_error(w->c, DW_EUNKNOWN, "unknown", "/drop");
    assert_int_equal(dw_upstream_read(up, &piece), DW_EUNKNOWN);
    assert_int_equal(piece.n, 0);

    assert_int_equal(dw_upstream_open(w->c, &up, .url = at(w->f, "/quiet"), .timeout = DW_MILLISECONDS(100)),
                     0);
    assert_int_equal(dw_upstream_read(up, &piece), 1);
    assert_int_equal(dw_upstream_read(up, &piece), DW_EUNKNOWN);
    assert_error(w->c, DW_EUNKNOWN, "timeout", "silent");
}

static void a_stream_is_read_in_one_way(void **state)
{
    struct world *w = *state;
    dw_upstream *up;
    dw_bytes piece;
    dw_str line;
    const char *name;

    log_set_level(LOG_ERROR + 1);
    assert_int_equal(dw_upstream_open(w->c, &up, .url = at(w->f, "/lines")), 0);
    assert_int_equal(dw_upstream_line(up, &line), 1);
    assert_int_equal(dw_upstream_read(up, &piece), DW_EMISUSE);
    assert_int_equal(dw_upstream_event(up, &name, &line), DW_EMISUSE);
    assert_int_equal(dw_upstream_line(up, &line), 1);
    dw_upstream_close(up);
    assert_int_equal(dw_upstream_line(up, &line), DW_EMISUSE);
    assert_int_equal(dw_upstream_line(NULL, &line), DW_ETHREAD);
    log_set_level(LOG_INFO);
}

static void a_cancelled_stream_ends_at_once(void **state)
{
    struct world *w = *state;
    struct cut cut = { .w = w, .c = w->c, .requests = 2 };
    dw_upstream *up, *other;
    pthread_t thread;
    dw_bytes piece;

    assert_int_equal(dw_upstream_open(w->c, &up, .url = at(w->f, "/quiet")), 0);
    assert_int_equal(dw_upstream_read(up, &piece), 1);
    assert_int_equal(dw_upstream_open(w->c, &other, .url = at(w->f, "/quiet")), 0);
    assert_int_equal(pthread_create(&thread, NULL, cut_when_seen, &cut), 0);
    assert_int_equal(dw_upstream_read(up, &piece), DW_ECANCELLED);
    assert_true(clock_monotonic_us() - cut.at_us < 3 * S);
    pthread_join(thread, NULL);
    assert_int_equal(dw_upstream_open(w->c, &other, .url = at(w->f, "/quiet")), DW_ECANCELLED);
}

static void a_stream_ends_with_the_deadline_and_with_the_call(void **state)
{
    struct world *w = *state;
    dw_upstream *up;
    dw_bytes piece;

    dw_call *c = renew(w, 300 * MS);
    int64_t began = clock_monotonic_us();
    assert_int_equal(dw_upstream_open(c, &up, .url = at(w->f, "/quiet")), 0);
    assert_int_equal(dw_upstream_read(up, &piece), 1);
    assert_int_equal(dw_upstream_read(up, &piece), DW_ECANCELLED);
    assert_true(clock_monotonic_us() - began < 3 * S);
    for (int i = 0; i < 20; i++) {
        c = renew(w, 0);
        assert_int_equal(dw_upstream_open(c, &up, .url = at(w->f, "/quiet")), 0);
    }
    /* Ended by end_world(). */
}

#undef TEST
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin_world, end_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_answer_comes_with_all_that_is_asked_for),
        TEST(an_answer_lives_as_long_as_its_call_or_scope),
        TEST(answers_count_as_memory_of_the_call),
        TEST(the_query_is_written_after_the_url),
        TEST(headers_are_sent),
        TEST(bodies_are_encoded),
        TEST(credentials_are_sent_and_never_told),
        TEST(older_plugins_hand_over_less),
        TEST(what_cannot_be_meant_is_misuse),
        TEST(refusals_of_the_peer_have_their_codes),
        TEST(without_an_answer_it_is_told_whether_it_may_have_happened),
        TEST(what_a_post_did_is_not_repeated_unless_it_may_be),
        TEST(json_of_the_peer_is_read_strictly),
        TEST(a_cancelled_call_waits_for_nothing),
        TEST(who_is_asked_is_cut_with_the_asker),
        TEST(the_deadline_of_the_call_is_kept),
        TEST(events_come_one_by_one),
        TEST(lines_come_one_by_one),
        TEST(pieces_come_whole_however_slow_the_reader),
        TEST(a_stream_that_is_refused_has_the_codes_of_fetch),
        TEST(a_stream_that_breaks_says_so_and_again),
        TEST(a_stream_is_read_in_one_way),
        TEST(a_cancelled_stream_ends_at_once),
        TEST(a_stream_ends_with_the_deadline_and_with_the_call),
    };
    return cmocka_run_group_tests_name("outbound HTTP of plugins", tests, NULL, NULL);
}
