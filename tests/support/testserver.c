/* testserver - the HTTP server with routes that a test or a benchmark can ask anything of; no configuration, no
 * supervisor. Prints "listening on http://127.0.0.1:PORT" and serves until SIGTERM or SIGINT. SIGHUP drains.
 *
 *   testserver [--port N] [--loops N] [--workers N] [--queue N] [--header-ms N] [--idle-ms N] [--write-ms N]
 *              [--request-ms N] [--heartbeat-ms N] [--body-rate N] [--stream-buffer N] [--connections N]
 *              [--rate N] [--cors ORIGIN] [--trust NETWORK] [--tls CERTIFICATE KEY] [--spool DIR] [--access-log] */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/operations.h"
#include "http/percent.h"
#include "http/server.h"
#include "http/tls.h"
#include "http/trace.h"
#include "log/log.h"
#include "util/clock.h"

enum { MS = 1000, GIB = 1 << 30 };

static uint64_t number_of(const struct http_exchange *x, const char *name, uint64_t otherwise)
{
    char out[32];
    struct str value;
    uint64_t number;

    if (http_query_find(http_request_query(x), name, out, sizeof(out), &value) == 0 && value.p &&
        str_to_uint(value, UINT64_MAX, &number))
        return number;
    return otherwise;
}

static void pause_ms(uint64_t ms)
{
    struct timespec t = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };
    while (nanosleep(&t, &t) != 0 && errno == EINTR)
        continue;
}

static void hello(struct http_exchange *x)
{
    http_reply_borrow(x, 200, "text/plain", STR_OF("hello\n"));
}

static void echo(struct http_exchange *x)
{
    http_reply(x, 200, "application/octet-stream", http_request_body(x));
}

/* The content came to memory or to a file; the answer is the same. */
static void echo_spooled(struct http_exchange *x)
{
    off_t size = 0;
    int fd = http_request_body_fd(x, &size);

    if (fd < 0) {
        http_reply_header(x, "X-Spooled", STR_OF("no"));
        echo(x);
        return;
    }
    http_reply_header(x, "X-Spooled", STR_OF("yes"));
    http_reply_file(x, 200, "application/octet-stream", dup(fd), 0, size);
}

/* Reads as it comes; answers with the number of bytes. ?slow=MS waits that long before each piece. */
static void count_stream(struct http_exchange *x)
{
    char piece[16384], text[64];
    uint64_t all = 0, slow = number_of(x, "slow", 0);
    ssize_t n;

    do {
        if (slow)
            pause_ms(slow);
        n = http_request_read(x, piece, sizeof(piece));
        all += n > 0 ? (uint64_t)n : 0;
    } while (n > 0);
    int size = snprintf(text, sizeof(text), "%s %llu\n", n == 0 ? "whole" : "cut", (unsigned long long)all);
    fprintf(stderr, "stream %s", text);
    http_reply(x, n == 0 ? 200 : 400, "text/plain", str_make(text, (size_t)size));
}

/* Begins to answer before it reads: what has not come by then is not waited for. */
static void answer_first(struct http_exchange *x)
{
    char piece[16384], text[64];
    uint64_t all = 0;
    ssize_t n;

    struct http_stream *s = http_stream_open(x, 200, "text/plain");
    if (s)
        http_stream_write(s, STR_OF("begun\n"));
    while ((n = http_request_read(x, piece, sizeof(piece))) > 0)
        all += (uint64_t)n;
    int size = snprintf(text, sizeof(text), "%s %llu\n", n == 0 ? "whole" : "cut", (unsigned long long)all);
    fprintf(stderr, "first %s", text);
    if (s)
        http_stream_write(s, str_make(text, (size_t)size));
    http_stream_close(s, true);
}

/* ?size=N: a file that has become half as long since its size was looked at. */
static void shrunk(struct http_exchange *x)
{
    off_t size = (off_t)number_of(x, "size", 100000);
    FILE *file = tmpfile();

    if (!file || ftruncate(fileno(file), size / 2) != 0)
        http_reply_problem(x, 503, "no file");
    else
        http_reply_file(x, 200, "application/octet-stream", dup(fileno(file)), 0, size);
    if (file)
        fclose(file);
}

/* ?ms=N; tells whether the client was still there in the end. */
static void slow(struct http_exchange *x)
{
    uint64_t left = number_of(x, "ms", 100);

    while (left > 0 && !http_request_gone(x)) {
        uint64_t step = left < 10 ? left : 10;
        pause_ms(step);
        left -= step;
    }
    /* Made only now: a loop that has given the request up must not be looking at it. */
    fprintf(stderr, "slow %.*s %s\n", TRACE_ID, http_request_trace(x)->id,
            http_request_gone(x) ? "gone" : "there");
    http_reply_borrow(x, 200, "text/plain", STR_OF("slow\n"));
}

static void *complete_later(void *ud)
{
    struct http_exchange *x = ud;

    pause_ms(number_of(x, "ms", 20));
    http_reply_borrow(x, 200, "text/plain", STR_OF("later\n"));
    http_complete(x);
    fprintf(stderr, "completed\n");
    return NULL;
}

static void detached(struct http_exchange *x)
{
    pthread_t thread;

    http_detach(x);
    if (pthread_create(&thread, NULL, complete_later, x) == 0) {
        pthread_detach(thread);
    } else {
        http_reply_problem(x, 503, "no thread");
        http_complete(x);
    }
}

/* ?size=N: text that compresses; ?stream=1: as a stream in pieces. */
static void big(struct http_exchange *x)
{
    uint64_t size = number_of(x, "size", 100000);
    struct buf body = BUF_INIT;

    if (number_of(x, "stream", 0)) {
        struct http_stream *s = http_stream_open(x, 200, "text/plain");
        char piece[8192];
        memset(piece, 'x', sizeof(piece));
        bool whole = true;
        for (uint64_t sent = 0; s && whole && sent < size;) {
            size_t n = size - sent < sizeof(piece) ? (size_t)(size - sent) : sizeof(piece);
            whole = http_stream_write(s, str_make(piece, n)) == 0;
            sent += n;
        }
        fprintf(stderr, "big %s\n", whole ? "whole" : "cut");
        http_stream_close(s, whole && !number_of(x, "cut", 0));
        return;
    }
    while (body.n < size && !buf_failed(&body))
        buf_add(&body, "0123456789abcdef", size - body.n < 16 ? size - body.n : 16);
    http_reply_header(x, "ETag", STR_OF("\"big\""));
    http_reply_take(x, 200, "text/plain", &body);
}

/* ?n=N&ms=N: that many events with a pause between; without n the stream stays open and silent. */
static void events(struct http_exchange *x)
{
    uint64_t n = number_of(x, "n", 0), ms = number_of(x, "ms", 10), size = number_of(x, "size", 10);
    struct str last = http_request_last_event(x);
    uint64_t from = 0;
    struct buf data = BUF_INIT;
    char id[32];

    str_to_uint(last, UINT64_MAX - n - 1, &from);
    struct http_stream *s = http_events_open(x);
    if (!s || n == 0) {
        http_stream_drop(s); /* nobody writes: the client, or the end of the server, ends it */
        return;
    }
    while (data.n < size && !buf_failed(&data))
        buf_add_char(&data, 'e');
    for (uint64_t i = from + 1; i <= from + n; i++) {
        int length = snprintf(id, sizeof(id), "%llu", (unsigned long long)i);
        if (http_events_send(s, str_make(id, (size_t)length), STR_OF("tick"), buf_str(&data)) != 0)
            break;
        if (ms)
            pause_ms(ms);
    }
    buf_finish(&data);
    http_stream_close(s, true);
}

static void who(struct http_exchange *x)
{
    char client[ADDRESS_TEXT_SIZE];
    struct buf body = BUF_INIT;

    address_format(http_request_client(x), client);
    buf_add_format(&body, "%s %s %.*s %.*s\n", client, http_request_is_tls(x) ? "https" : "http",
                   STR_ARG(http_request_host(x)), STR_ARG(http_request_id(x)));
    http_reply_take(x, 200, "text/plain", &body);
}

static void nothing(struct http_exchange *x)
{
    (void)x;
}

static const struct http_route routes[] = {
    { .method = HTTP_GET, .path = "/hello", .handler = hello },
    { .method = HTTP_GET, .path = "/worker", .handler = hello, .where = HTTP_ON_WORKER },
    { .method = HTTP_POST, .path = "/echo", .handler = echo, .where = HTTP_ON_WORKER, .body_max = 64 << 20 },
    { .method = HTTP_POST, .path = "/echo-loop", .handler = echo },
    { .method = HTTP_POST,
      .path = "/spool",
      .handler = echo_spooled,
      .where = HTTP_ON_WORKER,
      .body = HTTP_BODY_SPOOL,
      .body_max = GIB },
    { .method = HTTP_POST,
      .path = "/stream",
      .handler = count_stream,
      .where = HTTP_ON_WORKER,
      .body = HTTP_BODY_STREAM,
      .body_max = GIB },
    { .method = HTTP_POST,
      .path = "/answer-first",
      .handler = answer_first,
      .where = HTTP_ON_WORKER,
      .body = HTTP_BODY_STREAM,
      .body_max = GIB },
    { .method = HTTP_GET, .path = "/shrunk", .handler = shrunk, .where = HTTP_ON_WORKER },
    { .method = HTTP_GET, .path = "/slow", .handler = slow, .where = HTTP_ON_WORKER },
    { .method = HTTP_GET, .path = "/detached", .handler = detached },
    { .method = HTTP_GET, .path = "/detached-worker", .handler = detached, .where = HTTP_ON_WORKER },
    { .method = HTTP_GET, .path = "/big", .handler = big, .where = HTTP_ON_WORKER },
    { .method = HTTP_GET, .path = "/events", .handler = events, .where = HTTP_ON_WORKER },
    { .method = HTTP_GET, .path = "/who", .handler = who },
    { .method = HTTP_GET, .path = "/nothing", .handler = nothing, .where = HTTP_ON_WORKER },
    { .method = HTTP_GET, .path = "/items/{id}", .handler = hello },
};

/* What the command line said. */
static struct {
    struct http_options http;
    uint16_t port;
    const char *cors[8];
    struct network trusted[8];
    const char *certificate, *key;
} setup;

static const struct {
    const char *name;
    size_t offset, size;
    int64_t unit;
} numbers[] = {
#define NUMBER(name, field, unit)                                                  \
    {                                                                              \
        name, offsetof(struct http_options, field), sizeof(setup.http.field), unit \
    }
    NUMBER("--loops", loops, 1),
    NUMBER("--workers", workers, 1),
    NUMBER("--queue", queue, 1),
    NUMBER("--header-ms", header_timeout_us, MS),
    NUMBER("--idle-ms", idle_timeout_us, MS),
    NUMBER("--write-ms", write_timeout_us, MS),
    NUMBER("--request-ms", request_timeout_us, MS),
    NUMBER("--heartbeat-ms", heartbeat_us, MS),
    NUMBER("--body-rate", body_min_rate, 1),
    NUMBER("--stream-buffer", stream_buffer, 1),
    NUMBER("--connections", connections_max, 1),
    NUMBER("--rate", rate_limit, 1),
};

static bool take_number(const char *name, const char *value)
{
    for (size_t i = 0; i < DW_COUNT_OF(numbers); i++) {
        if (strcmp(numbers[i].name, name) != 0)
            continue;
        int64_t wide = atoll(value) * numbers[i].unit;
        uint32_t narrow = (uint32_t)wide;
        memcpy((char *)&setup.http + numbers[i].offset,
               numbers[i].size == 8 ? (void *)&wide : (void *)&narrow, numbers[i].size);
        return true;
    }
    return false;
}

static bool take_option(char **argv, int *i, int argc)
{
    const char *name = argv[*i];

    if (strcmp(name, "--access-log") == 0)
        return setup.http.access_log = true;
    if (++*i >= argc)
        return false;
    const char *value = argv[*i];
    if (strcmp(name, "--port") == 0) {
        setup.port = (uint16_t)atoi(value);
    } else if (strcmp(name, "--cors") == 0) {
        setup.cors[setup.http.cors_origins_n++] = value;
    } else if (strcmp(name, "--spool") == 0) {
        setup.http.spool_dir = value;
    } else if (strcmp(name, "--trust") == 0) {
        return network_parse(str_from(value), &setup.trusted[setup.http.trusted_proxies_n++]) == 0;
    } else if (strcmp(name, "--tls") == 0) {
        setup.certificate = value;
        if (++*i >= argc)
            return false;
        setup.key = argv[*i];
    } else {
        return take_number(name, value);
    }
    return true;
}

static int open_socket(uint16_t *port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(*port) };
    socklen_t size = sizeof(a);

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&a, size) != 0 || listen(fd, 4096) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &size) != 0) {
        perror("testserver: listen");
        exit(1);
    }
    *port = ntohs(a.sin_port);
    return fd;
}

static void drained(void *ud)
{
    (void)ud;
    fprintf(stderr, "drained\n");
}

static void serve_until_signal(struct http_server *s)
{
    sigset_t wanted;
    int sig = 0;

    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGHUP);
    while (sigwait(&wanted, &sig) == 0 && sig == SIGHUP)
        http_server_drain(s, 1000 * MS, drained, NULL);
}

static void block_signals(void)
{
    sigset_t mine;

    sigemptyset(&mine);
    sigaddset(&mine, SIGTERM);
    sigaddset(&mine, SIGINT);
    sigaddset(&mine, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &mine, NULL);
    signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
    static struct operations operations;
    struct router *router = NULL;
    struct http_server *server = NULL;
    struct tls_context *tls = NULL;
    struct rlimit files;
    char why[512];

    for (int i = 1; i < argc; i++) {
        if (!take_option(argv, &i, argc)) {
            fprintf(stderr, "testserver: bad option %s\n", argv[i < argc ? i : argc - 1]);
            return 2;
        }
    }
    setup.http.cors_origins = setup.cors;
    setup.http.trusted_proxies = setup.trusted;
    block_signals();
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    if (setup.certificate && tls_context_create(&tls, setup.certificate, setup.key, why, sizeof(why)) != 0) {
        fprintf(stderr, "testserver: %s\n", why);
        return 1;
    }
    log_start();
    if (router_create(&router) != 0)
        return 1;
    for (size_t i = 0; i < DW_COUNT_OF(routes); i++) {
        if (router_add(router, &routes[i], why) != 0) {
            fprintf(stderr, "testserver: %s\n", why);
            return 1;
        }
    }
    if (operations_mount(router, &operations, why) != 0 ||
        http_server_create(&server, &setup.http, router) != 0)
        return 1;
    for (unsigned i = 0; i < 2; i++)
        http_server_listen(server, open_socket(&setup.port), HTTP_LISTEN_TCP, i, false, tls);
    if (http_server_start(server) != 0)
        return 1;
    printf("listening on %s://127.0.0.1:%u\n", tls ? "https" : "http", setup.port);
    fflush(stdout);
    serve_until_signal(server);
    http_server_destroy(server);
    router_destroy(router);
    tls_context_destroy(tls);
    log_stop();
    return 0;
}
