/* connection_verb.h - what the verbs of `dowel connection` have in common: which connection is meant, in whose tenant, and how an
 * error becomes what the user reads.
 *
 *   struct connection_verb v;
 *   int rc = connection_verb_find(&v, c, run);
 *   if (rc == 0)
 *       rc = ...
 *   return connection_verb_end(&v, rc);
 */
#ifndef CLI_CONNECTION_VERB_H
#define CLI_CONNECTION_VERB_H

#include "operations/connection_work.h"

struct connection_verb {
    dw_call *asked; /* as it was called */
    dw_call *c;     /* in the tenant */
    dw_command_run *run;
    struct connection_work w;
    struct buf why;
    const char *tenant;
    const char *id; /* NULL: of no one */
};

/* In that tenant; NULL: the one of --tenant, or the only one that there is. */
int connection_verb_begin(struct connection_verb *v, dw_call *c, dw_command_run *run, const char *tenant);

/* In that of the connection that is named (the place "connection"): by its id, or by a name that only one has. */
int connection_verb_find(struct connection_verb *v, dw_call *c, dw_command_run *run);

/* What to return: says why. In each case. */
int connection_verb_end(struct connection_verb *v, int64_t result);

/* Around changes; the commit says whether they were made. */
int connection_verb_open(struct connection_verb *v);
int connection_verb_commit(struct connection_verb *v);

/* The connection as REST clients see it; a new object. */
int connection_verb_view(struct connection_verb *v, json_t **out);

/* A change could not be prepared, or was tried and does not work: says all that is wrong, `failed` before what the test found. */
int connection_verb_refuse(struct connection_verb *v, int rc, const struct connection_change *change,
                           const char *failed);

#endif
