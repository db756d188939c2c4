/* reply_check.h - holds what an operation answers against its contract, where the process wants that (api/replies.h). */
#ifndef PLUGIN_REPLY_CHECK_H
#define PLUGIN_REPLY_CHECK_H

#include "api/replies.h"
#include "http/exchange.h"

/* Puts a 500 that says where in the place of a staged reply that is not as the contract has it, and tells the log. Fields after
 * the mark go with it. Streams are left alone. [who has the exchange] */
void reply_check(struct http_exchange *x, size_t mark);

/* The same for an operation that is no plugin's; replies NULL: unchecked. */
void reply_check_as(struct http_exchange *x, size_t mark, const struct api_replies *replies,
                    const struct api_operation *op);

#endif
