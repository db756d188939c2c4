/* connection_rig.h - one peer that holds requests until it is told, one client, one call, and a connection made by hand.
 * Include cmocka before it. */
#ifndef CONNECTION_RIG_H
#define CONNECTION_RIG_H

#include "client_rig.h"
#include "log/log.h"
#include "plugin/call.h"
#include "plugin/connection.h"
#include "plugin/host.h"

static const dw_host host = { .struct_size = sizeof(dw_host),
                              .call = &host_call_api,
                              .client = &host_client_api };
const dw_host *dw_host_ = &host;

/* ---- /hold/NAME: answered when it may be ---- */

static struct holder {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned arrived, answered, may; /* how many, ever */
    unsigned inside_most;            /* at a time */
    char order[256];                 /* of their names */
    int status;
    const char *fields;
} holder = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

/* True when it is so, false after a while. Under the lock. */
static inline bool holder_wait(bool (*is_so)(unsigned n), unsigned n, int seconds)
{
    struct timespec limit;

    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += seconds;
    while (!is_so(n)) {
        if (pthread_cond_timedwait(&holder.changed, &holder.lock, &limit) != 0)
            return is_so(n);
    }
    return true;
}

static inline bool may_answer(unsigned n)
{
    return holder.may >= n;
}

static inline bool have_arrived(unsigned n)
{
    return holder.arrived >= n;
}

static inline bool hold_request(struct peer_conn *c, const struct peer_request *r)
{
    size_t n;

    pthread_mutex_lock(&holder.lock);
    unsigned mine = ++holder.arrived, inside = holder.arrived - holder.answered;
    if (inside > holder.inside_most)
        holder.inside_most = inside;
    n = strlen(holder.order);
    snprintf(holder.order + n, sizeof(holder.order) - n, "%s", r->path + strlen("/hold/"));
    pthread_cond_broadcast(&holder.changed);
    bool released = holder_wait(may_answer, mine, 8);
    holder.answered++;
    int status = holder.status;
    const char *fields = holder.fields;
    pthread_mutex_unlock(&holder.lock);
    return released && peer_answer(c, status, fields, r->path);
}

static inline bool connection_route_of(struct peer_conn *c, const struct peer_request *r)
{
    return strncmp(r->path, "/hold/", 6) == 0 ? hold_request(c, r) : route(c, r);
}

/* So many more may be answered. */
static inline void let_go(unsigned n)
{
    pthread_mutex_lock(&holder.lock);
    holder.may += n;
    pthread_cond_broadcast(&holder.changed);
    pthread_mutex_unlock(&holder.lock);
}

static inline void answer_with(int status, const char *fields)
{
    pthread_mutex_lock(&holder.lock);
    holder.status = status;
    holder.fields = fields;
    pthread_mutex_unlock(&holder.lock);
}

/* So many have come so far. */
static inline void wait_arrived(unsigned n)
{
    pthread_mutex_lock(&holder.lock);
    bool came = holder_wait(have_arrived, n, 8);
    unsigned arrived = holder.arrived;
    pthread_mutex_unlock(&holder.lock);
    if (!came)
        fail_msg("%u requests came, not %u", arrived, n);
}

static inline unsigned arrived(void)
{
    pthread_mutex_lock(&holder.lock);
    unsigned n = holder.arrived;
    pthread_mutex_unlock(&holder.lock);
    return n;
}

/* ---- all of it ---- */

struct rig {
    struct peer peer;
    struct client *client;
    struct plugin_process process;
    dw_instance instance;
    dw_call *c;
    dw_connection conn;
    char address[64], url[128];
    _Atomic int64_t passed_us; /* beside what really did */
    _Atomic int64_t paused_us; /* the last pause that somebody would have waited for */
};

static inline int64_t rig_clock_us(void *ud)
{
    struct rig *r = ud;
    return clock_monotonic_us() + atomic_load(&r->passed_us);
}

static inline void rig_pass(int64_t us, void *ud)
{
    struct rig *r = ud;

    atomic_store(&r->paused_us, us);
    atomic_fetch_add(&r->passed_us, us);
}

static inline dw_call *rig_begin(struct rig *r, int64_t timeout_us)
{
    const struct call_options o = { .instance = &r->instance,
                                    .what = "test",
                                    .deadline_us = timeout_us ? clock_monotonic_us() + timeout_us : 0 };
    dw_call *c;

    assert_int_equal(call_begin(&c, &o), 0);
    return c;
}

/* The same connection in another call. */
static inline dw_connection rig_connection(struct rig *r, dw_call *c)
{
    dw_connection conn = r->conn;

    conn.c = c;
    return conn;
}

static inline int rig_set_up_with(void **state, bool passes)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct client_options o = { .retry_base_us = 1 * MS };

    *state = r;
    assert_non_null(r);
    if (passes) {
        o.pass = rig_pass;
        o.clock_us = rig_clock_us;
        o.clock_ud = r;
    }
    holder.arrived = holder.answered = holder.may = holder.inside_most = 0;
    holder.order[0] = 0;
    answer_with(200, "");
    busy_fields = "";
    assert_int_equal(peer_start(&r->peer, connection_route_of, NULL), 0);
    assert_int_equal(client_create(&r->client, &o), 0);
    r->process.client = r->client;
    r->instance.magic = INSTANCE_MAGIC;
    r->instance.name = "tester";
    r->instance.process = &r->process;
    r->c = rig_begin(r, 0);
    connection_gates_forget();
    snprintf(r->address, sizeof(r->address), "http://127.0.0.1:%u", r->peer.port);
    r->conn = (dw_connection){ .c = r->c,
                               .id = "0190b0a0-0000-7000-8000-000000000001",
                               .name = "Desk",
                               .kind = "desk",
                               .route = { .address = r->address, .allow_private = true } };
    return 0;
}

static inline int rig_set_up(void **state)
{
    return rig_set_up_with(state, false);
}

static inline int rig_set_up_passing(void **state)
{
    return rig_set_up_with(state, true);
}

static inline int rig_tear_down(void **state)
{
    struct rig *r = *state;

    let_go(1000); /* of a test that failed */
    connection_gate_drop(r->conn.route.gate);
    call_end(r->c);
    client_destroy(r->client);
    peer_stop(&r->peer);
    call_forget(&r->instance);
    free(r);
    return 0;
}

/* Until the end of the test. */
static inline struct connection_gate *rig_gate(struct rig *r, unsigned parallel)
{
    r->conn.route.gate = connection_gate_of(r->conn.id, parallel);
    assert_non_null(r->conn.route.gate);
    return r->conn.route.gate;
}

static inline const char *held(struct rig *r, const char *name)
{
    snprintf(r->url, sizeof(r->url), "/hold/%s", name);
    return r->url;
}

static inline void assert_error(dw_call *c, int code, const char *detail, const char *text)
{
    const dw_err *e = dw_error_of(c);

    assert_int_equal(e->code, code);
    assert_string_equal(e->detail, detail);
    if (!strstr(e->text, text))
        fail_msg("\"%s\" does not say \"%s\"", e->text, text);
}

#define RIG_TEST(f)         cmocka_unit_test_setup_teardown(f, rig_set_up, rig_tear_down)
#define RIG_TEST_PASSING(f) cmocka_unit_test_setup_teardown(f, rig_set_up_passing, rig_tear_down)

#endif
