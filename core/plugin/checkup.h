/* checkup.h - what a connector's check() looked at, line by line. [its call] */
#ifndef PLUGIN_CHECKUP_H
#define PLUGIN_CHECKUP_H

#include "plugin/connection_ask.h"

enum { CHECKUP_MAX = 100 };

struct dw_checkup {
    dw_call *c;                     /* the connector's */
    struct connection_answer *into; /* in whose arena */
    size_t cap;
};

/* Ends with checkup_close(). NULL: memory. */
dw_checkup *checkup_open(dw_call *c, struct connection_answer *into);
void checkup_close(dw_checkup *out);

/* The slot of dw_connector_api: what is wrong is logged and left out. */
void checkup_note(dw_checkup *out, int state, const char *name, dw_list text_and_pairs);

#endif
