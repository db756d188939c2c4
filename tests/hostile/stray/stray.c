/* stray - uses what is not its own any more, or never was: a call and a request after their callback, or on another
 * thread; a token after its completion. Each operation answers with what the host said to that. */
#include <dowel/dowel.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct stray {
    dw_call *c;
    dw_request *req;
    dw_out *out;
    dw_rows *rows;
};

/* What each step that can fail said. Those that cannot must only do no harm. */
struct results {
    int sleep, defer, text, json, fail, read, reply, header, detach, seal, channel, hook;
    int query, find, exec, begin, commit, rollback, next, row, rows, list, tenant, system;
};

static void ignore(void *ud)
{
    (void)ud;
}

static void try_call(dw_call *c, struct results *r)
{
    dw_time t;
    json_t *json;
    const char *sealed;

    r->sleep = dw_sleep(c, DW_MILLISECONDS(1));
    r->defer = dw_defer(c, ignore, NULL);
    r->text = dw_time_parse(c, "2026-01-31T09:30:00Z", &t);
    r->json = dw_json_parse(c, (dw_str){ "[1]", 3 }, &json);
    r->fail = dw_fail(c, DW_ECONFLICT, "stray", "text", dw_format(c, "number %d", 7));
    r->seal = dw_seal(c, (dw_str){ "secret", 6 }, &sealed);
    r->channel = dw_channel_open(c, "stray");
    r->hook = dw_hook_ask(c, "stray.asks", NULL);
    memset(dw_alloc(c, 4096), 1, 4096);
    dw_text *text = dw_text_new(c);
    dw_text_add(text, "stray");
    (void)dw_text_get(text);
    (void)dw_json(c, "text", "stray");
    (void)dw_json_own(c, json_true()); /* what it does not take would be ours to free */
    (void)dw_now(c);
    (void)dw_deadline(c);
    (void)dw_cancelled(c);
    (void)dw_error_of(c)->text;
    (void)dw_id(c);
    (void)dw_digest_hex(c, DW_SHA256, (dw_bytes){ "a", 1 });
    dw_scope_begin(c);
    dw_scope_end(c);
    dw_info(c, "a stray line");
    dw_count(c, "strays", 1);
}

static void try_database(dw_call *c, dw_request *req, dw_rows *kept, struct results *r)
{
    dw_call *derived;
    dw_rows *rows;
    int64_t one;

    r->query = dw_db_query(c, &rows, "SELECT 1");
    r->find = dw_db_find(c, DW_TO(&one), "SELECT 1");
    r->exec = dw_db_exec(c, "SELECT 1");
    r->begin = dw_tx_begin(c);
    r->commit = dw_tx_commit(c);
    r->rollback = dw_tx_rollback(c);
    r->next = dw_rows_next(kept, &one);
    r->row = dw_reply_row(req, 200, kept);
    r->rows = dw_reply_rows(req, 200, kept);
    r->list = dw_reply_list(c, req, "SELECT 1 AS id");
    r->tenant = dw_call_as_tenant(c, "0190a0a0-0000-7000-8000-000000000001", &derived);
    r->system = dw_call_as_system(c, "to stray", &derived);
    dw_rows_close(kept);
    (void)dw_tenant(c);
    (void)dw_db_dialect(c);
}

static void try_request(dw_request *req, struct results *r)
{
    dw_token *token = NULL;
    const char *text = NULL;

    r->read = dw_request_read(req, "text", &text);
    r->reply = dw_reply(req, 200, "stray", DW_TRUE);
    r->header = dw_reply_header(req, "X-Stray", "yes");
    r->detach = dw_request_detach(req, &token, .timeout = DW_SECONDS(1));
    (void)dw_request_json(req);
    (void)dw_request_body(req);
    (void)dw_request_header(req, "Host");
    (void)dw_request_method(req);
    (void)dw_request_path(req);
    (void)dw_request_id(req);
}

static int reply_results(dw_call *c, dw_request *req, const struct results *r)
{
    return dw_reply(req, 200, "sleep", r->sleep, "defer", r->defer, "text", r->text, "json", r->json, "fail",
                    r->fail, "read", r->read, "reply", r->reply, "header", r->header, "detach", r->detach,
                    "seal", r->seal, "channel", r->channel, "hook", r->hook, "database",
                    dw_json_list(c, r->query, r->find, r->exec, r->begin, r->commit, r->rollback, r->next,
                                 r->row, r->rows, r->list, r->tenant, r->system));
}

/* ---- after the callback ---- */

static int keep(dw_call *c, dw_request *req)
{
    struct stray *self = dw_self(c);

    *self = (struct stray){ c, req, dw_reply_open(req, 200), NULL };
    DW_TRY(dw_db_query(c, &self->rows, "SELECT 1"));
    dw_out_set(self->out, "kept", DW_TRUE);
    return dw_reply_close(req);
}

static int use_kept(dw_call *c, dw_request *req)
{
    struct stray *self = dw_self(c);
    struct results r;

    try_call(self->c, &r);
    try_request(self->req, &r);
    try_database(self->c, self->req, self->rows, &r);
    dw_out_set(self->out, "stray", DW_TRUE);
    (void)dw_out_error(self->out);
    (void)dw_self(self->c);
    (void)dw_conf(self->c);
    (void)dw_call_instance(self->c);
    return reply_results(c, req, &r);
}

/* ---- on another thread, while the handler runs ---- */

struct visit {
    dw_call *c;
    dw_request *req;
    dw_rows *rows;
    struct results r;
};

static void *visit(void *ud)
{
    struct visit *v = ud;

    try_call(v->c, &v->r);
    try_request(v->req, &v->r);
    try_database(v->c, v->req, v->rows, &v->r);
    return NULL;
}

static int use_elsewhere(dw_call *c, dw_request *req)
{
    struct visit v = { .c = c, .req = req };
    pthread_t thread;

    DW_TRY(dw_db_query(c, &v.rows, "SELECT 1"));
    if (pthread_create(&thread, NULL, visit, &v) != 0)
        return DW_EUNAVAILABLE;
    pthread_join(thread, NULL);
    return reply_results(c, req, &v.r);
}

/* ---- a token after its completion ---- */

static void *complete_late(void *ud)
{
    dw_token *token = ud;

    dw_token_reply(token, 200, "nth", 1);
    for (int i = 0; i < 100; i++) {
        dw_token_reply(token, 200, "nth", 2);
        dw_token_fail(token, DW_EINTERNAL, "late");
    }
    return NULL;
}

static int use_token_late(dw_call *c, dw_request *req)
{
    dw_instance *instance = dw_call_instance(c);
    dw_token *token;
    pthread_t thread;

    DW_TRY(dw_request_detach(req, &token, .timeout = DW_SECONDS(5)));
    if (pthread_create(&thread, NULL, complete_late, token) != 0)
        return dw_token_fail(token, DW_EUNAVAILABLE, "cannot start a thread");
    pthread_join(thread, NULL);
    dw_log_any(instance, DW_LOG_INFO, "told", "step", "a token after all", "rc",
               dw_token_reply(token, 200, "nth", 3));
    return 0;
}

/* ---- what begins and ends ---- */

/* Ends a call that the host began, and scopes that nobody did. */
static int close_call(dw_call *c, dw_request *req)
{
    dw_scope_end(c);
    dw_scope_end(c);
    dw_call_close(c);
    return dw_reply(req, 200, "closed", DW_TRUE);
}

/* Opens calls of its own and forgets them. */
static int open_calls(dw_call *c, dw_request *req)
{
    for (int i = 0; i < 100; i++) {
        dw_call *mine;
        DW_TRY(dw_call_open(dw_call_instance(c), "nothing", &mine));
        dw_alloc(mine, 1000);
    }
    return dw_reply(req, 200, "opened", 100);
}

static const dw_operation operations[] = {
    { "keep", keep },
    { "useKept", use_kept },
    { "useElsewhere", use_elsewhere },
    { "useTokenLate", use_token_late },
    { "closeCall", close_call },
    { "openCalls", open_calls },
    { 0 },
};

static const dw_question questions[] = { { "stray.asks", DW_SILENCE_ALLOWS }, { 0 } };

DOWEL_PLUGIN(.name = "stray", .version = "1.0.0", .summary = "Uses what is not its own", .license = "MIT",
             .self_size = sizeof(struct stray), .operations = operations, .questions = questions);
