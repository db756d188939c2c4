#include "plugin/access.h"

#include <stdlib.h>
#include <string.h>

#include "log/log.h"
#include "metrics/metrics.h"
#include "plugin/call.h"
#include "plugin/call_db.h"
#include "plugin/descriptor.h"
#include "plugin/outcome.h"
#include "plugin/permissions.h"
#include "plugin/remembered.h"
#include "plugin/repeat.h"
#include "secure/digest.h"
#include "util/clock.h"

enum { CREDENTIAL_MAX = 16 << 10 };

struct access {
    dw_instance *instance; /* of the authenticator; NULL: there is none */
    dw_authenticator authenticator;
    uint32_t authenticate_label, tenants_label;
    struct remembered *remembered;
    struct permissions permissions;
    _Atomic int64_t heard_us; /* monotonic; 0: never */
    struct {
        struct metric *known, *asked, *refused;
    } metrics;
};

/* What a request shows. */
struct shown {
    uint32_t kind; /* 0: nothing */
    struct str text;
};

int access_create(struct access **out, size_t remembered_max)
{
    struct access *a = *out = calloc(1, sizeof(*a));

    if (!a)
        return -1;
    permissions_init(&a->permissions);
    if (remembered_create(&a->remembered, remembered_max) != 0) {
        access_destroy(a);
        *out = NULL;
        return -1;
    }
    a->metrics.known =
        metrics_counter("dowel_access_total", "Credentials that were shown", "result=\"remembered\"");
    a->metrics.asked =
        metrics_counter("dowel_access_total", "Credentials that were shown", "result=\"asked\"");
    a->metrics.refused =
        metrics_counter("dowel_access_total", "Credentials that were shown", "result=\"refused\"");
    return 0;
}

void access_destroy(struct access *a)
{
    if (!a)
        return;
    remembered_destroy(a->remembered);
    permissions_finish(&a->permissions);
    free(a);
}

/* ---- the authenticator ---- */

int access_set_authenticator(struct access *a, dw_instance *instance, struct buf *why)
{
    const dw_authenticator *by = instance->descriptor->authenticator;

    if (!by)
        return 0;
    if (a->instance) {
        buf_add_format(why,
                       "it tells who asks, and the plugin %s does so already: disable one of them in conf.d",
                       a->instance->name);
        return -1;
    }
    a->authenticator = *by;
    a->authenticate_label = activity_label(instance->name, "authenticate");
    a->tenants_label = activity_label(instance->name, "tenants");
    a->instance = instance;
    return 0;
}

bool access_has_authenticator(const struct access *a)
{
    return a->instance && !atomic_load(&a->instance->missing);
}

bool access_is_authenticator(const struct access *a, const dw_instance *instance)
{
    return a->instance == instance;
}

int access_each_tenant(struct access *a, int (*take)(void *ud, const char *tenant), void *ud)
{
    struct call_options options = { .instance = a->instance, .label = a->tenants_label, .what = "tenants" };
    dw_call *c;

    if (!access_has_authenticator(a) || !a->authenticator.tenants)
        return DW_EUNAVAILABLE;
    DW_TRY(call_begin(&c, &options));
    int rc = a->authenticator.tenants(c, take, ud);
    if (rc < 0)
        log_warn("the tenants cannot be told", LOG_TEXT("plugin", a->instance->name),
                 LOG_TEXT("code", outcome_name(rc)),
                 LOG_TEXT("why", c->error.code == rc ? c->error.text : ""));
    call_end(c);
    return rc;
}

/* ---- what a request shows ---- */

static bool is_bearer(struct str field, struct str *token)
{
    static const char scheme[] = "bearer ";
    size_t n = sizeof(scheme) - 1;

    if (field.n <= n || !str_equal_nocase(str_make(field.p, n), str_make(scheme, n)))
        return false;
    *token = str_trim(str_make(field.p + n, field.n - n));
    return token->n > 0;
}

static bool find_cookie(struct str field, struct str name, struct str *value)
{
    struct str part;

    while (str_split(&field, ';', &part)) {
        struct str cookie = str_trim(part);
        size_t n = str_find(cookie, '=');
        if (n < cookie.n && str_equal(str_make(cookie.p, n), name)) {
            *value = str_make(cookie.p + n + 1, cookie.n - n - 1);
            return true;
        }
    }
    return false;
}

/* A header is said on purpose, a cookie comes by itself. */
static struct shown shown_by(const struct access *a, const struct http_exchange *x)
{
    struct shown s = { 0 };

    if (is_bearer(http_request_header(x, "Authorization"), &s.text))
        s.kind = DW_BEARER;
    else if (a->authenticator.cookie &&
             find_cookie(http_request_header(x, "Cookie"), str_from(a->authenticator.cookie), &s.text))
        s.kind = DW_COOKIE;
    return s;
}

static int hash(const struct shown *s, unsigned char out[REMEMBERED_KEY_SIZE])
{
    unsigned char whole[DIGEST_SIZE_MAX];

    if (digest(DIGEST_SHA256, s->text, whole) != 0)
        return -1;
    memcpy(out, whole, REMEMBERED_KEY_SIZE);
    out[REMEMBERED_KEY_SIZE - 1] ^= (unsigned char)s->kind; /* a cookie is not good as a token */
    return 0;
}

/* ---- asking ---- */

static int64_t wall_us(const struct access *a)
{
    const struct plugin_process *p = a->instance->process;

    return p->wall_us ? p->wall_us(p->clock_ud) : clock_wall_us();
}

/* A question to the authenticator, and what came of it. */
struct question {
    struct access *access;
    struct http_exchange *x;
    const struct shown *shown;
    struct identity *found;
    struct buf *why; /* about a refusal, for the client */
    bool once;       /* the answer is not to be remembered */
};

static void tell_failure(const struct question *q, const dw_call *c, int rc)
{
    if (rc == DW_EAUTH && c->error.code == rc)
        buf_add_text(q->why, c->error.said);
    else
        log_warn("who asks cannot be told", LOG_TEXT("plugin", q->access->instance->name),
                 LOG_TEXT("code", outcome_name(rc)),
                 LOG_TEXT("why", c->error.code == rc ? c->error.text : ""));
}

static int take_answer(struct question *q, const dw_credential *answer)
{
    const char *wrong;
    int rc = identity_create(&q->found, answer, wall_us(q->access), &wrong);

    if (wrong)
        log_error("an authenticator's answer cannot be used", LOG_TEXT("plugin", q->access->instance->name),
                  LOG_TEXT("why", wrong));
    q->once = answer->once != 0;
    return rc;
}

/* True: it is to be asked once more. */
static bool ask_once(struct question *q, struct repeat *again, int *result)
{
    struct access *a = q->access;
    const struct call_options options = {
        .instance = a->instance,
        .label = a->authenticate_label,
        .what = "authenticate",
        .deadline_us = http_request_deadline(q->x),
        .request_id = http_request_id(q->x),
        .asker = q->x,
    };
    char address[ADDRESS_TEXT_SIZE];
    dw_call *c;

    if ((*result = call_begin(&c, &options)) < 0)
        return false;
    address_format(http_request_client(q->x), address);
    dw_credential credential = {
        .struct_size = sizeof(credential),
        .kind = q->shown->kind,
        .text = { q->shown->text.p, q->shown->text.n },
        .address = address,
        .principal_kind = DW_USER,
    };
    int rc = call_check_committed(c, a->authenticator.authenticate(c, &credential));
    bool repeats = repeat_wanted(again, c, rc);
    if (!repeats && rc >= 0)
        rc = take_answer(q, &credential);
    else if (!repeats)
        tell_failure(q, c, rc);
    call_end(c);
    *result = rc;
    return repeats;
}

static int ask(struct question *q)
{
    struct repeat again = REPEAT_INIT;
    int rc;

    metric_add(q->access->metrics.asked, 1);
    while (ask_once(q, &again, &rc))
        ;
    return rc;
}

static int64_t monotonic_us(const struct access *a)
{
    const struct plugin_process *p = a->instance ? a->instance->process : NULL;

    return p && p->monotonic_us ? p->monotonic_us(p->clock_ud) : clock_monotonic_us();
}

static bool is_hearing(const struct access *a)
{
    int64_t heard_us = atomic_load_explicit(&a->heard_us, memory_order_acquire);

    return heard_us > 0 && monotonic_us(a) - heard_us < ACCESS_HEARD_US;
}

/* 0 and *out, or the authenticator's error. */
static int find_out(struct access *a, struct http_exchange *x, const struct shown *s, struct identity **out,
                    struct buf *why)
{
    unsigned char key[REMEMBERED_KEY_SIZE];
    struct question q = { .access = a, .x = x, .shown = s, .why = why };
    uint64_t since = 0;

    if (s->text.n > CREDENTIAL_MAX) {
        buf_add_text(why, "it is longer than any that was given out here");
        return DW_EAUTH;
    }
    bool remembers = is_hearing(a) && hash(s, key) == 0;
    if (remembers && (*out = remembered_find(a->remembered, key, wall_us(a), &since)) != NULL) {
        metric_add(a->metrics.known, 1);
        return 0;
    }
    int rc = ask(&q);
    *out = q.found;
    if (rc >= 0 && remembers && !q.once)
        remembered_add(a->remembered, key, *out, since);
    return rc < 0 ? rc : 0;
}

/* ---- refusing ---- */

static int refuse_closed(struct http_exchange *x)
{
    http_reply_problem(
        x, 503,
        "this needs a permission, and this server cannot tell who asks: a plugin that can, such as auth, "
        "is not running; only public operations are answered");
    return -1;
}

static int refuse_unknown(struct access *a, struct http_exchange *x, const struct shown *s, struct buf *why)
{
    metric_add(a->metrics.refused, 1);
    if (s->kind == 0) {
        http_reply_problem(x, 401,
                           "this is for those who are signed in: send Authorization: Bearer and a token");
        (void)http_reply_header(x, "WWW-Authenticate", STR_OF("Bearer"));
    } else {
        enum http_language language = http_request_language(x);
        http_reply_problem_format(
            x, 401, "%s is not good: %s",
            http_say(language, s->kind == DW_COOKIE ? "the session" : "the token"),
            why->n > 0 ? buf_text(why)
                       : http_say(language, "it was not given out here, or it has ended; sign in again"));
        (void)http_reply_header(x, "WWW-Authenticate", STR_OF("Bearer error=\"invalid_token\""));
    }
    return -1;
}

static int refuse_unable(struct http_exchange *x)
{
    http_reply_problem(x, 503, "who asks cannot be told just now; try again");
    (void)http_reply_header(x, "Retry-After", STR_OF("1"));
    return -1;
}

static int refuse_forged(struct access *a, struct http_exchange *x)
{
    metric_add(a->metrics.refused, 1);
    http_reply_problem(
        x, 403,
        "with a cookie what changes something needs X-CSRF-Token, with the csrf_token of the session in it");
    return -1;
}

static int refuse_forbidden(struct http_exchange *x, const char *permission)
{
    http_reply_problem_format(x, 403, "this needs the permission %s, which you do not have in this tenant",
                              permission);
    return -1;
}

/* ---- deciding ---- */

static bool changes_something(const struct http_exchange *x)
{
    enum http_method m = http_request_method(x);

    return m != HTTP_GET && m != HTTP_HEAD && m != HTTP_OPTIONS;
}

static bool is_forged(const struct http_exchange *x, const struct shown *s, const struct identity *i)
{
    struct str said;

    if (s->kind != DW_COOKIE || !changes_something(x))
        return false;
    said = http_request_header(x, "X-CSRF-Token");
    return !i->csrf || said.n != strlen(i->csrf) || !secure_equal(said.p, i->csrf, said.n);
}

/* Whoever it is, or nobody. */
static int admit_to_public(struct access *a, struct http_exchange *x, const struct shown *s,
                           struct identity **out, struct buf *why)
{
    if (s->kind == 0 || !access_has_authenticator(a) || find_out(a, x, s, out, why) != 0)
        return 0;
    if (is_forged(x, s, *out)) {
        identity_drop(*out);
        *out = NULL;
    }
    return 0;
}

static int admit(struct access *a, struct http_exchange *x, const struct shown *s, const char *permission,
                 struct identity **out, struct buf *why)
{
    if (!access_has_authenticator(a))
        return refuse_closed(x);
    int rc = s->kind == 0 ? DW_EAUTH : find_out(a, x, s, out, why);
    if (rc == DW_EAUTH)
        return refuse_unknown(a, x, s, why);
    if (rc < 0)
        return refuse_unable(x);
    if (is_forged(x, s, *out))
        return refuse_forged(a, x);
    if (strcmp(permission, API_SIGNED_IN) != 0 && !identity_may(*out, permission))
        return refuse_forbidden(x, permission);
    return 0;
}

int access_admit(struct access *a, struct http_exchange *x, const char *permission, struct identity **out)
{
    const struct shown s = shown_by(a, x);
    struct buf why = BUF_INIT;

    *out = NULL;
    int rc = permission ? admit(a, x, &s, permission, out, &why) : admit_to_public(a, x, &s, out, &why);
    if (rc != 0) {
        identity_drop(*out);
        *out = NULL;
    }
    buf_finish(&why);
    return rc;
}

/* ---- forgetting ---- */

void access_forget(struct access *a, const char *id)
{
    remembered_forget(a->remembered, id);
}

void access_heard(struct access *a)
{
    atomic_store_explicit(&a->heard_us, monotonic_us(a), memory_order_release);
}

/* ---- permissions that there are ---- */

int access_declare(struct access *a, const char *plugin, const struct api_document *document)
{
    return permissions_add(&a->permissions, plugin, document);
}

const dw_permission *access_permission(const struct access *a, size_t i)
{
    return i < a->permissions.n ? &a->permissions.list[i] : NULL;
}

const dw_permission *access_find_permission(const struct access *a, const char *name)
{
    return permissions_find(&a->permissions, name);
}
