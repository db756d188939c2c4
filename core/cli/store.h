/* store.h - the database and the keys, for verbs that look at rows and change them: beside a running server as well as
 * without one. */
#ifndef CLI_STORE_H
#define CLI_STORE_H

#include "cli/cli.h"
#include "config/core_config.h"
#include "db/db.h"
#include "secure/keyring.h"

struct cli_store {
    struct config *config;
    const struct core_config *core;
    struct db *db;
    struct db_session *session; /* the core's, of no tenant */
    struct keyring *keyring;
    int64_t now_us;
};

/* Opens both. CLI_OK; or CLI_CONFIG or CLI_FAILED after saying why: also for a database that is not there, or was made by
 * an older version. Close it in each case. */
int cli_store_open(struct cli_store *out, const struct cli *c);
void cli_store_close(struct cli_store *s);

/* Says what went wrong, in `why` or else in the session's words, and gives `why` back. rc is a code of enum dw_error; for
 * DW_ENOTFOUND without a why it says that there is no such `thing` (may be NULL). CLI_FAILED, or CLI_OK for rc >= 0. */
int cli_store_result(struct cli_store *s, int64_t rc, struct buf *why, const char *thing, const char *name);

/* A secret: typed without being seen where standard input is a terminal, else its first line. 0, or -1 after saying why. */
int cli_read_secret(const char *prompt, char *out, size_t size);

/* "2026-11-21T08:05:00Z", or how long ago: "2h", "7d". False: it is neither. */
bool cli_parse_when(const char *text, int64_t now_us, int64_t *out);

/* The same of --since. 0, or -1 after cli_usage(). */
int cli_read_since(const struct cli *c, const char *text, int64_t now_us, int64_t *out);

/* --limit, or 50. 0, or -1 after cli_usage(). */
int cli_read_limit(const struct cli *c, int64_t *out);

#endif
