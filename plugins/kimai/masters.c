#include "masters.h"

#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "instant.h"

#define DAY INT64_C(86400000000)

int64_t master_id(const json_t *row, const char *member)
{
    return json_integer_value(json_object_get(row, member));
}

bool master_is_visible(const json_t *row)
{
    return !json_is_false(json_object_get(row, "visible"));
}

static int find_in_list(dw_call *c, dw_connection *conn, const char *path, const char *id, const json_t **row)
{
    json_t *rows;

    DW_TRY(ask_list(c, conn, path,
                    DW_LIST("visible", 3, "ignoreDates", strcmp(path, "/api/projects") == 0 ? "1" : NULL),
                    &rows));
    for (size_t i = 0; i < json_array_size(rows) && !*row; i++) {
        const json_t *one = json_array_get(rows, i);
        char text[24];
        snprintf(text, sizeof(text), "%lld", (long long)master_id(one, "id"));
        if (strcmp(text, id) == 0)
            *row = one;
    }
    return 0;
}

int master_find(dw_call *c, dw_connection *conn, const char *path, const char *id, const json_t **row)
{
    json_t *one;
    const int rc = ask(c, conn, dw_format(c, "%s/%s", path, id), (dw_list){ 0 }, &one, NULL);

    *row = NULL;
    if (rc == DW_EDENIED)
        return find_in_list(c, conn, path, id, row);
    if (rc == DW_ENOTFOUND)
        return 0;
    DW_TRY(rc);
    *row = one;
    return 0;
}

/* false: it has no such day. */
static bool day_of(const json_t *row, const char *member, int64_t *us)
{
    return instant_parse_day(json_string_value(json_object_get(row, member)), us) == 0;
}

bool project_spans(const json_t *row, dw_time t)
{
    int64_t day;

    if (day_of(row, "start", &day) && t.us < day - DAY)
        return false;
    return !day_of(row, "end", &day) || t.us < day + 2 * DAY;
}

bool project_is_over(const json_t *row, dw_time now)
{
    int64_t day;

    return day_of(row, "end", &day) && now.us >= day + 2 * DAY;
}
