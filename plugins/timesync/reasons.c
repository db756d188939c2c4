/* reasons.c - one table of all reasons, one of all actions. The sentences stand in locales/de.json in German. */
#include "reasons.h"

#include <string.h>

struct known_reason {
    const char *name, *text;
    unsigned actions;
};

static const struct known_reason reasons[REASONS] = {
    [REASON_NONE] = { "", "", 0 },
    [REASON_UNMAPPED_ACTIVITY] = { "UNMAPPED_ACTIVITY",
                                   "nothing says which activity of the target this kind of work is",
                                   ACTION_MAP | ACTION_RETRY | ACTION_SKIP | ACTION_DISMISS },
    [REASON_UNMAPPED_USER] = { "UNMAPPED_USER", "nothing says who of the target this agent is",
                               ACTION_MAP | ACTION_RETRY | ACTION_SKIP | ACTION_DISMISS },
    [REASON_PROJECT_OR_CUSTOMER_MISSING] = { "PROJECT_OR_CUSTOMER_MISSING",
                                             "its customer or project is not at the target, and is not to be "
                                             "made",
                                             ACTION_MAP | ACTION_RETRY | ACTION_SKIP | ACTION_DISMISS },
    [REASON_DUPLICATE] = { "DUPLICATE", "several timesheets are for the same entry",
                           ACTION_ADOPT | ACTION_REMOVE | ACTION_KEEP | ACTION_DISMISS },
    [REASON_TIME_MISMATCH] = { "TIME_MISMATCH", "the timesheet that was found for it has another time",
                               ACTION_ADOPT | ACTION_UPDATE | ACTION_UNFOLLOW | ACTION_SKIP |
                                   ACTION_DISMISS },
    [REASON_TARGET_CHANGED] = { "TARGET_CHANGED", "somebody changed the timesheet",
                                ACTION_UPDATE | ACTION_KEEP | ACTION_UNFOLLOW | ACTION_DISMISS },
    [REASON_BOTH_CHANGED] = { "BOTH_CHANGED", "the entry and its timesheet were both changed",
                              ACTION_UPDATE | ACTION_KEEP | ACTION_UNFOLLOW | ACTION_REMOVE |
                                  ACTION_DISMISS },
    [REASON_LOCKED_OR_EXPORTED] = { "LOCKED_OR_EXPORTED",
                                    "the timesheet is billed or locked, and has to be changed there by hand",
                                    ACTION_RETRY | ACTION_KEEP | ACTION_UNFOLLOW | ACTION_DISMISS },
    [REASON_LOCKDOWN] = { "LOCKDOWN", "the target takes no more changes for that time",
                          ACTION_RETRY | ACTION_SKIP | ACTION_DISMISS },
    [REASON_OVERLAP] = { "OVERLAP", "the target has another timesheet at that time and wants none to overlap",
                         ACTION_RETRY | ACTION_SKIP | ACTION_DISMISS },
    [REASON_BUDGET] = { "BUDGET", "the budget of its project or customer is used up",
                        ACTION_RETRY | ACTION_SKIP | ACTION_DISMISS },
    [REASON_FUTURE] = { "FUTURE", "it lies in the future, and the target takes no such times",
                        ACTION_RETRY | ACTION_SKIP | ACTION_DISMISS },
    [REASON_DELETED_SOURCE] = { "DELETED_SOURCE",
                                "the source has the entry no longer, and the timesheet is still there",
                                ACTION_REMOVE | ACTION_UNFOLLOW | ACTION_DISMISS },
    [REASON_DELETED_TARGET] = { "DELETED_TARGET", "somebody deleted the timesheet",
                                ACTION_CREATE | ACTION_SKIP | ACTION_DISMISS },
    [REASON_MERGED_TICKET] = { "MERGED_TICKET", "its ticket was merged into another one",
                               ACTION_KEEP | ACTION_UPDATE | ACTION_DISMISS },
    [REASON_EXPORTED_MEANWHILE] = { "EXPORTED_MEANWHILE",
                                    "the timesheet was billed in the moment in which it was changed: the "
                                    "bill may "
                                    "have the old version",
                                    ACTION_KEEP | ACTION_UNFOLLOW | ACTION_DISMISS },
    [REASON_INVALID_AMOUNT] = { "INVALID_AMOUNT", "its amount of time is of no use",
                                ACTION_RETRY | ACTION_SKIP | ACTION_DISMISS },
    [REASON_CREATION_ERROR] = { "CREATION_ERROR", "the target refused it",
                                ACTION_RETRY | ACTION_SKIP | ACTION_DISMISS },
    [REASON_AUTH_EXPIRED] = { "AUTH_EXPIRED", "the credentials of a connection are refused; give it new ones",
                              ACTION_RETRY | ACTION_DISMISS },
    [REASON_RATE_LIMITED] = { "RATE_LIMITED", "a side wants to be asked less often",
                              ACTION_RETRY | ACTION_DISMISS },
    [REASON_OTHER] = { "OTHER", "something else is wrong with it",
                       ACTION_RETRY | ACTION_SKIP | ACTION_DISMISS },
    [REASON_ZERO_AMOUNT] = { "ZERO_AMOUNT", "it is of no length", 0 },
    [REASON_NEGATIVE_AMOUNT] = { "NEGATIVE_AMOUNT", "its amount of time is below zero",
                                 ACTION_RETRY | ACTION_SKIP | ACTION_DISMISS },
    [REASON_MAPPED_TO_NOTHING] = { "MAPPED_TO_NOTHING", "its mapping or a rule says that it is never moved",
                                   0 },
    [REASON_BEFORE_START] = { "BEFORE_START", "it lies before the sync's first day", 0 },
    [REASON_TOO_MANY_DELETIONS] = { "TOO_MANY_DELETIONS",
                                    "more is gone than is believed without asking; look, and then let it go "
                                    "on",
                                    0 },
    [REASON_UNREACHABLE] = { "UNREACHABLE", "a side does not answer, or not as it should", 0 },
    [REASON_MOVED] = { "MOVED",
                       "a connection leads to another address than before; if the same system is there, let "
                       "it go on, else "
                       "give it the old address again, and make a connection and a sync for the other system",
                       0 },
    [REASON_CHOSEN] = { "CHOSEN", "a person said so", 0 },
    [REASON_CANCELLED] = { "CANCELLED", "the run was ended before", 0 },
};

static const struct {
    enum action action;
    const char *name;
} actions[] = {
    { ACTION_RETRY, "retry" },       { ACTION_UPDATE, "update" }, { ACTION_KEEP, "keep" },
    { ACTION_UNFOLLOW, "unfollow" }, { ACTION_CREATE, "create" }, { ACTION_REMOVE, "remove" },
    { ACTION_ADOPT, "adopt" },       { ACTION_SKIP, "skip" },     { ACTION_MAP, "map" },
    { ACTION_DISMISS, "dismiss" },
};

const char *reason_name(enum reason reason)
{
    return reason >= REASON_NONE && reason < REASONS ? reasons[reason].name : "";
}

enum reason reason_from(const char *name)
{
    if (!name || !*name)
        return REASON_NONE;
    for (unsigned i = 1; i < REASONS; i++)
        if (strcmp(reasons[i].name, name) == 0)
            return (enum reason)i;
    return REASON_OTHER;
}

const char *reason_text(enum reason reason)
{
    return reason >= REASON_NONE && reason < REASONS ? reasons[reason].text : "";
}

unsigned reason_actions(enum reason reason)
{
    return reason >= REASON_NONE && reason < REASONS ? reasons[reason].actions : 0;
}

const char *action_name(enum action action)
{
    for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
        if (actions[i].action == action)
            return actions[i].name;
    return "";
}

enum action action_from(const char *name)
{
    for (size_t i = 0; name && i < sizeof(actions) / sizeof(*actions); i++)
        if (strcmp(actions[i].name, name) == 0)
            return actions[i].action;
    return (enum action)0;
}
