/* notes.h - what a command did, thing by thing, collected while it works and shown as one table at its end. [call] */
#ifndef TIMESYNC_NOTES_H
#define TIMESYNC_NOTES_H

#include <dowel/dowel.h>

/* Zeroed: empty. */
struct notes {
    dw_value *values; /* four a row */
    size_t n, cap;
};

/* "connection", "Helpdesk", "new", "https://desk.example.org": texts of the call. */
void note(dw_call *c, struct notes *notes, const char *what, const char *name, const char *outcome,
          const char *remark);

/* A table with --output text, the member "items" with json. Nothing is shown of none. */
int notes_show(dw_call *c, dw_command_run *run, const struct notes *notes);

#endif
