/* pending.c - a request that its caller waits for later. */
#include <stdlib.h>

#include "client/transfer.h"

struct client_pending {
    struct transfer *transfer;
};

int client_begin(struct client *c, struct client_pending **out, const struct client_request *request)
{
    struct client_pending *p = malloc(sizeof(*p));
    struct transfer *t = p ? transfer_create(c, request, false, true) : NULL;

    *out = NULL;
    if (!t) {
        free(p);
        return -CLIENT_MEMORY;
    }
    if (client_submit(t) != 0) {
        transfer_drop(t);
        free(p);
        return -CLIENT_CANCELLED;
    }
    p->transfer = t;
    *out = p;
    return 0;
}

struct client_answer *client_pending_take(struct client_pending *p)
{
    struct transfer *t = p->transfer;

    pthread_mutex_lock(&t->lock);
    while (!t->done)
        pthread_cond_wait(&t->changed, &t->lock);
    struct client_answer *a = t->answer;
    t->answer = NULL;
    pthread_mutex_unlock(&t->lock);
    return a;
}

void client_pending_close(struct client_pending *p)
{
    if (!p)
        return;
    client_post(p->transfer, WISH_CANCEL);
    transfer_drop(p->transfer);
    free(p);
}
