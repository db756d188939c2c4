/* post.h - one event on its way to one webhook: what is sent, how it is signed, and the answer. */
#ifndef EVENTS_POST_H
#define EVENTS_POST_H

#include "events/deliver.h"
#include "events/secrets.h"

/* What is sent for an event: {"type":...,"timestamp":...,"data":...}. */
void webhook_write_body(struct buf *out, const char *name, int64_t at_us, const char *data);

/* Of a webhook, what it takes to send to it. */
struct endpoint {
    const char *id, *url, *allow;
    bool enabled;
    struct secrets secrets;
};

/* 1 and the endpoint, in the arena, its secrets to be wiped; 0: there is none, or it is not the tenant's (NULL: of any). */
int endpoint_load(const struct webhook_sender_options *o, struct db_session *s, struct arena *arena,
                  const char *tenant, const char *id, struct endpoint *out);

/* Signs and sends. *answer as client_fetch(), NULL unless this is 0; DW_EINVALID with the reason in why when nothing can be
 * signed, DW_ENOMEM. */
int endpoint_post(const struct webhook_sender_options *o, const struct endpoint *to, const char *event_id,
                  struct str body, struct client_token *token, struct client_answer **answer,
                  struct buf *why);

/* Both at once, without a trace in the database: for tests of webhooks. DW_ENOTFOUND. */
struct webhook_target {
    const char *tenant; /* NULL: of any */
    const char *id;
    const char *event_id;
};
int webhook_post(const struct webhook_sender_options *o, struct db_session *s,
                 const struct webhook_target *to, struct str body, struct client_answer **answer,
                 struct buf *why);

#endif
