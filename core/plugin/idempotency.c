#include "plugin/idempotency.h"

#include <stdio.h>

#include "api/input.h"
#include "http/exchange_struct.h"
#include "jobs/jobs.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "secure/digest.h"
#include "secure/uuid.h"

enum { TRIES_MAX = 3, ANONYMOUS_KEY_MIN = 32, RETAIN_BATCH = 1000 };
static const int64_t grace_us = 5 * (int64_t)CLOCK_SECOND, patience_us = 5 * (int64_t)CLOCK_SECOND;

struct idempotency {
    struct http_exchange *x;
    const struct plugin_process *process;
    const char *what;
    size_t mark;
    const enum request_answer *answer;
    char scope[DIGEST_HEX_SIZE], asked[DIGEST_HEX_SIZE];
    char claim[UUID_TEXT_SIZE];
    bool is_stored;  /* with the last commit */
    size_t fields_n; /* of the reply as it was then */
};

static int64_t wall_us(const struct plugin_process *p)
{
    return p->wall_us ? p->wall_us(p->clock_ud) : clock_wall_us();
}

/* ---- refusing ---- */

static struct metric *counter_of(const char *result)
{
    char label[48];

    snprintf(label, sizeof(label), "result=\"%s\"", result);
    return metrics_counter("dowel_idempotency_requests_total",
                           "Requests with an Idempotency-Key, by what became of them", label);
}

static void count(const char *result)
{
    metric_add(counter_of(result), 1);
}

void idempotency_make_metrics(void)
{
    static const char *const results[] = {
        "first", "replayed", "mismatch", "running", "lost", "unavailable"
    };

    for (size_t i = 0; i < DW_COUNT_OF(results); i++)
        counter_of(results[i]);
}

static int refuse(struct http_exchange *x, int status, const char *detail, const char *at)
{
    const struct problem_error error = { STR_OF("#/header/Idempotency-Key"),
                                         str_from(http_say(http_request_language(x), at)) };
    const struct api_refusal refusal = {
        .status = status, .detail = detail, .errors = &error, .errors_n = at ? 1 : 0
    };

    api_input_refuse(x, &refusal);
    return -1;
}

static int refuse_malformed(struct http_exchange *x, const char *at)
{
    return refuse(x, 400, "The request cannot be understood; errors says where.", at);
}

static int refuse_later(struct http_exchange *x, int status, const char *detail)
{
    http_reply_header(x, "Retry-After", STR_OF("1"));
    return refuse(x, status, detail, NULL);
}

static int refuse_database(const struct idempotency_request *asks, const char *why)
{
    count("unavailable");
    log_warn("a request with an Idempotency-Key cannot be answered", LOG_TEXT("callback", asks->what),
             LOG_STR("request", http_request_id(asks->x)), LOG_TEXT("why", why));
    return refuse_later(
        asks->x, 503,
        "Whether this was done already cannot be looked up at the moment; nothing was done, so "
        "send it again.");
}

/* ---- the key ---- */

/* A structured field's string ("..." with \" and \\), as the draft has it, or the same without its quotes, as most clients
 * send it. What is wrong, or NULL. */
static const char *read_key(struct str field, char out[IDEMPOTENCY_KEY_MAX + 1])
{
    bool is_quoted = field.n >= 2 && field.p[0] == '"' && field.p[field.n - 1] == '"';
    struct str text = is_quoted ? str_make(field.p + 1, field.n - 2) : field;
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (is_quoted && c == '\\' && i + 1 < text.n && (text.p[i + 1] == '"' || text.p[i + 1] == '\\'))
            c = text.p[++i];
        else if (c == '"' || c == '\\' || c < 0x20 || c > 0x7e || (!is_quoted && (c == ' ' || c == ',')))
            return "is no key: send a text in quotes, such as \"8e03978e-40d5-43dd-bc93-6894a57f9324\"";
        if (n == IDEMPOTENCY_KEY_MAX)
            return "is too long: a key has at most 255 characters";
        out[n++] = c;
    }
    out[n] = 0;
    return n ? NULL : "is empty: send a text of your choice, a new one for each thing to be done";
}

/* 1: there is one; 0: none; -1: refused. */
static int find_key(const struct idempotency_request *asks, char out[IDEMPOTENCY_KEY_MAX + 1])
{
    static const struct str name = STR("Idempotency-Key");
    const struct api_operation *op = asks->operation;
    uint16_t at = 0;

    if (!op || !op->idempotent)
        return 0;
    struct str field = http_head_next(http_request_head(asks->x), name, &at);
    if (!field.p)
        return op->idempotency_required
                   ? refuse_malformed(asks->x,
                                      "is missing, and is required: send a text of your choice, a new one "
                                      "for each thing to be done")
                   : 0;
    if (http_head_next(http_request_head(asks->x), name, &at).p)
        return refuse_malformed(asks->x, "stands twice, and may stand once");
    const char *wrong = read_key(field, out);
    if (wrong)
        return refuse_malformed(asks->x, wrong);
    if (!asks->principal && strlen(out) < ANONYMOUS_KEY_MIN)
        return refuse_malformed(asks->x,
                                "is too short: without a sign-in only a key that nobody can guess keeps the "
                                "answer from strangers; send a random one of at least 32 characters, such as "
                                "a UUID");
    return 1;
}

/* Each with its length, so that no two different lists make one text. */
static int hash(const struct str *parts, size_t n, char out[DIGEST_HEX_SIZE])
{
    struct buf text = BUF_INIT;

    for (size_t i = 0; i < n; i++) {
        buf_add_format(&text, "%zu:", parts[i].n);
        buf_add_str(&text, parts[i]);
    }
    int rc = buf_failed(&text) ? -1 : digest_hex(DIGEST_SHA256, buf_str(&text), out);
    buf_finish(&text);
    return rc;
}

static int hash_scope(const struct idempotency_request *asks, const char *key, char out[DIGEST_HEX_SIZE])
{
    const struct str parts[] = { str_from(asks->tenant), str_from(asks->principal), str_from(key) };

    return hash(parts, DW_COUNT_OF(parts), out);
}

static int hash_request(const struct idempotency_request *asks, char out[DIGEST_HEX_SIZE])
{
    char content[DIGEST_HEX_SIZE];

    if (digest_hex(DIGEST_SHA256, asks->body(asks->ud), content) != 0)
        return -1;
    const struct str parts[] = { str_from(http_method_name(http_request_method(asks->x))),
                                 http_request_path(asks->x), http_request_query(asks->x),
                                 http_request_header(asks->x, "Content-Type"), str_from(content) };
    return hash(parts, DW_COUNT_OF(parts), out);
}

/* ---- the row ---- */

static int open_session(struct db *db, struct db_session **out, int64_t now_us)
{
    const struct db_who who = { .owner = "core",
                                .now_us = now_us,
                                .deadline_us = clock_monotonic_us() + patience_us };

    return db_session_create(out, db, &who) == 0 ? 0 : DW_ENOMEM;
}

/* 1: the row is ours; 0: another's; or an error. */
static int64_t take(const struct idempotency *k, const struct idempotency_request *asks, struct db_session *s)
{
    const struct jobs *jobs = k->process->jobs;
    int64_t now_us = wall_us(k->process), left_us = http_request_deadline(k->x) - clock_monotonic_us();
    const dw_time now = { now_us }, lease = { now_us + (left_us > 0 ? left_us : 0) + grace_us },
                  end = { now_us + IDEMPOTENCY_KEEP_US };
    char operation[200];

    snprintf(operation, sizeof(operation), "%s.%s", asks->owner, asks->operation->id);
    return db_exec(
        s, DB_BY_CORE,
        DW_LIST("INSERT INTO dowel_idempotency AS k (scope, request, claim, state, server, lease_until,"
                " operation, tenant, principal, created_at, expires_at)"
                " VALUES ($1, $2, $3, 'running', $4, $5, $6, $7, $8, $9, $10)"
                " ON CONFLICT (scope) DO UPDATE SET request = excluded.request, claim = excluded.claim,"
                " state = 'running', server = excluded.server, lease_until = excluded.lease_until,"
                " operation = excluded.operation, tenant = excluded.tenant, principal = excluded.principal,"
                " status = NULL, content_type = NULL, fields = NULL, body = NULL,"
                " created_at = excluded.created_at, expires_at = excluded.expires_at"
                " WHERE k.expires_at <= $9 OR (k.state = 'running' AND k.lease_until <= $9)",
                (const char *)k->scope, (const char *)k->asked, (const char *)k->claim,
                jobs ? jobs_server(jobs) : "", lease, (const char *)operation, asks->tenant, asks->principal,
                now, end));
}

struct stored {
    const char *asked, *state, *content_type, *fields;
    dw_time lease_until;
    int64_t status;
    dw_bytes body;
};

/* 1: it is there; 0: it is gone; or an error. */
static int look(const struct idempotency *k, struct db_session *s, struct stored *out)
{
    *out = (struct stored){ .asked = "", .state = "", .fields = "" };
    return db_find(s,
                   DW_TO(&out->asked, &out->state, &out->lease_until, &out->status, &out->content_type,
                         &out->fields, &out->body),
                   DB_BY_CORE,
                   DW_LIST("SELECT request, state, lease_until, status, content_type, fields, body"
                           " FROM dowel_idempotency WHERE scope = $1",
                           (const char *)k->scope));
}

/* ---- answering again ---- */

static void add_fields(struct http_exchange *x, struct str fields)
{
    struct str line;

    while (fields.n && str_split(&fields, '\n', &line)) {
        size_t colon = str_find(line, ':');
        char name[128];
        if (colon + 3 > line.n || colon >= sizeof(name))
            continue;
        memcpy(name, line.p, colon);
        name[colon] = 0;
        http_reply_header(x, name, str_make(line.p + colon + 2, line.n - colon - 3));
    }
}

static int replay(struct http_exchange *x, const struct stored *stored)
{
    char *type = stored->content_type ? arena_copy(http_arena(x), str_from(stored->content_type)) : NULL;

    add_fields(x, str_from(stored->fields));
    http_reply_header(x, "Idempotency-Replayed", STR_OF("true"));
    if ((stored->content_type && !type) ||
        http_reply(x, (int)stored->status, type, str_make(stored->body.p, stored->body.n)) != 0)
        http_reply_problem(x, 503, "there is no memory for this request; try again later");
    count("replayed");
    return -1;
}

static int answer_again(const struct idempotency *k, const struct stored *stored)
{
    if (strcmp(stored->asked, k->asked) != 0) {
        count("mismatch");
        return refuse(k->x, 422,
                      "This Idempotency-Key was sent with another request; send a new one with this.",
                      "belongs to another request: method, path, query, Content-Type and content must be the "
                      "same");
    }
    if (strcmp(stored->state, "done") == 0)
        return replay(k->x, stored);
    if (stored->lease_until.us > wall_us(k->process)) {
        count("running");
        return refuse_later(k->x, 409,
                            "The request with this Idempotency-Key is still being worked on; send it again "
                            "later.");
    }
    count("lost");
    return refuse(
        k->x, 409,
        "The request with this Idempotency-Key was carried out, and its answer was not kept; look at "
        "what is there before you send another one with a new key.",
        NULL);
}

/* 0: ours; -1: answered. What is gone in between may be taken once more. */
static int take_or_answer(const struct idempotency *k, const struct idempotency_request *asks,
                          struct db_session *s)
{
    struct stored stored;

    for (int i = 0; i < TRIES_MAX; i++) {
        int64_t n = take(k, asks, s);
        if (n > 0) {
            count("first");
            return 0;
        }
        int found = n < 0 ? (int)n : look(k, s, &stored);
        if (found < 0)
            return refuse_database(asks, db_error_of(s)->text);
        if (found > 0)
            return answer_again(k, &stored);
    }
    return refuse_later(
        k->x, 409, "The request with this Idempotency-Key is still being worked on; send it again later.");
}

static struct idempotency *make(const struct idempotency_request *asks, const char *key)
{
    struct idempotency *k = arena_calloc(http_arena(asks->x), sizeof(*k));
    struct uuid id;

    if (!k || uuid_make(&id) != 0 || hash_scope(asks, key, k->scope) != 0 ||
        hash_request(asks, k->asked) != 0)
        return NULL;
    uuid_format(&id, k->claim);
    k->x = asks->x;
    k->process = asks->process;
    k->what = asks->what;
    k->mark = asks->mark;
    k->answer = asks->answer;
    return k;
}

int idempotency_begin(struct idempotency **out, const struct idempotency_request *asks)
{
    char key[IDEMPOTENCY_KEY_MAX + 1];
    struct db *db = asks->process->db;
    struct db_session *s;
    int found = find_key(asks, key);

    *out = NULL;
    if (found <= 0)
        return found;
    struct idempotency *k = make(asks, key);
    if (!k || !db)
        return refuse_database(asks, db ? "out of memory" : "this process has no database");
    if (open_session(db, &s, wall_us(k->process)) != 0)
        return refuse_database(asks, "out of memory");
    int rc = take_or_answer(k, asks, s);
    db_session_destroy(s);
    if (rc == 0)
        *out = k;
    return rc;
}

/* ---- while it runs ---- */

/* Of such an answer the same request may get another one the next time. */
static bool is_failure(int status)
{
    return status >= 500 || status == 429 || status == 401 || status == 408;
}

static bool says_no_store(const struct http_reply *reply)
{
    struct str control = reply_field(reply, STR_OF("Cache-Control")), directive;

    while (control.n && str_split(&control, ',', &directive)) {
        if (str_equal_nocase(str_trim(directive), STR_OF("no-store")))
            return true;
    }
    return false;
}

/* Secrets are not for a table that lives a day. */
static bool is_kept(const struct http_reply *reply)
{
    return reply->fd < 0 && reply->body.n <= IDEMPOTENCY_BODY_MAX && !says_no_store(reply) &&
           !reply_field(reply, STR_OF("Set-Cookie")).p;
}

/* How many rows: 0 when another has taken it. */
static int64_t store(const struct idempotency *k, struct db_session *s)
{
    const struct http_reply *reply = &k->x->reply;
    const dw_str fields = { reply->fields.p ? reply->fields.p + k->mark : "", reply->fields.n - k->mark };
    const dw_bytes body = { reply->body.p ? reply->body.p : "", reply->body.n };

    return db_exec(s, DB_BY_CORE,
                   DW_LIST("UPDATE dowel_idempotency SET state = 'done', status = $3, content_type = $4,"
                           " fields = $5, body = $6 WHERE scope = $1 AND claim = $2",
                           (const char *)k->scope, (const char *)k->claim, reply->status, reply->content_type,
                           fields, body));
}

static int64_t note_committed(const struct idempotency *k, struct db_session *s, bool is_over)
{
    return db_exec(s, DB_BY_CORE,
                   DW_LIST("UPDATE dowel_idempotency SET state = 'committed',"
                           " lease_until = CASE WHEN $3 THEN created_at ELSE lease_until END"
                           " WHERE scope = $1 AND claim = $2 AND state <> 'done'",
                           (const char *)k->scope, (const char *)k->claim, is_over));
}

int idempotency_before_commit(struct db_session *s, void *claim)
{
    struct idempotency *k = claim;
    const struct http_reply *reply = &k->x->reply;
    bool has_answer = *k->answer == ANSWER_STAGED && is_kept(reply) && !is_failure(reply->status);
    int64_t n = has_answer ? store(k, s) : k->is_stored ? 1 : note_committed(k, s, false);

    if (n == 0)
        return DW_ECANCELLED; /* its lease is over, and another has it */
    k->is_stored |= n > 0 && has_answer;
    k->fields_n = reply->fields.n;
    return n < 0 ? (int)n : 0;
}

void idempotency_not_committed(struct idempotency *claim)
{
    if (claim)
        claim->is_stored = false;
}

/* ---- after it ---- */

static int64_t release(const struct idempotency *k, struct db_session *s)
{
    return db_exec(
        s, DB_BY_CORE,
        DW_LIST("DELETE FROM dowel_idempotency WHERE scope = $1 AND claim = $2 AND state <> 'done'",
                (const char *)k->scope, (const char *)k->claim));
}

static int64_t settle(struct idempotency *k, struct db_session *s)
{
    const struct http_reply *reply = &k->x->reply;

    if (*k->answer == ANSWER_STREAM || *k->answer == ANSWER_FOLLOW)
        return note_committed(k, s, true);
    if (*k->answer == ANSWER_LATER)
        return note_committed(k, s, false);
    if (is_failure(reply->status))
        return release(k, s);
    return is_kept(reply) ? store(k, s) : note_committed(k, s, true);
}

/* What came with the commit is what the client gets. */
static bool is_settled(const struct idempotency *k)
{
    return k->is_stored && *k->answer == ANSWER_STAGED && k->x->reply.fields.n == k->fields_n;
}

void idempotency_end(struct idempotency *claim)
{
    struct db_session *s = NULL;

    if (!claim || is_settled(claim))
        return;
    int64_t rc = open_session(claim->process->db, &s, wall_us(claim->process));
    if (rc == 0)
        rc = settle(claim, s);
    if (rc < 0)
        log_warn("what became of a request with an Idempotency-Key could not be written down; the key is "
                 "free again when its "
                 "time is over",
                 LOG_TEXT("callback", claim->what),
                 LOG_TEXT("why", s ? db_error_of(s)->text : "out of memory"));
    db_session_destroy(s);
}

/* ---- for others ---- */

int idempotency_server_died(struct db_session *s, const char *server)
{
    DW_TRY((int)db_exec(
        s, DB_BY_CORE,
        DW_LIST("DELETE FROM dowel_idempotency WHERE server = $1 AND state = 'running'", server)));
    int64_t n = db_exec(s, DB_BY_CORE,
                        DW_LIST("UPDATE dowel_idempotency SET lease_until = created_at"
                                " WHERE server = $1 AND state = 'committed'",
                                server));
    return n < 0 ? (int)n : 0;
}

int64_t idempotency_retain(struct db *db, int64_t now_us)
{
    struct db_session *s;
    const dw_time now = { now_us };
    int64_t n = RETAIN_BATCH, sum = 0;

    DW_TRY(open_session(db, &s, now_us));
    while (n == RETAIN_BATCH) {
        n = db_exec(
            s, DB_BY_CORE,
            DW_LIST("DELETE FROM dowel_idempotency WHERE scope IN (SELECT scope FROM dowel_idempotency"
                    " WHERE expires_at <= $1 LIMIT $2)",
                    now, (int)RETAIN_BATCH));
        sum += n > 0 ? n : 0;
    }
    db_session_destroy(s);
    return n < 0 ? n : sum;
}
