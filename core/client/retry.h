/* retry.h - when to try again, and how long to wait before. Pure. [any thread] */
#ifndef CLIENT_RETRY_H
#define CLIENT_RETRY_H

#include "util/str.h"

/* GET, HEAD, PUT, DELETE, OPTIONS, TRACE: doing it twice is doing it once (RFC 9110, 9.2.2). */
bool retry_is_idempotent(struct str method);

/* 408, 429, 502, 503, 504: the same request may go well in a moment. */
bool retry_is_transient(int status);

/* A Retry-After value, seconds or HTTP date, as a span from wall_us; 0 for a past date, at most a day. -1: no such. */
int64_t retry_after_us(struct str value, int64_t wall_us);

/* Exponential backoff with full jitter: even over 0 .. min(cap, base * 2^(attempt - 1)), so that clients who failed
 * together do not come back together. attempt counts from 1; `random` is any 64 bits. */
int64_t retry_backoff_us(unsigned attempt, int64_t base_us, int64_t cap_us, uint64_t random);

#endif
