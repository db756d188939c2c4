#include "row.h"

#include <stdlib.h>
#include <string.h>

enum { DIGITS_MAX = 18 };

int64_t row_id(const json_t *json)
{
    const char *text = json_string_value(json);
    size_t n = text ? strspn(text, "0123456789") : 0;

    if (json_is_integer(json))
        return json_integer_value(json) > 0 ? json_integer_value(json) : 0;
    return n > 0 && n <= DIGITS_MAX && !text[n] ? strtoll(text, NULL, 10) : 0;
}

const char *row_text(const json_t *json)
{
    const char *text = json_string_value(json);

    return text && *text ? text : NULL;
}
