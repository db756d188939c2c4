/* values.h - what a record carries: what is secret is left out, what is about a person is set apart. [any thread] */
#ifndef AUDIT_VALUES_H
#define AUDIT_VALUES_H

#include <dowel/value.h>

#include "util/buf.h"

struct audit_values {
    struct buf details;  /* {"title":"Milk","token":"[redacted]"} */
    struct buf personal; /* {"email":"..."}; empty: nothing */
    struct str person;   /* whose that is; borrowed from the pairs */
};

/* 0; or an error of enum dw_error with a constant sentence in *wrong. Finish it in each case. */
int audit_values_write(struct audit_values *out, dw_list pairs, const char **wrong);
void audit_values_finish(struct audit_values *v);

#endif
