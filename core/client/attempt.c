/* attempt.c - one try of one transfer: the libcurl handle, its options and its callbacks.
 *
 * The callbacks run inside libcurl, which must not be re-entered: they note what happened and say go on, pause or stop;
 * what follows is done in transfer.c once libcurl has returned. */
#include <string.h>
#include <unistd.h>

#include "client/retry.h"
#include "client/transfer.h"
#include "util/clock.h"

enum {
    DISCARD_MAX = 256 * 1024, /* of an answer nobody wants; beyond it a new connection is cheaper */
    KEEP_MS = 60 * 1000,
    /* A request that must not be sent twice takes only a connection used a moment ago: one that the peer has closed
     * meanwhile leaves us not knowing whether the request was seen. Peers keep them for 5 s and more. */
    FRESH_S = 3,
    IDLE_S = 60,
    SANE_CONNECT_US = 2 * CLOCK_SECOND /* an address gets at least this, if that much is left */
};

bool attempt_is_paused(struct transfer *t)
{
    pthread_mutex_lock(&t->lock);
    bool paused = t->paused;
    pthread_mutex_unlock(&t->lock);
    return paused;
}

/* ---- callbacks ---- */

static bool head_over(struct transfer *t)
{
    if (t->answer->status < 200) {
        answer_reset(t->answer); /* 100, 103: the head itself is still to come */
        return true;
    }
    t->head_done = true;
    return transfer_judge_head(t);
}

bool attempt_take_line(struct transfer *t, struct str line)
{
    t->heard_us = clock_monotonic_us();
    if (t->head_done)
        return true; /* trailers: nobody has asked for any, and they could pose as fields */
    if (line.n == 0)
        return head_over(t);
    if (answer_add_line(t->answer, line) != 0) {
        transfer_fail(t, CLIENT_TOO_LARGE, "the head of the answer is larger than 64 KiB, or memory is out");
        return false;
    }
    return true;
}

static size_t on_header(char *p, size_t size, size_t n, void *ud)
{
    struct str line = str_make(p, size * n);

    while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
        line.n--;
    return attempt_take_line(ud, line) ? size * n : 0;
}

static size_t collect(struct transfer *t, struct str bytes)
{
    struct buf *body = &t->answer->body_;

    if (bytes.n > t->max_bytes - body->n) {
        transfer_fail(t, CLIENT_TOO_LARGE, "the answer is larger than the %zu bytes that were asked for",
                      t->max_bytes);
        return 0;
    }
    buf_add_str(body, bytes);
    if (buf_failed(body)) {
        transfer_fail(t, CLIENT_MEMORY, "memory is out");
        return 0;
    }
    return bytes.n;
}

/* To the reader's buffer. A full one pauses the transfer: TCP then slows the peer down. libcurl gives the same bytes
 * again after the pause. */
static size_t deliver(struct transfer *t, struct str bytes)
{
    size_t taken = bytes.n;

    if (bytes.n > t->max_bytes) {
        transfer_fail(t, CLIENT_TOO_LARGE, "the stream is longer than was asked for");
        return 0;
    }
    pthread_mutex_lock(&t->lock);
    if (t->filled.n > 0 && t->filled.n + bytes.n > t->buffer_bytes) {
        t->paused = true;
        taken = CURL_WRITEFUNC_PAUSE;
    } else {
        buf_add_str(&t->filled, bytes);
        if (buf_failed(&t->filled))
            taken = 0;
        pthread_cond_broadcast(&t->changed);
    }
    pthread_mutex_unlock(&t->lock);
    if (taken == 0)
        transfer_fail(t, CLIENT_MEMORY, "memory is out");
    else if (taken == bytes.n && t->max_bytes != SIZE_MAX)
        t->max_bytes -= bytes.n;
    return taken;
}

static size_t take_body(struct transfer *t, struct str bytes)
{
    t->heard_us = clock_monotonic_us();
    if (bytes.n == 0)
        return 0;
    if (t->next != NEXT_FINISH) {
        t->discarded += bytes.n;
        return t->discarded > DISCARD_MAX ? 0 : bytes.n;
    }
    return t->head_delivered ? deliver(t, bytes) : collect(t, bytes);
}

static size_t on_body(char *p, size_t size, size_t n, void *ud)
{
    return take_body(ud, str_make(p, size * n));
}

int attempt_take_body(struct transfer *t, struct str bytes)
{
    size_t taken = take_body(t, bytes);

    return taken == bytes.n ? 1 : taken == CURL_WRITEFUNC_PAUSE ? 0 : -1;
}

static bool is_pinned(const struct transfer *t, const struct sockaddr *sa)
{
    struct address a;
    uint16_t port;

    address_from_sockaddr(sa, &a, &port);
    return address_equal(&a, &t->to[t->to_at]);
}

/* The second wall: whatever libcurl makes of URL, proxy and connect-to, it gets a socket for the judged address only. */
static curl_socket_t on_open(void *ud, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct transfer *t = ud;

    if (purpose != CURLSOCKTYPE_IPCXN || !is_pinned(t, &to->addr)) {
        transfer_fail(t, CLIENT_DENIED, "the connection would have gone to another address than was judged");
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* Called when a connection is there, new or reused, before the request goes out on it. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's */
static int on_ready(void *ud, char *peer, char *local, int peer_port, int local_port)
{
    struct transfer *t = ud;
    struct address a;

    (void)local;
    (void)peer_port;
    (void)local_port;
    if (address_parse(str_from(peer), &a) != 0 || !address_equal(&a, &t->to[t->to_at])) {
        transfer_fail(t, CLIENT_DENIED, "the connection went to another address than was judged");
        return CURL_PREREQFUNC_ABORT;
    }
    /* A reused connection broke, and libcurl would send the request once more on a new one, whatever its method. */
    if (t->sent && !t->idempotent) {
        transfer_fail(t, CLIENT_UNKNOWN,
                      "the connection broke before an answer came; it may have been carried out: "
                      "look there before you repeat it");
        return CURL_PREREQFUNC_ABORT;
    }
    t->sent = true;
    t->answer->reached = true;
    return CURL_PREREQFUNC_OK;
}

/* ---- options ---- */

/* Collects failures, so that forty options need one look. */
struct options {
    CURL *easy;
    bool failed;
};

static void set_long(struct options *o, CURLoption option, long value)
{
    o->failed |= curl_easy_setopt(o->easy, option, value) != CURLE_OK;
}

static void set_text(struct options *o, CURLoption option, const char *value)
{
    o->failed |= curl_easy_setopt(o->easy, option, value) != CURLE_OK;
}

static void set_pointer(struct options *o, CURLoption option, void *value)
{
    o->failed |= curl_easy_setopt(o->easy, option, value) != CURLE_OK;
}

static void set_callbacks(struct options *o, struct transfer *t)
{
    o->failed |= curl_easy_setopt(o->easy, CURLOPT_HEADERFUNCTION, on_header) != CURLE_OK;
    o->failed |= curl_easy_setopt(o->easy, CURLOPT_WRITEFUNCTION, on_body) != CURLE_OK;
    o->failed |= curl_easy_setopt(o->easy, CURLOPT_OPENSOCKETFUNCTION, on_open) != CURLE_OK;
    o->failed |= curl_easy_setopt(o->easy, CURLOPT_PREREQFUNCTION, on_ready) != CURLE_OK;
    set_pointer(o, CURLOPT_HEADERDATA, t);
    set_pointer(o, CURLOPT_WRITEDATA, t);
    set_pointer(o, CURLOPT_OPENSOCKETDATA, t);
    set_pointer(o, CURLOPT_PREREQDATA, t);
    set_pointer(o, CURLOPT_PRIVATE, t);
    set_pointer(o, CURLOPT_ERRORBUFFER, t->curl_error);
}

/* What is left of the connect timeout is shared out among the addresses that are left. */
static long connect_timeout_ms(const struct transfer *t)
{
    int64_t left = t->connect_until_us - clock_monotonic_us();
    int64_t share = left / (int64_t)(t->to_n - t->to_at);

    if (share < SANE_CONNECT_US)
        share = left < SANE_CONNECT_US ? left : SANE_CONNECT_US;
    return share > CLOCK_MS ? (long)(share / CLOCK_MS) : 1;
}

static void set_connection(struct options *o, const struct transfer *t)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    set_text(o, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    set_long(o, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
    set_text(o, CURLOPT_URL, t->url.text);
    set_long(o, CURLOPT_NOSIGNAL, 1);
    set_long(o, CURLOPT_FOLLOWLOCATION, 0); /* each hop passes the guard: transfer.c */
    set_long(o, CURLOPT_NETRC, CURL_NETRC_IGNORED);
    set_long(o, CURLOPT_CONNECTTIMEOUT_MS, connect_timeout_ms(t));
    set_long(o, CURLOPT_TCP_KEEPALIVE, 1);
    set_long(o, CURLOPT_TCP_KEEPIDLE, 60);
    set_long(o, CURLOPT_TCP_KEEPINTVL, 30);
    set_long(o, CURLOPT_MAXAGE_CONN, t->idempotent ? IDLE_S : FRESH_S);
    /* Streams pause, and libcurl's HTTP/2 has lost paused transfers in one release or another (7.84, 7.88, 8.0). */
    set_long(o, CURLOPT_HTTP_VERSION, t->is_stream ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS);
}

/* Not copied: the transfer outlives the handle. What a connection is compared by libcurl copies itself. */
static void set_blob(struct options *o, CURLoption option, struct str text)
{
    struct curl_blob blob = { .data = (char *)(uintptr_t)text.p, .len = text.n, .flags = CURL_BLOB_NOCOPY };

    o->failed |= curl_easy_setopt(o->easy, option, &blob) != CURLE_OK;
}

static void set_client_certificate(struct options *o, const struct transfer *t)
{
    if (t->cert_pem.n) {
        set_blob(o, CURLOPT_SSLCERT_BLOB, t->cert_pem);
        set_blob(o, CURLOPT_SSLKEY_BLOB, t->key_pem);
    } else if (t->cert_file) {
        set_text(o, CURLOPT_SSLCERT, t->cert_file);
        set_text(o, CURLOPT_SSLKEY, t->key_file ? t->key_file : t->cert_file);
    }
}

static void set_tls(struct options *o, const struct transfer *t)
{
    set_long(o, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    if (t->ca_pem.n)
        set_blob(o, CURLOPT_CAINFO_BLOB, t->ca_pem);
    if (t->ca_pem.n || t->ca_file) {
        set_text(o, CURLOPT_CAINFO, t->ca_file); /* NULL: not Debian's bundle besides, */
        set_text(o, CURLOPT_CAPATH, NULL);       /* nor its folder */
    }
#if LIBCURL_VERSION_NUM >= 0x075700
    set_long(o, CURLOPT_CA_CACHE_TIMEOUT, 300); /* parsing the system's bundle costs 20 ms a connection */
#endif
    if (t->url.tls && !t->foreign)
        set_client_certificate(o, t);
}

/* Where the TCP connection goes. CURLOPT_CONNECT_TO and not CURLOPT_RESOLVE: that one writes into a cache that all
 * transfers share, where another one's answer for the same name could replace ours, and it lets a connection be reused
 * by name alone; this one belongs to the handle, and reuse compares the address. */
static void set_route(struct options *o, struct transfer *t)
{
    const struct address *to = &t->to[t->to_at];
    char text[ADDRESS_TEXT_SIZE], line[ADDRESS_TEXT_SIZE + 48];
    const char *open = to->size == 16 ? "[" : "", *close = to->size == 16 ? "]" : "";

    address_format(to, text);
    set_text(o, CURLOPT_NOPROXY, ""); /* NULL would read the environment */
    if (!t->proxy.host) {
        set_text(o, CURLOPT_PROXY, "");
        snprintf(line, sizeof(line), "::%s%s%s:%u", open, text, close, t->url.port);
        t->connect_to = curl_slist_append(NULL, line);
        o->failed |= !t->connect_to;
        set_pointer(o, CURLOPT_CONNECT_TO, t->connect_to);
        return;
    }
    snprintf(line, sizeof(line), "%s://%s%s%s:%u", t->proxy.socks ? "socks5h" : "http", open, text, close,
             t->proxy.port);
    set_text(o, CURLOPT_PROXY, line);
    set_text(o, CURLOPT_PROXYUSERNAME, t->proxy.user);
    set_text(o, CURLOPT_PROXYPASSWORD, t->proxy.password);
    set_long(o, CURLOPT_PROXYAUTH, CURLAUTH_BASIC);
    set_long(o, CURLOPT_HEADEROPT, CURLHEADER_SEPARATE); /* ours are not the proxy's to see */
    set_long(o, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1);
}

static void add_line(struct options *o, struct transfer *t, const char *line)
{
    struct curl_slist *longer = curl_slist_append(t->lines, line);

    o->failed |= !longer;
    if (longer)
        t->lines = longer;
}

static bool is_about_body(const char *line)
{
    static const char name[] = "content-";
    return strncasecmp(line, name, sizeof(name) - 1) == 0;
}

static void set_fields(struct options *o, struct transfer *t)
{
    bool typed = false;

    add_line(o, t, "Expect:"); /* 100-continue costs a round trip, or a second when the peer ignores it */
    for (size_t i = 0; i < t->fields_n; i++) {
        const struct transfer_field *f = &t->fields[i];
        bool about_body = is_about_body(f->line);
        if ((f->secret && t->foreign) || (about_body && t->without_body))
            continue;
        typed |= strncasecmp(f->line, "content-type", 12) == 0;
        add_line(o, t, f->line);
    }
    if (!typed)
        add_line(o, t, "Content-Type:"); /* libcurl would call every body a form */
    set_pointer(o, CURLOPT_HTTPHEADER, t->lines);
    set_text(o, CURLOPT_USERAGENT, t->client->options.user_agent);
    if (!t->is_stream) /* a packer in between holds events back */
        set_text(o, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
}

static void set_method(struct options *o, const struct transfer *t)
{
    struct str method = str_from(t->method);
    bool wants_length = str_equal(method, STR_OF("POST")) || str_equal(method, STR_OF("PUT")) ||
                        str_equal(method, STR_OF("PATCH"));

    if (str_equal(method, STR_OF("HEAD"))) {
        set_long(o, CURLOPT_NOBODY, 1);
        return;
    }
    if ((t->body.p && !t->without_body) || wants_length) {
        size_t n = t->without_body || !t->body.p ? 0 : t->body.n;
        set_long(o, CURLOPT_POST, 1);
        o->failed |= curl_easy_setopt(o->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n) != CURLE_OK;
        o->failed |= curl_easy_setopt(o->easy, CURLOPT_POSTFIELDS, n ? t->body.p : "") != CURLE_OK;
    }
    set_text(o, CURLOPT_CUSTOMREQUEST, t->method);
}

void attempt_reset(struct transfer *t)
{
    t->sent = t->head_done = t->had_enough = false;
    t->next = NEXT_FINISH;
    t->discarded = 0;
    t->curl_error[0] = 0;
    t->heard_us = clock_monotonic_us();
    answer_reset(t->answer);
}

int attempt_begin(struct transfer *t)
{
    struct options o = { .easy = curl_easy_init() };

    if (!o.easy)
        return -1;
    t->easy = o.easy;
    attempt_reset(t);
    set_callbacks(&o, t);
    set_connection(&o, t);
    set_tls(&o, t);
    set_route(&o, t);
    set_fields(&o, t);
    set_method(&o, t);
    if (!o.failed && curl_multi_add_handle(t->client->multi, t->easy) == CURLM_OK)
        return 0;
    attempt_end(t);
    return -1;
}

/* The copies that libcurl made of our fields hold keys. */
static void wipe_lines(struct curl_slist *lines)
{
    for (struct curl_slist *l = lines; l; l = l->next)
        explicit_bzero(l->data, strlen(l->data));
    curl_slist_free_all(lines);
}

void attempt_end(struct transfer *t)
{
    if (!t->easy)
        return;
    curl_multi_remove_handle(t->client->multi, t->easy);
    curl_easy_cleanup(t->easy);
    wipe_lines(t->lines);
    curl_slist_free_all(t->connect_to);
    t->easy = NULL;
    t->lines = t->connect_to = NULL;
}

/* In TLS 1.3 the client is done before the server has looked at its certificate: the refusal comes as an alert in place
 * of the answer. OpenSSL's reason is all that libcurl passes on of it. */
static bool is_certificate_alert(const char *found)
{
    const char *alert = strstr(found, "alert");
    return alert && (strstr(alert, "certificate") || strstr(alert, "unknown ca"));
}

enum client_error attempt_classify(const struct transfer *t, CURLcode code)
{
    static const struct {
        CURLcode code;
        enum client_error error;
    } table[] = {
        { CURLE_COULDNT_RESOLVE_HOST, CLIENT_UNREACHED },
        { CURLE_COULDNT_RESOLVE_PROXY, CLIENT_UNREACHED },
        { CURLE_COULDNT_CONNECT, CLIENT_UNREACHED },
        { CURLE_PROXY, CLIENT_UNREACHED },
        { CURLE_OPERATION_TIMEDOUT, CLIENT_TIMEOUT },
        { CURLE_OUT_OF_MEMORY, CLIENT_MEMORY },
        { CURLE_SSL_CONNECT_ERROR, CLIENT_TLS },
        { CURLE_PEER_FAILED_VERIFICATION, CLIENT_TLS },
        { CURLE_SSL_CERTPROBLEM, CLIENT_TLS },
        { CURLE_SSL_CIPHER, CLIENT_TLS },
        { CURLE_SSL_CACERT_BADFILE, CLIENT_TLS },
        { CURLE_SSL_ISSUER_ERROR, CLIENT_TLS },
        { CURLE_SSL_ENGINE_NOTFOUND, CLIENT_TLS },
        { CURLE_SSL_CLIENTCERT, CLIENT_TLS },
    };

    for (size_t i = 0; i < DW_COUNT_OF(table); i++) {
        if (table[i].code == code)
            return table[i].error;
    }
    if (t->sent && !t->head_done && is_certificate_alert(t->curl_error))
        return CLIENT_TLS;
    return t->sent ? CLIENT_UNKNOWN : CLIENT_UNREACHED;
}
