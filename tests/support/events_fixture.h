/* events_fixture.h - a database with an engine of jobs, a keyring, and a receiver of webhooks on this machine. Include
 * cmocka before it. */
#ifndef TESTS_EVENTS_FIXTURE_H
#define TESTS_EVENTS_FIXTURE_H

#include "client/client.h"
#include "events/deliver.h"
#include "events/events.h"
#include "events/webhooks.h"
#include "http_peer.h"
#include "jobs_fixture.h"
#include "secure/keyring.h"

#define TENANT_A "01890000-0000-7000-8000-00000000000a"
#define TENANT_B "01890000-0000-7000-8000-00000000000b"

enum { RECEIVED_MAX = 32 };

/* How long a receiver is waited for: on a busy machine it may take its time. Who tests that says less before it opens. */
static int64_t events_patience_us = 20 * (int64_t)CLOCK_SECOND;

/* What the receiver got, and how it answers. One for the process: routes have no ud. */
static struct {
    pthread_mutex_t lock;
    int status;         /* of the answers; 0: none at all */
    const char *fields; /* "Name: value\r\n" */
    const char *answer;
    int n;
    struct {
        char id[200], timestamp[40], signature[400], type[80];
        char body[2000];
    } got[RECEIVED_MAX];
} receiver = { .lock = PTHREAD_MUTEX_INITIALIZER };

static inline void receiver_field(const char *head, const char *name, char *out, size_t size)
{
    const char *at = strcasestr(head, name);
    const char *end = at ? strstr(at + strlen(name), "\r\n") : NULL;

    if (end)
        snprintf(out, size, "%.*s", (int)(end - at) - (int)strlen(name), at + strlen(name));
}

static inline bool receiver_route(struct peer_conn *c, const struct peer_request *r)
{
    const char *fields, *answer;
    int status;

    pthread_mutex_lock(&receiver.lock);
    if (receiver.n < RECEIVED_MAX) {
        receiver_field(r->head, "\r\nwebhook-id: ", receiver.got[receiver.n].id, sizeof(receiver.got[0].id));
        receiver_field(r->head, "\r\nwebhook-timestamp: ", receiver.got[receiver.n].timestamp,
                       sizeof(receiver.got[0].timestamp));
        receiver_field(r->head, "\r\nwebhook-signature: ", receiver.got[receiver.n].signature,
                       sizeof(receiver.got[0].signature));
        receiver_field(r->head, "\r\ncontent-type: ", receiver.got[receiver.n].type,
                       sizeof(receiver.got[0].type));
        snprintf(receiver.got[receiver.n].body, sizeof(receiver.got[0].body), "%.*s", (int)r->body_n,
                 r->body);
        receiver.n++;
    }
    status = receiver.status;
    fields = receiver.fields ? receiver.fields : "";
    answer = receiver.answer ? receiver.answer : "";
    pthread_mutex_unlock(&receiver.lock);
    if (status == 0) {
        peer_linger(c);
        return false;
    }
    return peer_answer(c, status, fields, answer);
}

static inline void receiver_answers(int status, const char *fields, const char *answer)
{
    pthread_mutex_lock(&receiver.lock);
    receiver.status = status;
    receiver.fields = fields;
    receiver.answer = answer;
    pthread_mutex_unlock(&receiver.lock);
}

struct events_fixture {
    struct jobs_fixture jobs;
    struct keyring *keyring;
    struct client *client;
    struct peer peer;
    struct jobs *engine;
    struct webhook_sender *sender;
    char url[64];
};

static inline struct db_session *events_session(struct events_fixture *f, const char *tenant)
{
    struct db_session *s = NULL;
    const struct db_who who = { .owner = "core", .tenant = tenant, .now_us = atomic_load(&f->jobs.now_us) };

    assert_int_equal(db_session_create(&s, f->jobs.db.db, &who), 0);
    return s;
}

static inline int events_fixture_open(struct events_fixture *f)
{
    const struct client_options options = { .retry_base_us = 1 };
    static const char key[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    memset(f, 0, sizeof(*f));
    receiver.n = 0;
    memset(receiver.got, 0, sizeof(receiver.got));
    receiver_answers(204, NULL, NULL);
    if (jobs_fixture_open(&f->jobs) != 0 || keyring_parse(&f->keyring, str_from(key), NULL) ||
        client_create(&f->client, &options) != 0 || peer_start(&f->peer, receiver_route, NULL) != 0)
        return -1;
    snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%u/in", f->peer.port);
    f->engine = jobs_fixture_engine(&f->jobs, &(struct jobs_options){ .workers = 2 });
    if (!f->engine)
        return -1;
    return webhook_sender_create(&f->sender,
                                 &(struct webhook_sender_options){
                                     .db = f->jobs.db.db,
                                     .client = f->client,
                                     .keyring = f->keyring,
                                     .timeout_us = events_patience_us,
                                     .wall_us = jobs_fixture_now,
                                     .clock_ud = &f->jobs,
                                 }) != 0 ||
                   webhook_sender_register(f->sender, f->engine) != 0
               ? -1
               : 0;
}

static inline void events_fixture_close(struct events_fixture *f)
{
    jobs_destroy(f->engine);
    webhook_sender_destroy(f->sender);
    client_destroy(f->client);
    peer_stop(&f->peer);
    keyring_destroy(f->keyring);
    jobs_fixture_close(&f->jobs);
}

static inline int64_t events_now(struct events_fixture *f)
{
    return atomic_load(&f->jobs.now_us);
}

static inline void events_later(struct events_fixture *f, int64_t us)
{
    atomic_fetch_add(&f->jobs.now_us, us);
}

/* Runs what is due: how many. */
static inline int events_run(struct events_fixture *f)
{
    struct buf why = BUF_INIT;
    int n = jobs_run_due(f->engine, &why);

    if (n < 0)
        fail_msg("%s", buf_text(&why));
    buf_finish(&why);
    return n;
}

/* Emits in a transaction of its own. */
static inline void events_tell(struct events_fixture *f, const char *tenant, const char *name,
                               const char *data, char id[UUID_TEXT_SIZE])
{
    struct db_session *s = events_session(f, tenant);
    const struct event e = { .name = name, .data = data, .tenant = tenant, .at_us = events_now(f) };

    assert_int_equal(db_begin(s), 0);
    int rc = events_emit(s, &e, id);
    if (rc != 0)
        fail_msg("%d: %s", rc, db_error_of(s)->text);
    assert_true(db_commit(s) >= 0);
    db_session_destroy(s);
}

#define EVENTS_NUMBER(f, ...) JOBS_NUMBER(&(f)->jobs, __VA_ARGS__)
#define EVENTS_EXEC(f, ...)   JOBS_EXEC(&(f)->jobs, __VA_ARGS__)

#endif
