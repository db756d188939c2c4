#include "plugin/outcome.h"

#include <stdio.h>

#include "log/log.h"
#include "metrics/metrics.h"
#include "util/clock.h"

/* INNER: a fault of the plugin or the server, of which a stranger learns nothing. */
enum shown { SHOWN, INNER };

static const struct meaning {
    const char *name;
    int status;
    enum shown shown;
    const char *detail; /* when there is no text, or none that may be shown */
} meanings[] = {
    [-DW_EINVALID] = { "DW_EINVALID", 422, SHOWN, "the input is not what this operation takes" },
    [-DW_EAUTH] = { "DW_EAUTH", 401, SHOWN, "this needs a valid sign-in" },
    [-DW_EDENIED] = { "DW_EDENIED", 403, SHOWN, "this is not permitted" },
    [-DW_ENOTFOUND] = { "DW_ENOTFOUND", 404, SHOWN, "there is no such thing" },
    [-DW_ECONFLICT] = { "DW_ECONFLICT", 409, SHOWN, "this does not go with what is there" },
    [-DW_EPRECONDITION] = { "DW_EPRECONDITION", 412, SHOWN, "it was changed meanwhile; read it again" },
    [-DW_ETOOLARGE] = { "DW_ETOOLARGE", 413, SHOWN, "it is too large" },
    [-DW_ERATE] = { "DW_ERATE", 429, SHOWN, "this was asked too often; try again later" },
    [-DW_EUPSTREAM] = { "DW_EUPSTREAM", 502, SHOWN, "a service that this needs answered something unusable" },
    [-DW_EUNAVAILABLE] = { "DW_EUNAVAILABLE", 503, SHOWN,
                           "this is not possible just now; nothing was done, so it may be tried again" },
    [-DW_EUNKNOWN] = { "DW_EUNKNOWN", 504, SHOWN,
                       "a service that this needs did not answer; it may have been done all the same" },
    [-DW_ECANCELLED] = { "DW_ECANCELLED", 504, INNER, "the operation did not end within its time" },
    [-DW_EGONE] = { "DW_EGONE", 500, INNER, NULL },
    [-DW_ETX] = { "DW_ETX", 500, INNER, NULL },
    [-DW_ETHREAD] = { "DW_ETHREAD", 500, INNER, NULL },
    [-DW_EMISUSE] = { "DW_EMISUSE", 500, INNER, NULL },
    [-DW_ENOMEM] = { "DW_ENOMEM", 503, INNER, "this takes more memory than there is for one request" },
    [-DW_EINTERNAL] = { "DW_EINTERNAL", 500, INNER, NULL },
};

static const char failed[] = "the operation failed; the log says more under this request's id";

static const struct meaning *meaning_of(int code)
{
    static const struct meaning unknown = { "?", 500, INNER, NULL };

    if (code >= 0 || code < -(int)(DW_COUNT_OF(meanings) - 1))
        return &unknown;
    return &meanings[-code];
}

const char *outcome_name(int code)
{
    return meaning_of(code)->name;
}

/* A peer that refuses our credentials, answers more than we take, or has an address that is none: not our client's fault,
 * and nothing that he can mend. */
static bool is_peers_fault(const struct outcome *o)
{
    return o->is_from_peer && (o->code == DW_EAUTH || o->code == DW_EINVALID || o->code == DW_ETOOLARGE);
}

static int status_of(const struct outcome *o)
{
    return meaning_of(is_peers_fault(o) ? DW_EUPSTREAM : o->code)->status;
}

/* What is wrong with one member alone ("is over") is no sentence about the whole; it stands with its pointer. */
static bool is_about_a_member(const struct outcome *o)
{
    const char *text = o->said ? o->said : o->text;

    return o->errors_n > 0 && str_equal(o->errors[o->errors_n - 1].detail, str_from(text));
}

static const char *detail_of(const struct outcome *o, enum http_words *words)
{
    const struct meaning *m = meaning_of(is_peers_fault(o) ? DW_EUPSTREAM : o->code);

    if (m->shown == SHOWN && *o->text && !o->is_from_peer && !o->is_inner && !is_about_a_member(o)) {
        *words = o->said && !o->is_mixed ? HTTP_WORDS_SAID : HTTP_WORDS_OF_OTHERS;
        return o->said ? o->said : o->text;
    }
    /* In one language with what stands in errors[]. */
    *words = is_about_a_member(o) && o->is_mixed ? HTTP_WORDS_OF_OTHERS : HTTP_WORDS_OURS;
    return m->detail ? m->detail : failed;
}

static void log_failure(struct http_exchange *x, int status, const struct outcome *o, const char *plugin,
                        const char *what)
{
    bool is_ours = meaning_of(o->code)->status == 500;

    log_write(is_ours ? LOG_ERROR : LOG_WARN,
              plugin ? "a plugin's operation failed" : "an operation of the server's own failed",
              (const struct log_field[]){ LOG_TEXT("plugin", plugin ? plugin : "core"),
                                          LOG_TEXT("callback", what), LOG_STR("request", http_request_id(x)),
                                          LOG_NUMBER("status", status), LOG_NUMBER("returned", o->code),
                                          LOG_TEXT("code", outcome_name(o->code)), LOG_TEXT("why", o->text),
                                          LOG_END });
}

static void add_retry_after(struct http_exchange *x, int64_t us)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%lld", (long long)((us + CLOCK_SECOND - 1) / CLOCK_SECOND));

    http_reply_header(x, "Retry-After", str_make(text, (size_t)n));
}

void outcome_answer(struct http_exchange *x, size_t mark, const struct outcome *o, dw_instance *instance,
                    const char *what)
{
    int status = status_of(o);
    enum http_words words;

    http_reply_rollback(x, mark);
    if ((o->code == DW_ECANCELLED || o->code == DW_EGONE) && http_request_gone(x)) {
        http_reply_empty(x, status); /* reaches nobody */
        return;
    }
    if (status >= 500) {
        if (instance)
            metric_add(instance->metrics.failures, 1);
        log_failure(x, status, o, instance ? instance->name : NULL, what);
    }
    if (status == 401)
        http_reply_header(x, "WWW-Authenticate", STR_OF("Bearer"));
    if (o->retry_after_us > 0 && (status == 429 || status == 503))
        add_retry_after(x, o->retry_after_us);
    const char *detail = detail_of(o, &words);
    http_reply_problem_with(x, status, detail, words, o->errors, is_peers_fault(o) ? 0 : o->errors_n);
}
