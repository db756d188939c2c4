/* amount.h - amounts of time stay the decimals that Zammad wrote.
 *
 * It writes "22.0", a text; others between it and us may make the number 22.1 of it. A JSON reader would keep that as a
 * double, which is another number: so numbers become texts before anybody reads them. */
#ifndef ZAMMAD_AMOUNT_H
#define ZAMMAD_AMOUNT_H

#include <stddef.h>

/* Puts each number that is called time_unit into quotes, digit by digit as it stands. 1: *out (free() it) has *out_n bytes
 * and a NUL; 0: there is none, and *out is NULL; -1: memory is out. */
int amount_quote(const char *json, size_t n, char **out, size_t *out_n);

#endif
