/* synchub.h - what the old tool SyncHub keeps in its database, as far as it means something here. [call]
 *
 * It copied Zammad's time to Kimai; its tables are connectors, activity_mappings, schedules, time_entries, conflicts and
 * sync_runs. What it keeps secret is a Fernet token under the key that it calls ENCRYPTION_KEY. */
#ifndef TIMESYNC_SYNCHUB_H
#define TIMESYNC_SYNCHUB_H

#include <dowel/dowel.h>

enum { SYNCHUB_CONNECTORS_MAX = 200, SYNCHUB_MAPPINGS_MAX = 2000 };

struct synchub_connector {
    const char *id;
    const char *kind; /* "zammad", "kimai"; whatever else it may say */
    const char *name, *base_url;
    const char *sealed; /* its token; "" */
    bool is_active;
    const json_t *settings; /* an object */
};

/* In their order: by type, what is active first, the newest of these first. */
struct synchub_mapping {
    const char *type, *type_name;         /* of Zammad */
    const char *activity, *activity_name; /* of Kimai */
    bool is_active;
};

/* All in the call's memory. Connectors by their ids: the tool used the first active one of each kind. */
struct synchub {
    struct synchub_connector *connectors;
    struct synchub_mapping *mappings;
    size_t connectors_n, mappings_n;

    const char *cron, *zone; /* NULL: it has no schedule */
    bool is_scheduled;       /* and it is switched on */

    const char *first_day; /* of its entries, "2025-03-01"; "": it has none */
    int64_t entries, linked, conflicts, runs;
};

/* Reads all of it, in one transaction that reads only. `dsn` is what PostgreSQL takes, SQLAlchemy's way ("postgresql+psycopg2://")
 * included; no error says it, as a password may be in it. DW_EINVALID: it is none, or leads to no such database;
 * DW_EUNAVAILABLE: there is nobody. Waits for at most some seconds. */
int synchub_read(dw_call *c, const char *dsn, struct synchub *out);

#endif
