/* refuse.h - why Kimai refused a timesheet. Its texts are passed on, but never looked at: they are in the language of the token's
 * owner. What its answer leaves open is asked for: settings, the project, the user's other timesheets. */
#ifndef KIMAI_REFUSE_H
#define KIMAI_REFUSE_H

#include "ask.h"

/* What was tried: the timesheet as it would have become, and the body that was sent (NULL: it was to be removed). */
struct attempt {
    const dw_timesheet *sheet; /* id NULL: a new one */
    const json_t *body;
    const char *owner; /* whose the connection is */
};

/* Fails with the reason and a sentence; rc: what tell() said. Always an error. */
int refuse_sheet(dw_call *c, dw_connection *conn, const struct attempt *a, const struct answer *answer,
                 int rc);

/* It was exported: nobody touches it. */
int refuse_exported(dw_call *c, const char *id);

#endif
