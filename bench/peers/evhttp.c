/* evhttp.c - libevent's own HTTP server, as small as it gets: two threads with a base each. */
#include <err.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <pthread.h>
#include <stdio.h>

#include "listen.h"

enum { THREADS = 2 };

static void on_request(struct evhttp_request *request, void *ud)
{
    struct evbuffer *body = evbuffer_new();

    (void)ud;
    if (!body || evbuffer_add_reference(body, "ok\n", 3, NULL, NULL) != 0) {
        evhttp_send_error(request, HTTP_INTERNAL, NULL);
    } else {
        evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", "text/plain");
        evhttp_send_reply(request, HTTP_OK, "OK", body);
    }
    if (body)
        evbuffer_free(body);
}

static void *loop(void *ud)
{
    struct event_base *base = event_base_new();
    struct evhttp *http = base ? evhttp_new(base) : NULL;

    if (!http || evhttp_accept_socket(http, *(const int *)ud) != 0)
        errx(1, "evhttp");
    evhttp_set_gencb(http, on_request, NULL);
    event_base_dispatch(base);
    return NULL;
}

int main(int argc, char **argv)
{
    uint16_t port = peer_port(argc, argv);
    int listeners[THREADS];
    pthread_t threads[THREADS];

    peer_raise_limits();
    for (int i = 0; i < THREADS; i++)
        listeners[i] = peer_listen(&port);
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, loop, &listeners[i]) != 0)
            errx(1, "no thread");
    }
    printf("listening on http://127.0.0.1:%u\n", (unsigned)port);
    fflush(stdout);
    pthread_join(threads[0], NULL);
    return 0;
}
