/* masters.h - customers, projects and activities as rows of their lists: what a row tells about whether it can be booked on. */
#ifndef KIMAI_MASTERS_H
#define KIMAI_MASTERS_H

#include "kimai.h"

/* The row with this id, hidden ones too, or NULL in *row. Whoever may not look at a single one may still list it. */
int master_find(dw_call *c, dw_connection *conn, const char *path, const char *id, const json_t **row);

bool master_is_visible(const json_t *row);
int64_t master_id(const json_t *row, const char *member);

/* A project has begun and not ended at that time, as far as it says; its days may be those of any zone. */
bool project_spans(const json_t *row, dw_time t);

/* Its end lies behind us everywhere: then nothing can be booked on it, also not into the past. */
bool project_is_over(const json_t *row, dw_time now);

#endif
