/* form.h - application/x-www-form-urlencoded bodies. */
#ifndef HTTP_FORM_H
#define HTTP_FORM_H

#include "util/arena.h"

enum {
    FORM_FIELDS_MAX = 1000, /* a body of "&&&&..." or "a&a&a&..." is cheap to send and dear to keep */
    FORM_NAME_MAX = 1024    /* bytes of a decoded name; values are bounded by the body */
};

struct form_field {
    struct str name, value; /* decoded, UTF-8 without NUL */
};

struct form {
    const struct form_field *field; /* in the order they came, duplicates too */
    size_t fields;
    int status;         /* after a failure: 400, 413, or 500 when memory was out */
    const char *reason; /* after a failure: a sentence for the client; constant */
};

/* Fields that need no decoding point into `body`, the others and the array into the arena. 0, or -1 with status and
 * reason. [any thread] */
int form_parse(struct str body, struct arena *a, struct form *out);

/* The first value of that name; p is NULL when there is none. */
struct str form_find(const struct form *form, const char *name);

#endif
