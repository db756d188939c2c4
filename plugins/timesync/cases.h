/* cases.h - what a person has to decide. Opened and closed by runs, decided through the API and the command line. [call] */
#ifndef TIMESYNC_CASES_H
#define TIMESYNC_CASES_H

#include "reasons.h"
#include "sync.h"

struct case_found {
    const char *sync, *run;
    const char *key;   /* the entry's id, or "sheet:ID" */
    const char *entry; /* NULL: none */
    const char *sheet; /* NULL: none */
    enum reason reason;
    const char *detail;
    const json_t *base, *source, *target; /* NULL: there is none */
};

/* Opens it, or says of the open one of its key what was found now. In the open transaction. A dismissed one comes back only if
 * what was found differs. *id may be NULL. */
int case_open(dw_call *c, const struct case_found *found, const char **id);

/* The open one of that key, if there is one, has solved itself. In the open transaction. 1 or 0. */
int case_obsolete(dw_call *c, const char *sync, const char *key);

/* The open one of that key was decided and is done. In the open transaction. */
int case_resolved(dw_call *c, const char *sync, const char *key);

/* What a run of kind decide left undone, as it failed or was cancelled, is open again; not what another one is to do by now. In the
 * open transaction. */
int cases_open_again(dw_call *c, const char *run);

/* A person's choice for some cases: one run of kind decide for each sync, whose id is in *runs (an array). Those for which the
 * action makes no sense are refused, all or none: DW_EINVALID with their ids. In the open transaction, with its audit. */
struct case_decision {
    const char *const *ids;
    size_t n;
    enum action action;
    const char *note;       /* or "" */
    const char *sheet;      /* with ACTION_ADOPT */
    const char *started_by; /* of the runs; NULL: "person" */
    int64_t version; /* of the only one, as the person has seen it: DW_ECONFLICT if it is another; 0: any */
};
int case_decide(dw_call *c, const struct case_decision *d, json_t **runs);

/* Those of the open cases that a mapping of this kind and source explains: how many; and the runs that settle them, an array. In the open transaction. */
int case_explained(dw_call *c, const char *sync, const char *kind, const char *source, int64_t *n);
int case_settle_explained(dw_call *c, const char *sync, const char *kind, const char *source, json_t **runs);

#endif
