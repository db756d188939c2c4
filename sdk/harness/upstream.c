/* upstream.c - the peers that the plugin asks, played by the test. */
#include <string.h>

#include "inside.h"
#include "log/log.h"

/* One answer, in the memory that the client may read until it ends: h->peers. */
struct harness_canned {
    struct harness_canned *next;
    struct str method, url;
    bool any_query, given;
    struct client_played played;
};

struct harness_asked {
    struct harness_asked *next;
    dw_harness_sent seen;
};

/* ---- making an answer ---- */

static struct str keep(dw_harness *h, struct str s, bool *failed)
{
    char *copy = arena_copy(&h->peers, s);

    *failed |= !copy;
    return str_make(copy, copy ? s.n : 0);
}

/* As many as there are lines, and one for the type. */
static struct str *make_fields(dw_harness *h, const dw_harness_upstream_args *args, size_t *n, bool *failed)
{
    const char *type = args->content_type ? args->content_type : args->json ? "application/json" : NULL;
    struct str rest = str_from(args->headers), line, *fields;
    size_t room = 1;

    for (size_t i = 0; i < rest.n; i++)
        room += rest.p[i] == '\n';
    fields = arena_calloc(&h->peers, (room + 1) * sizeof(*fields));
    *n = 0;
    if (!fields) {
        *failed = true;
        return NULL;
    }
    if (type) {
        const char *field = arena_format(&h->peers, "Content-Type: %s", type);
        *failed |= !field;
        fields[(*n)++] = str_from(field);
    }
    while (str_split(&rest, '\n', &line)) {
        if (str_ends_with(line, STR_OF("\r")))
            line.n--;
        if (line.n > 0)
            fields[(*n)++] = keep(h, line, failed);
    }
    return fields;
}

static struct str *make_pieces(dw_harness *h, const dw_harness_upstream_args *args, size_t *n, bool *failed)
{
    struct str whole = args->json ? str_from(args->json) : str_make(args->body.p, args->body.n), *pieces;
    size_t count = 0;

    while (args->pieces && args->pieces[count])
        count++;
    pieces = arena_calloc(&h->peers, (count + 1) * sizeof(*pieces));
    *n = 0;
    if (!pieces) {
        *failed = true;
        return NULL;
    }
    if (!args->pieces && whole.n > 0)
        pieces[(*n)++] = keep(h, whole, failed);
    for (size_t i = 0; i < count; i++) {
        if (*args->pieces[i])
            pieces[(*n)++] = keep(h, str_from(args->pieces[i]), failed);
    }
    return pieces;
}

static void make_outcome(struct client_played *p, const dw_harness_upstream_args *args)
{
    bool has_answer = p->fields_n + p->pieces_n > 0 || (!args->fails && !args->silent);

    p->status = args->status ? args->status : has_answer ? 200 : 0;
    p->silent = args->silent;
    if (!args->fails)
        return;
    p->error = CLIENT_UNKNOWN;
    p->message = "the test wants it to break";
    if (args->fails == DW_EUNAVAILABLE) {
        p->error = CLIENT_UNREACHED;
        p->status = 0;
    }
}

static struct harness_canned *make(dw_harness *h, const char *request, const dw_harness_upstream_args *args)
{
    struct harness_canned *canned = arena_calloc(&h->peers, sizeof(*canned));
    bool failed = !canned;

    if (failed)
        return NULL;
    canned->url = keep(h, str_from(request), &failed);
    if (failed || !str_split(&canned->url, ' ', &canned->method) || canned->url.n == 0)
        return NULL;
    canned->any_query = str_find(canned->url, '?') == canned->url.n;
    canned->played.fields = make_fields(h, args, &canned->played.fields_n, &failed);
    canned->played.pieces = make_pieces(h, args, &canned->played.pieces_n, &failed);
    make_outcome(&canned->played, args);
    return failed ? NULL : canned;
}

int dw_harness_upstream_(dw_harness *h, const char *request, const dw_harness_upstream_args *args)
{
    struct harness_canned **last = &h->canned;

    pthread_mutex_lock(&h->lock);
    struct harness_canned *canned = make(h, request, args);
    while (*last)
        last = &(*last)->next;
    *last = canned;
    pthread_mutex_unlock(&h->lock);
    return canned ? 0 : -1;
}

/* ---- being asked; on the client's thread, under the lock ---- */

static bool is_for(const struct harness_canned *canned, const struct client_asked *asked)
{
    size_t n = strcspn(asked->url, canned->any_query ? "?" : "");

    return str_equal(canned->method, str_from(asked->method)) &&
           str_equal(canned->url, str_make(asked->url, n));
}

/* The first that has not been given yet, or the last. */
static struct harness_canned *choose(dw_harness *h, const struct client_asked *asked)
{
    struct harness_canned *chosen = NULL;

    for (struct harness_canned *canned = h->canned; canned; canned = canned->next) {
        if (!is_for(canned, asked))
            continue;
        chosen = canned;
        if (!canned->given)
            break;
    }
    return chosen;
}

static const char *join_fields(dw_harness *h, const struct client_asked *asked)
{
    struct buf text = BUF_INIT;
    const char *kept;

    for (size_t i = 0; i < asked->fields_n; i++)
        buf_add_format(&text, "%.*s\r\n", STR_ARG(asked->fields[i]));
    kept = arena_copy(&h->peers, buf_str(&text));
    buf_finish(&text);
    return kept ? kept : "";
}

static void record(dw_harness *h, const struct client_asked *asked)
{
    struct harness_asked *a = arena_calloc(&h->peers, sizeof(*a)), **last = &h->asked;
    bool failed = false;

    if (!a)
        return;
    struct str body = keep(h, asked->body.p ? asked->body : str_make("", 0), &failed);
    a->seen = (dw_harness_sent){ .struct_size = (uint32_t)sizeof(a->seen),
                                 .method = keep(h, str_from(asked->method), &failed).p,
                                 .url = keep(h, str_from(asked->url), &failed).p,
                                 .headers = join_fields(h, asked),
                                 .body = { body.p, body.n } };
    while (*last)
        last = &(*last)->next;
    if (!failed)
        *last = a;
}

/* With its query: a pair too many there is what it mostly is. */
static const char *explain_missing(dw_harness *h, const struct client_asked *asked)
{
    const char *text =
        arena_format(&h->peers, "the test has no answer for %s %s; give one with dw_harness_upstream()",
                     asked->method, asked->url);

    return text ? text : "the test has no answer for it";
}

bool harness_play(const struct client_asked *asked, struct client_played *out, void *ud)
{
    dw_harness *h = ud;

    pthread_mutex_lock(&h->lock);
    record(h, asked);
    struct harness_canned *canned = choose(h, asked);
    if (canned) {
        canned->given = true;
        *out = canned->played;
    } else {
        out->message = explain_missing(h, asked);
    }
    pthread_mutex_unlock(&h->lock);
    if (canned)
        return true;
    log_warn("the test has no answer for what the plugin asks a peer; see dw_harness_upstream()",
             LOG_TEXT("method", asked->method), LOG_TEXT("url", asked->url));
    return false;
}

const dw_harness_sent *dw_harness_sent_to_peers(dw_harness *h, unsigned n)
{
    pthread_mutex_lock(&h->lock);
    const struct harness_asked *a = h->asked;
    while (a && n-- > 0)
        a = a->next;
    pthread_mutex_unlock(&h->lock);
    return a ? &a->seen : NULL;
}
