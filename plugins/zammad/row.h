/* row.h - members of Zammad's rows. [any thread] */
#ifndef ZAMMAD_ROW_H
#define ZAMMAD_ROW_H

#include <jansson.h>
#include <stdint.h>

/* A row's number: 12, or "12"; 0 for what is none. */
int64_t row_id(const json_t *json);

/* A text that says something, else NULL. */
const char *row_text(const json_t *json);

#endif
