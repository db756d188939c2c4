/* deliver.h - sends events to webhooks: the kind of job behind each delivery.
 *
 * A delivery is tried at once and then, with some jitter, for two days; an attempt is a POST signed by all of the
 * webhook's secrets, with a new time and the event's id. 2xx is done. 410 disables the webhook; all else, redirects too,
 * is tried again, not before what Retry-After asks for. When nothing has come of it for several events one after the
 * other, the webhook is disabled, which is an event of its own: core.webhook.disabled. */
#ifndef EVENTS_DELIVER_H
#define EVENTS_DELIVER_H

#include "client/client.h"
#include "jobs/jobs.h"
#include "secure/keyring.h"

struct webhook_sender;

enum { WEBHOOK_TIMEOUT_US = 20 * 1000000 };

struct webhook_sender_options {
    struct db *db;
    struct client *client;
    const struct keyring *keyring;
    int64_t timeout_us;       /* of an attempt; 0: 20 s */
    const int64_t *delays_us; /* after the first, second... attempt; NULL: two days. For tests */
    size_t delays_n;
    int64_t (*wall_us)(void *ud); /* NULL: clock_wall_us */
    void *clock_ud;
};

/* All borrowed until it is destroyed. 0, or -1 when memory is out. */
int webhook_sender_create(struct webhook_sender **out, const struct webhook_sender_options *options);

/* When no job runs any more. NULL is safe. */
void webhook_sender_destroy(struct webhook_sender *w);

/* Makes the kind known. Before jobs_start(). 0 or -1. */
int webhook_sender_register(struct webhook_sender *w, struct jobs *jobs);

/* How long after an attempt that failed the next one is made; -1: no more. `tries` attempts were made; retry_after_us is
 * what the receiver asked for, negative: nothing; `random` any 64 bits. */
int64_t webhook_next_delay_us(unsigned tries, int64_t retry_after_us, uint64_t random);

#endif
