#include "check.h"

#include <inttypes.h>
#include <string.h>

#include "pages.h"

#define CLOCK_OFF DW_MINUTES(1)

/* ---- what is typed ---- */

static bool has_password(const struct zammad_settings *set)
{
    return *set->user || zammad_secret_is_set(set->password);
}

/* Where the credentials stand that are used. */
static const char *credentials_of(const struct zammad_settings *set)
{
    if (zammad_secret_is_set(set->token))
        return "/token";
    return zammad_secret_is_set(set->bearer) ? "/bearer" : "/password";
}

static int check_typed(struct desk *d)
{
    const struct zammad_settings *set = d->set;
    int forms = zammad_secret_is_set(set->token) + zammad_secret_is_set(set->bearer) + has_password(set);

    if (forms == 0)
        return dw_fail_at(
            d->c, "/token",
            "is missing; make one in Zammad (profile, Token Access), or give a user and a password");
    if (forms > 1)
        return dw_fail_at(d->c, "/token",
                          "is one of several credentials; keep one of token, bearer, and user with "
                          "password, and empty the others");
    if (has_password(set) && !*set->user)
        return dw_fail_at(d->c, "/user", "is missing beside the password");
    if (has_password(set) && !zammad_secret_is_set(set->password))
        return dw_fail_at(d->c, "/password", "is missing beside the user");
    return 0;
}

/* ---- failures get a place ---- */

static const char *place_of(const struct desk *d, int code)
{
    if ((code != DW_EAUTH && code != DW_EDENIED) || !d->is_own)
        return "/base_url";
    if (strstr(d->said, "'From'") || strstr(d->said, "No such user"))
        return "/on_behalf";
    return credentials_of(d->set);
}

/* What the last question failed with, at the setting that is to be changed. */
static int fail_there(struct desk *d, int code)
{
    if (code == DW_ECANCELLED || code == DW_ENOMEM || code == DW_ETHREAD || code == DW_EMISUSE ||
        code == DW_ERATE)
        return code;
    return dw_fail_at(d->c, place_of(d, code), dw_error_of(d->c)->said);
}

/* ---- who, which version, what time ---- */

static int check_clock(struct desk *d, dw_checkup *out)
{
    int64_t seconds = d->date < 0 ? 0 : d->date - dw_now(d->c).us / 1000000;

    if (seconds * 1000000 > CLOCK_OFF.us)
        dw_checked(out, DW_CHECK_WARNING, "clock", "Zammad's clock is ahead; set both by NTP", "seconds",
                   seconds);
    else if (-seconds * 1000000 > CLOCK_OFF.us)
        dw_checked(out, DW_CHECK_WARNING, "clock", "Zammad's clock is behind; set both by NTP", "seconds",
                   -seconds);
    return 0;
}

static int check_who(struct desk *d, dw_checkup *out)
{
    json_t *me;
    int rc = desk_ask(d, &me, .path = "/api/v1/users/me", .query = DW_LIST("expand", "true"));
    const char *login;

    if (rc < 0)
        return fail_there(d, rc);
    login = row_text(json_object_get(me, "login"));
    if (!login || !row_id(json_object_get(me, "id")))
        return dw_fail_at(
            d->c, "/base_url",
            "is not Zammad: what answers there knows JSON, but has no user to show; write the address as "
            "people open Zammad in a browser");
    dw_checked(out, DW_CHECK_GOOD, "user", "Zammad answers, and knows this user", "login", login);
    return check_clock(d, out);
}

/* Only some may ask: without an answer nothing is said. */
static int check_version(struct desk *d, dw_checkup *out)
{
    json_t *answer;
    int rc = desk_ask(d, &answer, .path = "/api/v1/version");
    const char *version = rc < 0 ? NULL : row_text(json_object_get(answer, "version"));

    if (rc == DW_ECANCELLED || rc == DW_ENOMEM)
        return rc;
    if (version)
        dw_checked(out, DW_CHECK_GOOD, "version", "the version of Zammad is known", "version", version);
    return 0;
}

/* ---- booked time ---- */

/* By Zammad itself: a permission is lacking. */
static bool is_denied(const struct desk *d, int rc)
{
    return rc == DW_EDENIED && d->is_own;
}

static bool is_strategy(const struct desk *d, const char *name)
{
    return strcmp(d->set->strategy, name) == 0;
}

/* 1: the list of all can be had; 0: it cannot, and need not. */
static int check_global(struct desk *d, dw_checkup *out)
{
    json_t *answer;
    const json_t *rows;
    int rc =
        desk_ask(d, &answer, .path = "/api/v1/time_accountings", .query = DW_LIST("page", 1, "per_page", 1));

    if (rc >= 0)
        rc = pages_rows(d, answer, "TicketTimeAccounting", "/api/v1/time_accountings", &rows);
    if (rc >= 0) {
        dw_checked(out, DW_CHECK_GOOD, "list", "all booked time can be read at once");
        return 1;
    }
    if (is_denied(d, rc) && is_strategy(d, "global"))
        return dw_fail_at(
            d->c, credentials_of(d->set),
            "lacks the permission admin.time_accounting, which the strategy global needs; make a token "
            "with it, or choose the strategy auto");
    if (rc == DW_ENOTFOUND && d->is_own && is_strategy(d, "global"))
        return dw_fail_at(
            d->c, "/strategy",
            "cannot be global: this Zammad has no list of all booked time (it came with 6.3); choose auto");
    if (is_denied(d, rc))
        dw_checked(
            out, DW_CHECK_WARNING, "list",
            "without the permission admin.time_accounting booked time is read ticket by ticket, which is "
            "slow, "
            "sees only the groups of this user, and misses an edit that leaves a ticket's sum as it was");
    else if (rc == DW_ENOTFOUND && d->is_own)
        dw_checked(out, DW_CHECK_WARNING, "list",
                   "this Zammad is older than 6.3 and has no list of all booked time, so it is read ticket "
                   "by ticket, "
                   "which is slow and misses an edit that leaves a ticket's sum as it was");
    else
        return fail_there(d, rc);
    return 0;
}

/* The first ticket that is seen, 0: none. */
static int first_ticket(struct desk *d, int64_t *id)
{
    json_t *answer;
    const json_t *rows;

    *id = 0;
    DW_TRY(desk_ask(d, &answer, .path = "/api/v1/tickets",
                    .query = DW_LIST("page", 1, "per_page", 1, "expand", "true")));
    DW_TRY(pages_rows(d, answer, "Ticket", "/api/v1/tickets", &rows));
    *id = row_id(json_object_get(json_array_get(rows, 0), "id"));
    return 0;
}

/* With the list of all, tickets give only names: a warning. Without it they are all that there is. */
static int check_tickets(struct desk *d, dw_checkup *out, bool global)
{
    json_t *answer;
    int64_t id;
    int rc = first_ticket(d, &id);

    if (rc < 0 && !is_denied(d, rc))
        return fail_there(d, rc);
    if (global && id == 0) {
        dw_checked(out, DW_CHECK_WARNING, "tickets",
                   "no ticket can be seen, so numbers, titles and customers will be missing; give the token "
                   "ticket.agent, and its user the right to read in all groups where time is booked");
        return 0;
    }
    if (rc < 0)
        return dw_fail_at(
            d->c, credentials_of(d->set),
            "lacks the permission ticket.agent, without which no ticket can be read; make a token with it "
            "(and with admin.time_accounting, to read all at once)");
    if (id == 0) {
        dw_checked(
            out, DW_CHECK_WARNING, "tickets",
            "no ticket can be seen: there is none yet, or this user has no group; an administrator gives the "
            "right to change (or full) in all groups where time is booked");
        return 0;
    }
    if (!global) {
        rc = desk_ask(d, &answer, .path = desk_path(d, "/api/v1/tickets", id, "/time_accountings"),
                      .query = DW_LIST("page", 1, "per_page", 1));
        if (is_denied(d, rc))
            return dw_fail_at(
                d->c, credentials_of(d->set),
                "may read tickets, but not what is booked on them; its user needs the right to change (or "
                "full) in their groups, or the permission admin.time_accounting",
                "ticket", id);
        if (rc == DW_ENOTFOUND)
            return dw_fail_at(
                d->c, "/base_url",
                "is a Zammad that does not tell what is booked on a ticket; that came with 6.1: update it",
                "ticket", id);
        if (rc < 0)
            return fail_there(d, rc);
    }
    dw_checked(out, DW_CHECK_GOOD, "tickets", "tickets can be read");
    return 0;
}

static int check_types(struct desk *d, dw_checkup *out)
{
    json_t *answer;
    const json_t *rows;
    int rc = desk_ask(d, &answer, .path = "/api/v1/time_accounting/types");

    if (rc >= 0)
        rc = pages_rows(d, answer, "TicketTimeAccountingType", "/api/v1/time_accounting/types", &rows);
    if (rc >= 0)
        dw_checked(out, DW_CHECK_GOOD, "activities", "activity types can be read", "types",
                   (int64_t)json_array_size(rows));
    else if (is_denied(d, rc))
        dw_checked(
            out, DW_CHECK_WARNING, "activities",
            "without the permission admin.time_accounting activity types cannot be listed for mapping; those "
            "that bookings bring along are known");
    else if (rc == DW_ENOTFOUND)
        dw_checked(out, DW_CHECK_WARNING, "activities",
                   "this Zammad has no activity types; they came with 6.0");
    else
        return fail_there(d, rc);
    return 0;
}

/* Who may not see settings is not told. */
static int check_accounting_is_on(struct desk *d, dw_checkup *out)
{
    json_t *settings, *setting;
    size_t i;
    int rc = desk_ask(d, &settings, .path = "/api/v1/settings");

    if (rc < 0)
        return rc == DW_ECANCELLED || rc == DW_ENOMEM ? rc : 0;
    json_array_foreach(settings, i, setting)
    {
        const char *name = row_text(json_object_get(setting, "name"));
        const json_t *value = json_object_get(json_object_get(setting, "state_current"), "value");
        if (name && strcmp(name, "time_accounting") == 0 && json_is_false(value))
            dw_checked(out, DW_CHECK_WARNING, "accounting",
                       "time accounting is switched off in Zammad, so nobody can book; an administrator "
                       "switches it on "
                       "(Admin, Manage, Time Accounting)");
    }
    return 0;
}

int zammad_check(dw_call *c, dw_connection *conn, dw_checkup *out)
{
    struct desk d;
    int global = 0;

    DW_TRY(desk_open(&d, c, conn));
    DW_TRY(check_typed(&d));
    DW_TRY(check_who(&d, out));
    DW_TRY(check_version(&d, out));
    if (!is_strategy(&d, "tickets"))
        DW_TRY(global = check_global(&d, out));
    DW_TRY(check_tickets(&d, out, global));
    DW_TRY(check_types(&d, out));
    return check_accounting_is_on(&d, out);
}
