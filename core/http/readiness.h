/* readiness.h - what has to be in order before requests should come: each part of the server adds a check of its own,
 * and /readyz asks them all. */
#ifndef HTTP_READINESS_H
#define HTTP_READINESS_H

#include "util/buf.h"

enum {
    READINESS_MAX = 32,
    READINESS_WHY_SIZE = 160,
    READINESS_REMARKS_MAX = 64,
    READINESS_NAME_SIZE = 80,
    READINESS_REMARK_SIZE = 400
};

/* Adds a check. It runs on a loop at each probe, so it looks at what is known and never waits: true, or false with a
 * terminated sentence in why (which only people of the house get to see). `name` is borrowed for ever: a short word
 * such as "database". -1 when the name is there already, or READINESS_MAX are. [any thread] */
int readiness_register(const char *name, bool (*check)(char why[READINESS_WHY_SIZE], void *ud), void *ud);

/* Says something that people of the house should know and that makes nothing unready: ("plugin notes", "quarantined after
 * three crashes"). Both are copied, cut if long. The same name again replaces its text; NULL takes it back. -1 when there
 * are READINESS_REMARKS_MAX others. [any thread] */
int readiness_remark(const char *name, const char *text);

/* Runs all checks, in the order in which they were added, and gives each result to `visit` unless that is NULL (`why`
 * is "" when ready). True when all are ready, also when there are none. [any thread] */
bool readiness_check(void (*visit)(const char *name, bool ready, const char *why, void *ud), void *ud);

/* The results as lines ("[+] database", "[-] disk: 3 MB are left") and the remarks ("[!] plugin notes: quarantined") when
 * verbose, then "ok" or "not ready"; as a JSON array. True when all are ready. [any thread] */
bool readiness_write_lines(struct buf *out, bool verbose);
bool readiness_write_json(struct buf *out);

/* For tests: forgets all checks and remarks. */
void readiness_reset(void);

#endif
