/* decimal.h - amounts of time as the source writes them, exact. No floats, so that 0.1 hours are 360 s and not 359.99. [any] */
#ifndef TIMESYNC_DECIMAL_H
#define TIMESYNC_DECIMAL_H

#include <stdint.h>

/* amount x factor x seconds, the first two as exact decimals ("7.25", "-0.5", at most 20 digits each), rounded to whole seconds:
 * half away from zero. 0, or -1 for what is no such decimal (a comma, an exponent, a blank) or does not fit. */
int decimal_seconds(const char *amount, const char *factor, int64_t seconds, int64_t *out);

/* 1: it is a decimal; 0: it is none. */
int decimal_valid(const char *text);

#endif
