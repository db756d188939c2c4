/* work.h - who works off the steps of a run: its sync, its rules, both connections; and what comes of a step. [call] */
#ifndef TIMESYNC_WORK_H
#define TIMESYNC_WORK_H

#include "entry.h"
#include "failure.h"
#include "mappings.h"
#include "sheet.h"
#include "step.h"
#include "sync.h"
#include "wanted.h"

/* A run as it is kept. */
struct run {
    const char *id, *sync, *kind, *state, *started_by, *who, *undoes;
    bool is_plan, is_partial; /* partial: the source did not show all */
    json_t *scope;
    int64_t total, requests;
    dw_time started_at;
};

struct work {
    struct run run;
    struct sync sync;
    struct mappings *mappings;
    unsigned watched;               /* see sheet_watched() */
    dw_connection *source, *target; /* NULL until somebody needs it */
    struct seen *seen;              /* see seen.h; NULL: nothing is remembered */

    enum action action; /* of a run of kind decide; 0 */
    const char *action_sheet;

    int64_t requests;
    const char *partial; /* the source did not show all, and why; NULL: it did */
    dw_span wait;        /* with WORK_WAITS: how long */
    bool is_limited;     /* that is what a side wants of everybody */
    enum reason trouble; /* with WORK_STOPS: why the run fails */
    const char *trouble_text;
};

/* What the functions of the engine return that work on a step, besides errors of ours (below 0: the job is tried again). */
enum { WORK_DONE = 0, WORK_WAITS = 1, WORK_STOPS = 2, WORK_GOES_ON = 3 };

/* Of the run; DW_ENOTFOUND. */
int work_load(dw_call *c, const char *run, struct work *w);

/* The connections, opened when first needed. 0, WORK_STOPS, or an error. */
int work_source(dw_call *c, struct work *w);
int work_target(dw_call *c, struct work *w);

/* WORK_WAITS after that; WORK_STOPS because of that. */
int work_wait(struct work *w, dw_span span);
int work_stop(dw_call *c, struct work *w, enum reason reason, const char *text);

/* What a failure that is no refusal and no unknown outcome means: WORK_WAITS, WORK_STOPS, or its code. */
int work_failed(dw_call *c, struct work *w, const struct failure *f);

/* A timesheet by its id, asked for again where that may help. 0, WORK_WAITS, WORK_STOPS, or an error; DW_EDENIED: this one alone must
 * not be seen, which its caller returns, see work_step(). */
struct found_sheet {
    bool is_there;
    struct sheet sheet;
};
int work_read_sheet(dw_call *c, struct work *w, const char *id, struct found_sheet *out);

/* Those whose first line is this marker, two at most: *n. 0, WORK_WAITS, WORK_STOPS, or an error. Around `begin` where that is
 * not 0. */
int work_find_marker(dw_call *c, struct work *w, const char *marker, dw_time begin, struct sheet out[2],
                     size_t *n);

/* One step, to its end. 0, WORK_WAITS, WORK_STOPS, or an error. */
int work_step(dw_call *c, struct work *w, const struct step *s);

#endif
