#include "cli/store.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/database.h"
#include "cli/settings.h"
#include "config/units.h"
#include "log/log.h"
#include "util/clock.h"

enum { LIMIT = 50, LIMIT_MAX = 10000 };

/* ---- opening ---- */

/* The newest of the tables that these verbs use. */
static int check_tables(struct cli_store *s)
{
    int64_t one = 0;

    if (db_find(s->session, DW_TO(&one), DB_BY_CORE, DW_LIST("SELECT 1 FROM dowel_audit_keys LIMIT 1")) >= 0)
        return CLI_OK;
    fprintf(stderr,
            "%s\nThe database lacks the tables of this version, or cannot be read: see `dowel db status`, "
            "and bring it up "
            "to date with `dowel db up`, or by starting the server\n",
            db_error_of(s->session)->text);
    return CLI_FAILED;
}

static int open_database(struct cli_store *s, const struct cli *c, struct buf *why)
{
    const struct db_who who = { .owner = "core", .now_us = s->now_us };
    struct database_place place;

    database_find(&place, s->core, c->data_dir);
    if (!database_exists(&place)) {
        buf_add_format(why, "%s: there is no database yet; start the server, or make it with `dowel db up`",
                       place.path ? place.path : place.options.url);
        return -1;
    }
    if (db_open(&s->db, &place.options, why) != 0)
        return -1;
    if (db_session_create(&s->session, s->db, &who) == 0)
        return 0;
    buf_add_text(why, "out of memory");
    return -1;
}

int cli_store_open(struct cli_store *out, const struct cli *c)
{
    struct buf why = BUF_INIT;
    int result;

    *out = (struct cli_store){ .now_us = clock_wall_us() };
    log_set_level(LOG_WARN); /* what was done is the verb's to say */
    result = cli_config_load(c, NULL, 0, &out->config, NULL);
    if (result != CLI_OK)
        return result;
    out->core = core_config(out->config);
    if (open_database(out, c, &why) != 0 ||
        keyring_open(&out->keyring, str_from(out->core->secret_key.hidden), c->data_dir, &why) != 0) {
        fprintf(stderr, "%s\n", buf_text(&why));
        result = CLI_FAILED;
    }
    buf_finish(&why);
    return result == CLI_OK ? check_tables(out) : result;
}

void cli_store_close(struct cli_store *s)
{
    db_session_destroy(s->session);
    db_close(s->db);
    keyring_destroy(s->keyring);
    config_drop(s->config);
}

int cli_store_result(struct cli_store *s, int64_t rc, struct buf *why, const char *thing, const char *name)
{
    if (rc < 0 && why->n > 0)
        fprintf(stderr, "%s\n", buf_text(why));
    else if (rc == DW_ENOTFOUND && thing)
        fprintf(stderr, "%s: there is no such %s\n", name, thing);
    else if (rc < 0)
        fprintf(stderr, "%s\n",
                *db_error_of(s->session)->text ? db_error_of(s->session)->text : "out of memory");
    buf_finish(why);
    return rc < 0 ? CLI_FAILED : CLI_OK;
}

/* ---- what is typed ---- */

static bool read_line(char *out, size_t size)
{
    if (!fgets(out, (int)size, stdin))
        return false;
    size_t n = strcspn(out, "\r\n");
    bool is_whole = out[n] != 0 || n + 1 < size;
    out[n] = 0;
    return is_whole;
}

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    interrupted = number;
}

/* Waits for a line: false when Ctrl-C came instead, which is heard nowhere else. */
static bool wait_for_line(void)
{
    struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
    sigset_t heard;

    sigprocmask(SIG_SETMASK, NULL, &heard);
    sigdelset(&heard, SIGINT);
    while (!interrupted && ppoll(&input, 1, NULL, &heard) < 0 && errno == EINTR)
        continue;
    return !interrupted;
}

/* Who presses Ctrl-C gets a terminal back that shows what is typed. */
static bool read_unseen(const char *prompt, char *out, size_t size, const struct termios *before)
{
    const struct sigaction action = { .sa_handler = on_interrupt };
    struct sigaction was;
    struct termios hidden = *before;
    sigset_t one, mask;

    hidden.c_lflag &= (tcflag_t)~ECHO;
    interrupted = 0;
    sigemptyset(&one);
    sigaddset(&one, SIGINT);
    sigprocmask(SIG_BLOCK, &one, &mask);
    sigaction(SIGINT, &action, &was);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    fprintf(stderr, "%s: ", prompt); /* only now, as who is asked may type at once */
    bool is_read = wait_for_line() && read_line(out, size);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, before);
    fputc('\n', stderr);
    sigaction(SIGINT, &was, NULL);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    if (interrupted)
        raise(interrupted);
    return is_read;
}

int cli_read_secret(const char *prompt, char *out, size_t size)
{
    struct termios before;
    bool is_terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
    bool is_read = is_terminal ? read_unseen(prompt, out, size, &before) : read_line(out, size);

    if (is_read && *out)
        return 0;
    fprintf(stderr, "%s: nothing was given on standard input, or more than %zu bytes\n", prompt, size - 1);
    return -1;
}

bool cli_parse_when(const char *text, int64_t now_us, int64_t *out)
{
    int64_t ago_us;

    if (clock_parse_rfc3339(str_from(text), out))
        return true;
    if (units_parse_span(str_from(text), &ago_us) != NULL)
        return false;
    *out = now_us - ago_us;
    return true;
}

int cli_read_since(const struct cli *c, const char *text, int64_t now_us, int64_t *out)
{
    if (cli_parse_when(text, now_us, out))
        return 0;
    cli_usage(c, "--since %s: say when, as 2026-11-21T08:05:00Z, or how long ago, as 2h or 7d", text);
    return -1;
}

int cli_read_limit(const struct cli *c, int64_t *out)
{
    const char *text = cli_option_value(c, "limit", 0);
    uint64_t limit = LIMIT;

    if (text && (!str_to_uint(str_from(text), LIMIT_MAX, &limit) || limit == 0)) {
        cli_usage(c, "--limit %s: say a number from 1 to %d", text, LIMIT_MAX);
        return -1;
    }
    *out = (int64_t)limit;
    return 0;
}
