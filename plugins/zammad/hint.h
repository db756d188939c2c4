/* hint.h - which ticket a webhook is about. [any thread] */
#ifndef ZAMMAD_HINT_H
#define ZAMMAD_HINT_H

#include <jansson.h>
#include <stdint.h>

/* Its number, or 0 where the body does not say: an admin may have written any JSON into the webhook. */
int64_t hint_ticket(const json_t *body);

#endif
