/* rules.h - what a sync does with an entry: the settings of a sync, typed, with a default for each. Kept as JSON.
 *
 * API, command line and console show them from one table, rules_table() (name, type, values, default, help). */
#ifndef TIMESYNC_RULES_H
#define TIMESYNC_RULES_H

#include <dowel/dowel.h>

enum rules_anchor {
    ANCHOR_ENDS,
    ANCHOR_BEGINS
}; /* at its creation time, where the source says neither begin nor end */
enum rules_unmapped { UNMAPPED_DECIDE, UNMAPPED_DEFAULT, UNMAPPED_SKIP };
enum rules_user { USER_DECIDE, USER_OWNER, USER_SKIP };
enum rules_customer { CUSTOMER_CREATE, CUSTOMER_FIND, CUSTOMER_FIXED };
enum rules_project { PROJECT_OF_TICKET, PROJECT_OF_CUSTOMER, PROJECT_FIXED };
enum rules_billable {
    BILLABLE_TARGET,
    BILLABLE_ALWAYS,
    BILLABLE_NEVER
}; /* TARGET: by its customer, project and activity */
enum rules_source_deleted { SOURCE_DELETED_DECIDE, SOURCE_DELETED_REMOVE };
enum rules_target_edited { TARGET_EDITED_DECIDE, TARGET_EDITED_UNFOLLOW, TARGET_EDITED_RESTORE };
enum rules_target_deleted { TARGET_DELETED_DECIDE, TARGET_DELETED_SKIP, TARGET_DELETED_CREATE };
enum rules_amount { AMOUNT_SKIP, AMOUNT_DECIDE, AMOUNT_MOVE }; /* MOVE: of zero only */
enum rules_merged { MERGED_KEEP, MERGED_DECIDE };              /* KEEP: the timesheet stays in its project */

struct rules {
    const char
        *minutes_per_unit; /* an exact decimal, "1", "60", "15"; for amounts whose source says no unit */
    uint32_t anchor;
    dw_time first_day; /* entries that lie before it are not looked at; 0: all */

    uint32_t user;                /* for whom there is no mapping and no user with the same e-mail */
    uint32_t activity;            /* what has no mapping */
    const char *default_activity; /* a target's id; with UNMAPPED_DEFAULT */

    uint32_t customer;
    const char *customer_number; /* "OID-{id}"; {id}, {mark} */
    const char *
        fixed_customer; /* a target's id; with CUSTOMER_FIXED, and for tickets without an organisation where set */
    uint32_t project;
    const char *project_number; /* "TID-{id}"; of a customer's only project: customer_number */
    const char *project_name;   /* "Ticket-{number}"; {number}, {title}, {id}, {customer} */
    const char *fixed_project;  /* a target's id */
    bool create_projects;

    uint32_t billable;
    dw_texts tags;
    const char *
        description; /* below the marker: "{number} {title}\n{url}\n{note}"; {customer}, {agent}, {activity}, {amount} too */
    dw_texts
        watched; /* of a timesheet, whose change there is an edit: time project activity user billable text tags */

    uint32_t source_deleted, target_edited, target_deleted, zero, negative, merged;
    int64_t max_deletions; /* more in one run are not believed: the sync is held; 0: any */
    bool adopt;       /* timesheets with our marker, or the older forms, that we do not know are taken over */
    dw_span overlap;  /* of polls */
    dw_span window;   /* how far back a full comparison looks by when entries lie in time; 0: all */
    int64_t parallel; /* requests that change the target at a time: 1..16 */
    bool dry_run;     /* what starts by itself only plans */
};

/* Reads what is given over the defaults; json may be NULL. 0, or DW_EINVALID with dw_fail_at("/rules/NAME", ...) for each that is
 * wrong, the nearest name for one that is not known. All in the call's memory. [call] */
int rules_read(dw_call *c, const json_t *json, struct rules *out);

/* All of them as JSON, or only what is not the default; the call's. [call] */
json_t *rules_json(dw_call *c, const struct rules *r, bool all);

/* How many there are. */
size_t rules_count(void);

/* [{"name","type","default","one_of","help"}]; the call's. [call] */
json_t *rules_table(dw_call *c);

#endif
