/* inbox.h - Zammad's webhooks: hints that something changed. */
#ifndef ZAMMAD_INBOX_H
#define ZAMMAD_INBOX_H

#include <dowel/dowel.h>

int zammad_take_webhook(dw_call *c, const dw_delivery *d);

#endif
