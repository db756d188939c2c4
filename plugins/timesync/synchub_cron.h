/* synchub_cron.h - a schedule of the old tool SyncHub, in our way of writing. [any]
 *
 * It read five fields by APScheduler 3, which differs from cron in three ways: days of the week are numbered from Monday (0) to
 * Sunday (6), a day of the month and a day of the week have both to fit, and "last" is a day of the month. */
#ifndef TIMESYNC_SYNCHUB_CRON_H
#define TIMESYNC_SYNCHUB_CRON_H

#include <stddef.h>

enum { SYNCHUB_CRON_SIZE = 200 };

enum synchub_cron {
    SYNCHUB_CRON_SAME,       /* it says the same here */
    SYNCHUB_CRON_RENUMBERED, /* its days of the week are names now */
    SYNCHUB_CRON_REFUSED,    /* it cannot be said here, or is none: *why */
};

/* `to` is of no use where it is refused. The fields beside the days of the week are passed on as they are: whoever keeps the
 * result looks whether it is a schedule. */
enum synchub_cron synchub_cron(const char *from, char to[SYNCHUB_CRON_SIZE], const char **why);

#endif
