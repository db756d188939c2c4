/* plugin_rig.h - the plugin of a test executable (DOWEL_PLUGIN in it) behind a real server on a free port, and a client that
 * speaks to it in plain text. Include it after cmocka.h. */
#ifndef TESTS_PLUGIN_RIG_H
#define TESTS_PLUGIN_RIG_H

#include <dowel/dowel.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "api/document.h"
#include "http/server.h"
#include "log/log.h"
#include "plugin/channels.h"
#include "plugin/descriptor.h"
#include "plugin/detach.h"
#include "plugin/routes.h"
#include "util/clock.h"
#include "util/json.h"

enum { RIG_ANSWER_MAX = 1 << 20, RIG_PATIENCE_S = 20 };

static struct rig {
    struct plugin_process process;
    struct arena arena;
    struct plugin_descriptor *descriptor;
    struct api_document *document;
    dw_instance *instance;
    struct router *router;
    struct plugin_routes *routes;
    struct http_server *server;
    int listen_fd, log_fd;
    uint16_t port;
} rig = { .listen_fd = -1, .log_fd = -1 };

/* ---- the log ---- */

static inline void rig_open_log(void)
{
    rig.log_fd = memfd_create("log", MFD_CLOEXEC);
    assert_true(rig.log_fd >= 0);
    log_set_fd(rig.log_fd);
    log_set_level(LOG_INFO);
    log_set_format(LOG_FORMAT_JSON);
}

static inline void rig_forget_log(void)
{
    assert_int_equal(ftruncate(rig.log_fd, 0), 0);
    lseek(rig.log_fd, 0, SEEK_SET);
}

static inline bool rig_log_has(const char *text)
{
    static char all[RIG_ANSWER_MAX];
    ssize_t n = pread(rig.log_fd, all, sizeof(all) - 1, 0);

    all[n > 0 ? n : 0] = 0;
    return strstr(all, text) != NULL;
}

/* Waits for something that another thread will do. */
#define RIG_UNTIL(condition)                                                       \
    do {                                                                           \
        int64_t rig_limit_ = clock_monotonic_us() + RIG_PATIENCE_S * CLOCK_SECOND; \
        while (!(condition)) {                                                     \
            if (clock_monotonic_us() > rig_limit_)                                 \
                fail_msg("waited in vain for: %s", #condition);                    \
            usleep(1000);                                                          \
        }                                                                          \
    } while (0)

/* ---- the server ---- */

static inline int rig_listen(uint16_t *port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t size = sizeof(a);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, size), 0);
    assert_int_equal(listen(fd, 128), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &size), 0);
    *port = ntohs(a.sin_port);
    return fd;
}

static inline void rig_make_instance(const dw_plugin *plugin, const char *api)
{
    struct buf why = BUF_INIT;
    struct config_problems problems;

    config_problems_init(&problems);
    arena_init(&rig.arena, NULL, 0, 0);
    assert_int_equal(channels_create(&rig.process.channels), 0);
    if (descriptor_read(&rig.descriptor, plugin, &rig.arena, &why) != 0)
        fail_msg("%s", buf_text(&why));
    assert_int_equal(instance_create(&rig.instance, rig.descriptor, &rig.process), 0);
    if (api && api_document_create(str_from(api), "test/api.yaml", &problems, &rig.document) != 0) {
        config_problems_format(&why, &problems);
        fail_msg("%s", buf_text(&why));
    }
    config_problems_finish(&problems);
    if (plugin_routes_create(&rig.routes, rig.instance, rig.document, &why) != 0)
        fail_msg("%s", buf_text(&why));
    buf_finish(&why);
}

/* Everything, on a free port. `options` may be NULL. */
static inline void rig_start(const dw_plugin *plugin, const char *api, const struct http_options *options)
{
    struct http_options o = options ? *options : (struct http_options){ .loops = 2, .workers = 8 };
    struct buf why = BUF_INIT;

    rig_open_log();
    rig_make_instance(plugin, api);
    assert_int_equal(router_create(&rig.router), 0);
    if (plugin_routes_mount(rig.routes, rig.router, &why) != 0)
        fail_msg("%s", buf_text(&why));
    buf_finish(&why);
    rig.listen_fd = rig_listen(&rig.port);
    o.access_log = true;
    assert_int_equal(http_server_create(&rig.server, &o, rig.router), 0);
    assert_int_equal(http_server_listen(rig.server, rig.listen_fd, HTTP_LISTEN_TCP, 0, true, NULL), 0);
    assert_int_equal(http_server_start(rig.server), 0);
}

static inline void rig_stop_server(void)
{
    http_server_destroy(rig.server);
    rig.server = NULL;
}

static inline void rig_stop(void)
{
    rig_stop_server();
    detach_stop(rig.instance);
    channels_destroy(rig.process.channels);
    router_destroy(rig.router);
    plugin_routes_destroy(rig.routes);
    instance_destroy(rig.instance);
    api_document_destroy(rig.document);
    arena_finish(&rig.arena);
    close(rig.listen_fd);
    log_set_fd(STDERR_FILENO);
    close(rig.log_fd);
}

/* ---- the client ---- */

static inline int rig_connect(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons(rig.port),
                             .sin_addr = { htonl(INADDR_LOOPBACK) } };
    const struct timeval limit = { .tv_sec = RIG_PATIENCE_S };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

static inline void rig_send(int fd, const char *text, size_t n)
{
    assert_int_equal(send(fd, text, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* A request whose answer ends with its connection; `fields` is "Name: value\r\n..." or "". */
static inline int rig_begin(const char *method, const char *path, const char *fields, const char *body)
{
    char head[4096];
    int fd = rig_connect();
    int n = snprintf(head, sizeof(head),
                     "%s %s HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n",
                     method, path, strlen(body), fields);

    rig_send(fd, head, (size_t)n);
    rig_send(fd, body, strlen(body));
    return fd;
}

/* Until the end; the caller's to free. NULL when the connection was reset. */
static inline char *rig_read_all(int fd)
{
    char *text = malloc(RIG_ANSWER_MAX);
    size_t n = 0;
    ssize_t got;

    assert_non_null(text);
    while ((got = recv(fd, text + n, RIG_ANSWER_MAX - 1 - n, 0)) > 0)
        n += (size_t)got;
    close(fd);
    text[n] = 0;
    if (got == 0)
        return text;
    free(text);
    return NULL;
}

/* What a client gets; borrowed until the next time. */
static inline const char *rig_ask(const char *method, const char *path, const char *fields, const char *body)
{
    static char *last;

    free(last);
    last = rig_read_all(rig_begin(method, path, fields, body));
    if (!last)
        fail_msg("%s %s: the connection was cut", method, path);
    return last;
}

static inline const char *rig_get(const char *path)
{
    return rig_ask("GET", path, "", "");
}

static inline const char *rig_post(const char *path, const char *json)
{
    return rig_ask("POST", path, "Content-Type: application/json\r\n", json);
}

static inline int rig_status(const char *answer)
{
    return answer && strncmp(answer, "HTTP/1.1 ", 9) == 0 ? atoi(answer + 9) : -1;
}

#define RIG_HAS(answer, text)                                     \
    do {                                                          \
        if (!strstr((answer), (text)))                            \
            fail_msg("there is no %s in:\n%s", (text), (answer)); \
    } while (0)

/* Reads until the text came; what has come so far is in `so_far` (terminated). False at the end or after the patience. */
static inline bool rig_read_until(int fd, char *so_far, size_t size, const char *text)
{
    size_t n = strlen(so_far);

    while (!strstr(so_far, text)) {
        ssize_t got = n + 1 < size ? recv(fd, so_far + n, size - 1 - n, 0) : 0;
        if (got <= 0)
            return false;
        n += (size_t)got;
        so_far[n] = 0;
    }
    return true;
}

#endif
