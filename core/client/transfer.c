/* transfer.c - the life of one request: what is done with an answer, a failure, a limit that has passed, a wish. */
#include "client/transfer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "client/retry.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "util/clock.h"

void transfer_fail(struct transfer *t, enum client_error error, const char *format, ...)
{
    struct client_answer *a = t->answer;
    char text[512];
    va_list args;

    if (a->error != CLIENT_OK)
        return;
    a->error = error;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    buf_add_format(&a->message_, "%s %s: %s", t->method, t->url.shown ? t->url.shown : "(no URL)", text);
}

/* ---- the timer: total, idle and backoff, whichever comes first ---- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static int64_t idle_until(struct transfer *t)
{
    bool counts = t->state == TRANSFER_RUNNING || t->state == TRANSFER_QUEUED;

    /* While the reader is behind, silence is not the peer's fault. */
    if (!counts || t->idle_timeout_us == 0 || attempt_is_paused(t))
        return 0;
    return t->heard_us + t->idle_timeout_us;
}

void transfer_arm_timer(struct transfer *t)
{
    int64_t at = earlier(t->deadline_us, idle_until(t));

    if (t->state == TRANSFER_GATED)
        at = t->wake_us;
    if (t->state == TRANSFER_WAITING)
        at = earlier(at, t->wake_us);
    if (t->state == TRANSFER_RESOLVING || t->state == TRANSFER_RESOLVING_PROXY)
        at = earlier(at, t->connect_until_us);
    if (at == 0) {
        evtimer_del(&t->timer);
        return;
    }
    int64_t left = at - clock_monotonic_us();
    if (left < 0)
        left = 0;
    struct timeval span = { left / CLOCK_SECOND, left % CLOCK_SECOND };
    evtimer_add(&t->timer, &span);
}

static const char *doing(const struct transfer *t)
{
    switch (t->state) {
    case TRANSFER_GATED: return "waiting for its turn";
    case TRANSFER_RESOLVING:
    case TRANSFER_RESOLVING_PROXY: return "looking up its address";
    case TRANSFER_QUEUED: return "waiting for a free connection";
    case TRANSFER_WAITING: return "waiting to try again";
    default:
        return !t->sent ? "connecting" : t->head_done ? "receiving the answer" : "waiting for the answer";
    }
}

static void fail_timeout(struct transfer *t, const char *what)
{
    double seconds = (double)(clock_monotonic_us() - t->started_us) / CLOCK_SECOND;

    transfer_fail(t, CLIENT_TIMEOUT, "%s after %.1f s, while %s; is the peer busy, or the timeout too short?",
                  what, seconds, doing(t));
    transfer_finish(t);
}

/* Others may have been told meanwhile that the peer wants no more. */
static void try_again(struct transfer *t)
{
    if (gate_is_closed(t))
        gate_begin(t);
    else
        route_begin(t);
}

static void on_timer(evutil_socket_t fd, short what, void *ud)
{
    struct transfer *t = ud;
    struct client *c = t->client;
    int64_t now = clock_monotonic_us(), idle = idle_until(t);

    (void)fd;
    (void)what;
    if (t->state == TRANSFER_GATED)
        gate_look(t);
    else if (t->deadline_us && now >= t->deadline_us)
        fail_timeout(t, "the time was up");
    else if (idle && now >= idle)
        fail_timeout(t, t->state == TRANSFER_QUEUED ? "no connection became free" : "the peer fell silent");
    else if (t->state == TRANSFER_WAITING && now >= t->wake_us)
        try_again(t);
    else if ((t->state == TRANSFER_RESOLVING || t->state == TRANSFER_RESOLVING_PROXY) &&
             now >= t->connect_until_us)
        route_timeout(t);
    else
        transfer_arm_timer(t);
    slot_start_queued(c);
}

/* ---- trying again ---- */

void transfer_retry_later(struct transfer *t, int64_t span_us)
{
    const struct client_options *o = &t->client->options;

    metric_add(t->client->retries, 1);
    if (log_enabled(LOG_DEBUG))
        log_debug("outbound request is tried again", LOG_TEXT("method", t->method),
                  LOG_TEXT("url", t->url.shown), LOG_NUMBER("status", t->answer->status),
                  LOG_SPAN("wait", span_us));
    if (t->had_enough) {
        gate_begin(t);
        return;
    }
    if (o->pass)
        o->pass(span_us, o->clock_ud);
    t->state = TRANSFER_WAITING;
    t->wake_us = clock_monotonic_us() + (o->pass ? 0 : span_us);
    transfer_arm_timer(t);
}

int64_t transfer_retry_span(const struct transfer *t)
{
    uint64_t random = 0;
    const struct client_options *o = &t->client->options;

    if (!transfer_may_retry(t))
        return -1;
    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
        random = (uint64_t)clock_monotonic_us() * 0x9e3779b97f4a7c15u;
    int64_t span = retry_backoff_us(t->attempt, o->retry_base_us, o->retry_cap_us, random);
    if (t->answer->retry_after_us > span)
        span = t->answer->retry_after_us;
    int64_t until_us = t->had_enough ? t->patience_until_us : t->deadline_us;
    bool in_time = until_us == 0 || clock_monotonic_us() + span < until_us;
    return in_time ? span : -1;
}

/* ---- judging answers ---- */

bool transfer_may_retry(const struct transfer *t)
{
    return t->idempotent && t->attempt < t->attempts_max && !t->head_delivered &&
           t->answer->error == CLIENT_OK;
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void deliver_head(struct transfer *t)
{
    t->head_delivered = true;
    t->answer->took_us = clock_monotonic_us() - t->started_us;
    pthread_mutex_lock(&t->lock);
    t->head = t->answer;
    t->answer = t->tail;
    t->tail = NULL;
    t->answer->status = t->head->status;
    t->answer->reached = true;
    t->answer->attempts = t->head->attempts;
    t->head_ready = true;
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

/* A length that is already too long need not be received. */
static bool fits(struct transfer *t)
{
    const char *text = client_answer_header(t->answer, "content-length");
    uint64_t n;

    if (!text || strcmp(t->method, "HEAD") == 0 || t->answer->status == 204 || t->answer->status == 304)
        return true;
    if (!str_to_uint(str_from(text), UINT64_MAX, &n))
        return true; /* libcurl judges it */
    if (n > t->max_bytes) {
        transfer_fail(t, CLIENT_TOO_LARGE, "the answer has %llu bytes, more than the %zu that were asked for",
                      (unsigned long long)n, t->max_bytes);
        return false;
    }
    return true;
}

bool transfer_judge_head(struct transfer *t)
{
    struct client_answer *a = t->answer;
    const char *value = client_answer_header(a, "content-type");

    a->content_type = value ? value : "";
    value = client_answer_header(a, "retry-after");
    a->retry_after_us = value ? retry_after_us(str_from(value), clock_wall_us()) : -1;
    gate_answered(t);
    if (is_redirect(a->status) && t->redirects_max > 0 && client_answer_header(a, "location")) {
        t->next = NEXT_REDIRECT;
        return true;
    }
    t->retry_in_us = retry_is_transient(a->status) ? transfer_retry_span(t) : -1;
    if (t->retry_in_us >= 0) {
        t->next = NEXT_RETRY;
        return true;
    }
    if (!fits(t))
        return false;
    if (t->is_stream && (a->status < 400 || t->any_status))
        deliver_head(t);
    return true;
}

/* The fetch standard's rules: 303 asks for the result of what was done, and after 301 and 302 everybody reads a POST's
 * so. Credentials stay with the origin they were meant for. */
static void redirect(struct transfer *t)
{
    const char *why, *location = client_answer_header(t->answer, "location");
    struct url to;
    int status = t->answer->status;
    bool is_head = strcmp(t->method, "HEAD") == 0;

    if (t->answer->redirects >= t->redirects_max) {
        transfer_fail(t, CLIENT_STATUS, "the peer redirected more than %u times", t->redirects_max);
    } else if (url_parse(&to, location, &t->url, &why) != 0) {
        transfer_fail(t, CLIENT_INVALID, "the peer redirected to a URL that cannot be asked: %s", why);
        url_finish(&to);
    } else if (t->url.tls && !to.tls) {
        transfer_fail(t, CLIENT_DENIED, "the peer redirected from https to http (%s)", to.shown);
        url_finish(&to);
    } else {
        t->foreign = t->foreign || !url_same_origin(&t->url, &to);
        if (!is_head &&
            (status == 303 || ((status == 301 || status == 302) && strcmp(t->method, "POST") == 0))) {
            t->method = "GET";
            t->without_body = true;
            t->idempotent = true;
        }
        url_finish(&t->url);
        t->url = to;
        t->answer->redirects++;
        t->attempt = 0;
        route_begin(t);
        return;
    }
    transfer_finish(t);
}

/* found: what OpenSSL or curl says. */
static const char *advice(enum client_error error, const char *found)
{
    switch (error) {
    case CLIENT_UNREACHED: return "nothing was sent; is it up, and may this machine reach it?";
    case CLIENT_UNKNOWN: return "it may have been carried out: look there before you repeat it";
    case CLIENT_TLS:
        if (strstr(found, "wrong version number"))
            return "no TLS is spoken there; is it http:// instead of https://, or another port?";
        return "check the CA that signed its certificate (ca_file, or what the connection trusts), "
               "and the client certificate";
    case CLIENT_TIMEOUT: return "is it up, and may this machine reach it?";
    default: return "see the peer's log";
    }
}

static void fail_broken(struct transfer *t, CURLcode code)
{
    enum client_error error = attempt_classify(t, code);
    char address[ADDRESS_TEXT_SIZE];
    const char *found = t->curl_error[0] ? t->curl_error : curl_easy_strerror(code);
    size_t n = strcspn(found, "\r\n");

    address_format(&t->to[t->to_at], address);
    transfer_fail(t, error, "%s %s: %.*s; %s", t->proxy.host ? "the proxy" : "the peer", address, (int)n,
                  found, advice(error, found));
}

/* Nothing was sent: the next address of the same name may be better. */
static bool try_next_address(struct transfer *t, CURLcode code)
{
    bool no_connection = code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT;

    if (t->sent || !no_connection || t->to_at + 1 >= t->to_n || clock_monotonic_us() >= t->connect_until_us)
        return false;
    t->to_at++;
    slot_begin(t);
    return true;
}

static void broken(struct transfer *t, CURLcode code)
{
    enum client_error error = attempt_classify(t, code);
    bool passing = error == CLIENT_UNREACHED || error == CLIENT_UNKNOWN || error == CLIENT_TIMEOUT;

    if (try_next_address(t, code))
        return;
    if (!t->sent)
        resolver_forget(t->client->resolver, t->proxy.host ? t->proxy.host : t->url.host);
    int64_t span = passing ? transfer_retry_span(t) : -1;
    if (span >= 0) {
        slot_leave(t);
        transfer_retry_later(t, span);
        return;
    }
    fail_broken(t, code);
    transfer_finish(t);
}

void transfer_attempt_over(struct transfer *t, CURLcode code)
{
    int status = t->answer->status;

    attempt_end(t);
    if (code == CURLE_OK &&
        !t->head_done) { /* libcurl takes a head that the peer never ended for a whole answer */
        code = CURLE_WEIRD_SERVER_REPLY;
        snprintf(t->curl_error, sizeof(t->curl_error), "the head of the answer was cut off");
    }
    if (t->answer->error != CLIENT_OK) {
        transfer_finish(t);
    } else if (t->head_done && t->next == NEXT_REDIRECT) {
        slot_leave(t);
        redirect(t);
    } else if (t->head_done && t->next == NEXT_RETRY) {
        slot_leave(t);
        transfer_retry_later(t, t->retry_in_us);
    } else if (code != CURLE_OK) {
        broken(t, code);
    } else {
        if (status >= 400 && !t->any_status)
            transfer_fail(t, CLIENT_STATUS, "the peer answered %d; %s", status,
                          status == 401 || status == 403 ? "check the credentials of this connection"
                          : status >= 500                ? "see the peer's log"
                                                         : "the body says more");
        transfer_finish(t);
    }
}

/* ---- the end ---- */

static void complete_answer(struct transfer *t)
{
    struct client_answer *a = t->answer;
    const char *body;

    if (a->error != CLIENT_OK && a->error != CLIENT_STATUS)
        a->body_.n = 0; /* half an answer must not pass for one */
    body = buf_text(&a->body_);
    a->took_us = clock_monotonic_us() - t->started_us;
    a->body = str_make(body, a->body_.n);
    a->message = a->error == CLIENT_OK ? "" : a->message_.n ? buf_text(&a->message_) : "memory is out";
    if (buf_failed(&a->body_)) {
        a->body = str_make("", 0);
        if (a->error == CLIENT_OK)
            a->error = CLIENT_MEMORY;
    }
}

static void record(const struct transfer *t)
{
    const struct client_answer *a = t->answer;

    metric_add(t->client->outcomes[a->error], 1);
    metric_add(t->client->transfers_open, -1);
    metric_observe_us(t->client->duration, a->took_us);
    if (log_enabled(LOG_DEBUG))
        log_debug("outbound request", LOG_TEXT("method", t->method), LOG_TEXT("url", t->url.shown),
                  LOG_TEXT("outcome", client_error_name(a->error)), LOG_NUMBER("status", a->status),
                  LOG_NUMBER("attempts", a->attempts), LOG_SPAN("took", a->took_us));
}

void transfer_finish(struct transfer *t)
{
    struct client *c = t->client;

    if (t->state == TRANSFER_DONE)
        return;
    attempt_end(t);
    slot_leave(t);
    gate_leave(t);
    route_abandon(t);
    t->state = TRANSFER_DONE;
    list_remove(&t->node);
    if (t->timer_made)
        evtimer_del(&t->timer);
    client_leave_token(t);
    complete_answer(t);
    record(t);
    if (t->gate && t->gate->owner && t->gate->owner->done)
        t->gate->owner->done(t->gate, t->answer);
    pthread_mutex_lock(&c->lock);
    c->open--;
    pthread_mutex_unlock(&c->lock);
    if (t->callback) {
        struct client_answer *a = t->answer;
        t->answer = NULL;
        t->callback(a, t->callback_ud);
    } else {
        pthread_mutex_lock(&t->lock);
        t->done = true;
        pthread_cond_broadcast(&t->changed);
        pthread_mutex_unlock(&t->lock);
    }
    transfer_drop(t);
}

/* ---- wishes of other threads ---- */

static void submit(struct transfer *t)
{
    struct client *c = t->client;

    list_append(&c->transfers, &t->node);
    evtimer_assign(&t->timer, c->base, on_timer, t);
    t->timer_made = true;
    metric_add(c->transfers_open, 1);
    if (t->answer->error != CLIENT_OK || t->cancelled) {
        transfer_fail(t, CLIENT_CANCELLED, "cancelled before it was sent");
        transfer_finish(t);
        return;
    }
    if (t->gate)
        gate_begin(t);
    else
        route_begin(t);
}

static void cancel(struct transfer *t)
{
    t->cancelled = true;
    if (t->state == TRANSFER_NEW || t->state == TRANSFER_DONE)
        return;
    transfer_fail(t, CLIENT_CANCELLED, "cancelled while %s", doing(t));
    transfer_finish(t);
}

static void resume(struct transfer *t)
{
    if (t->state != TRANSFER_RUNNING)
        return;
    t->heard_us = clock_monotonic_us();
    if (!t->easy) {
        played_resume(t);
        return;
    }
    CURLcode code = curl_easy_pause(t->easy, CURLPAUSE_CONT);
    if (code != CURLE_OK)
        transfer_attempt_over(t, code);
    else
        transfer_arm_timer(t);
}

void transfer_handle(struct transfer *t, unsigned wishes)
{
    if (wishes & WISH_SUBMIT && t->state == TRANSFER_NEW)
        submit(t);
    if (wishes & WISH_CANCEL)
        cancel(t);
    if (wishes & WISH_GATE)
        gate_look(t);
    if (wishes & WISH_RESOLVED)
        route_answered(t);
    if (wishes & WISH_RESUME)
        resume(t);
}
