#include "json_safe.h"

#include <stdlib.h>

/* Read twice, and it must be the same: that two allocations fail at the same place is not to be feared. */
enum json_safe json_safe_read(const char *text, size_t n, json_t **out)
{
    json_t *first = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
    json_t *second = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
    enum json_safe rc = JSON_SAFE_MALFORMED;

    *out = NULL;
    if (json_is_object(first) && json_is_object(second) && json_equal(first, second)) {
        *out = json_incref(first);
        rc = JSON_SAFE_OK;
    } else if (json_is_object(first) || json_is_object(second)) {
        rc = JSON_SAFE_MEMORY;
    }
    json_decref(first);
    json_decref(second);
    return rc;
}

/* Into memory of ours, which does not have to grow. */
char *json_safe_write(const json_t *json, size_t flags, size_t *n)
{
    char *text;

    flags |= JSON_COMPACT;
    *n = json_dumpb(json, NULL, 0, flags);
    text = *n > 0 ? malloc(*n + 1) : NULL;
    if (!text)
        return NULL;
    if (json_dumpb(json, text, *n, flags) != *n) {
        free(text);
        return NULL;
    }
    text[*n] = 0;
    return text;
}
