/* access.h - one structured line a request. */
#ifndef HTTP_ACCESS_H
#define HTTP_ACCESS_H

#include "http/exchange_struct.h"

/* Status 499: the client left before the answer. `cut`: the answer did not reach it as a whole. The query is not
 * written, because people put secrets there. [loop] */
void access_log(struct http_exchange *x, int status, int64_t took_us, bool cut);

#endif
