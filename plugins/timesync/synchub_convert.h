/* synchub_convert.h - what the old tool SyncHub has, as it is called here. [call] */
#ifndef TIMESYNC_SYNCHUB_CONVERT_H
#define TIMESYNC_SYNCHUB_CONVERT_H

#include "synchub.h"

/* A connection to be made of a connector. */
struct synchub_connection {
    const struct synchub_connector *of;
    const char *kind; /* NULL: nothing that is known here, and all below is nothing */
    const char *name; /* no other one of them is called so */
    const json_t *settings;
    dw_connection_secret secrets[2];
    const char *remark; /* what is another thing now; "" */
};

/* One for each of old->connectors, in the call's memory, their tokens opened with the key: DW_EINVALID when it is not theirs. */
int synchub_connections(dw_call *c, const struct synchub *old, dw_secret key,
                        struct synchub_connection **out);

/* How it did its work, as rules: the call's. */
const json_t *synchub_rules(dw_call *c, const struct synchub *old, const struct synchub_connector *kimai);

/* In whose zone it laid entries: the setting's where that is one. */
const char *synchub_zone(dw_call *c, const struct synchub_connector *kimai);

/* "TZ=UTC 0 6 * * mon", or "": none, or none that can be said here; and what there is to say about it, or "". */
int synchub_schedule(dw_call *c, const struct synchub *old, const char *zone, const char **out,
                     const char **remark);

#endif
