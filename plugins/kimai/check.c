/* check.c - can it work? From the address over the token to what its owner may, each with what to do about it. Nothing is
 * written: what may be written is asked with forms that Kimai cannot store, as nothing in them has a name or a project. */
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "refusal.h"

enum { BEARER_SINCE = 21400, OLDEST = 20000, TRIED_SINCE = 23000 }; /* 2.14.0, 2.0.0, 2.30.0 */

#define CLOCK_MAX INT64_C(60000000)

struct me {
    int64_t id;
    const char *name;
    bool can_see_all; /* by his roles; a role of its own may have the permission too */
};

struct checking {
    dw_call *c;
    dw_connection *conn;
    dw_checkup *out;
    struct me me;
    bool may_book_for_others;
};

static const char *credentials_at(const struct checking *k)
{
    return *kimai_settings(k->conn)->legacy_user ? "/legacy_token" : "/token";
}

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), end_n = strlen(end);

    return n >= end_n && strcmp(text + n - end_n, end) == 0;
}

/* ---- what was typed ---- */

static bool is_set(dw_secret secret)
{
    return secret.hidden && *secret.hidden;
}

static int check_settings(const struct checking *k)
{
    const struct kimai_settings *s = kimai_settings(k->conn);
    const bool is_legacy = *s->legacy_user != '\0';

    if (ends_with(s->base_url, "/api") || ends_with(s->base_url, "/api/"))
        return dw_fail_at(k->c, "/base_url", "leave away /api: it is added");
    if (is_legacy && is_set(s->token))
        return dw_fail_at(k->c, "/legacy_user", "leave it empty: with a token it is not used");
    if (is_legacy && !is_set(s->legacy_token))
        return dw_fail_at(k->c, "/legacy_token", "is missing: the API password of legacy_user");
    if (!is_legacy && !is_set(s->token))
        return dw_fail_at(k->c, "/token", "is missing; make one in Kimai: your name, API Access, Create");
    return 0;
}

/* Kimai looks for a token up to the first blank, or for none. */
static int check_blanks(const struct checking *k)
{
    const char *token = kimai_settings(k->conn)->token.hidden;

    if (token && token[strcspn(token, " \t\r\n")])
        return dw_fail_at(k->c, "/token", "has a blank in it, which no token of Kimai's has; copy it again");
    return 0;
}

/* ---- the address ---- */

static int fail_redirect(const struct checking *k, dw_answer *raw)
{
    const char *to = dw_answer_header(raw, "Location");
    const char *said = to ? to : "";

    if (strstr(said, "/login"))
        return dw_fail_at(k->c, "/base_url",
                          "leads to a page for signing in, so there is no Kimai API below it; enter the "
                          "address of its first page, without what comes behind",
                          "to", said);
    return dw_fail_at(
        k->c, "/base_url",
        "leads elsewhere, and no token was sent there; enter that address, if it is the right one", "to",
        said, "status", raw->status);
}

static int fail_unauthorized(const struct checking *k, const struct answer *a)
{
    if (*kimai_settings(k->conn)->legacy_user)
        return dw_fail_at(k->c, "/legacy_token", "is wrong, or legacy_user is");
    if (a->raw->body.n > 0 && !dw_answer_header(a->raw, "WWW-Authenticate"))
        return dw_fail_at(
            k->c, credentials_at(k),
            "did not arrive: Kimai saw no credentials; a proxy in front of it has to pass the field "
            "Authorization on, and a Kimai older than 2.14 knows no tokens but legacy_user and legacy_token");
    return dw_fail_at(k->c, credentials_at(k),
                      "is wrong, has expired or was deleted; make a new one in Kimai");
}

static int fail_first(const struct checking *k, const struct answer *a, int rc)
{
    switch (a->status) {
    case 401: return fail_unauthorized(k, a);
    case 403:
        return dw_fail_at(k->c, credentials_at(k),
                          "may not use the API; give the role of its owner the permission api_access");
    case 404:
        return dw_fail_at(k->c, "/base_url",
                          "no Kimai answers there; is it the address of its first page, with its folder?",
                          "path", "/api/version");
    case 429:
        if (a->raw->status != 429) /* the answer to wrong tries, see ask.c */
            return dw_fail_at(
                k->c, "/legacy_token",
                "was wrong too often, so Kimai looks at none for a minute; correct it, wait, and try again");
        return rc;
    default: return rc; /* not reached, a certificate, an address inside: the host says which */
    }
}

static int fail_page(const struct checking *k, const struct answer *a)
{
    return dw_fail_at(k->c, "/base_url", "what answers there is no Kimai: it should be JSON", "content_type",
                      a->raw->content_type, "status", a->status);
}

/* ---- its version ---- */

static int check_version(const struct checking *k, const json_t *body)
{
    const char *version = "";
    int64_t id = 0;

    if (dw_json_read(k->c, body, "version!", &version, "versionId!", &id) < 0)
        return dw_fail_at(k->c, "/base_url", "what answers there is no Kimai: it does not say its version");
    if (id < OLDEST)
        return dw_fail_at(k->c, "/base_url",
                          "this Kimai is too old: it cannot say what was changed; 2.0 is needed", "version",
                          version);
    if (id < TRIED_SINCE)
        dw_checked(k->out, DW_CHECK_WARNING, "version",
                   "This Kimai is older than those that are tried; 2.30 or newer is better", "version",
                   version);
    else
        dw_checked(k->out, DW_CHECK_GOOD, "version", "Kimai answers", "version", version);
    return 0;
}

static void check_clock(const struct checking *k, const struct answer *a)
{
    const int64_t off = a->clock.us - dw_now(k->c).us;

    if (llabs(off) > CLOCK_MAX)
        dw_checked(
            k->out, DW_CHECK_WARNING, "clock",
            "Kimai's clock differs from the server's; set both by the network, or changes will be missed",
            "seconds", off / 1000000);
}

static int check_address(const struct checking *k)
{
    json_t *body;
    struct answer a;
    const int rc = ask(k->c, k->conn, "/api/version", (dw_list){ 0 }, &body, &a);

    if (a.status >= 300 && a.status < 400)
        return fail_redirect(k, a.raw);
    if (rc < 0 && a.status >= 200 && a.status < 300)
        return rc == DW_EUPSTREAM ? fail_page(k, &a) : rc;
    if (rc < 0)
        return fail_first(k, &a, rc);
    if (!json_is_object(body))
        return fail_page(k, &a);
    DW_TRY(check_version(k, body));
    check_clock(k, &a);
    return 0;
}

/* ---- who it is ---- */

static bool has_role(const json_t *me, const char *role)
{
    const json_t *roles = json_object_get(me, "roles");

    for (size_t i = 0; i < json_array_size(roles); i++) {
        const char *one = json_string_value(json_array_get(roles, i));
        if (one && strcmp(one, role) == 0)
            return true;
    }
    return false;
}

static int check_owner(struct checking *k)
{
    json_t *me;

    DW_TRY(ask(k->c, k->conn, "/api/users/me", (dw_list){ 0 }, &me, NULL));
    if (dw_json_read(k->c, me, "id!", &k->me.id, "username!", &k->me.name) < 0)
        return dw_fail_at(k->c, credentials_at(k), "is nobody's: Kimai does not say whose it is");
    k->me.can_see_all = has_role(me, "ROLE_ADMIN") || has_role(me, "ROLE_SUPER_ADMIN");
    dw_checked(k->out, DW_CHECK_GOOD, "owner", "Signed in", "user", k->me.name);
    return 0;
}

/* ---- what he may write ---- */

/* A form that cannot be stored. 1: it was refused as one, 0: he may not do this at all. */
static int probe(const struct checking *k, const char *path, const json_t *form, struct answer *a)
{
    const int rc = tell(k->c, k->conn, "POST", path, form, a);

    if (a->status == 400 && refusal_is_form(a->body))
        return 1;
    if (a->status == 403)
        return 0;
    return rc < 0 ? rc : dw_fail(k->c, DW_EUPSTREAM, "Kimai took a form without a name", "path", path);
}

static void note_book(struct checking *k, const json_t *form)
{
    k->may_book_for_others = refusal_knows(form, "user");
    if (!k->may_book_for_others)
        dw_checked(k->out, DW_CHECK_WARNING, "others",
                   "Times can be booked for the owner of the token only; for others his role needs the "
                   "permissions create_other_timesheet, edit_other_timesheet and delete_other_timesheet",
                   "user", k->me.name);
    if (!refusal_knows(form, "billable"))
        dw_checked(k->out, DW_CHECK_WARNING, "billable",
                   "What is billable is for Kimai to say; for a sync to say it the role needs the permission "
                   "edit_billable_own_timesheet");
    if (refusal_knows(form, "exported"))
        dw_checked(k->out, DW_CHECK_GOOD, "exported",
                   "The token may mark timesheets as exported; nothing here does, and those that are "
                   "exported are never touched");
}

static int check_booking(struct checking *k)
{
    struct answer a;
    int asked;

    asked = probe(k, "/api/timesheets",
                  dw_json(k->c, "begin", "2020-01-01T09:00:00Z", "end", "2020-01-01T09:01:00Z", "project", 0,
                          "activity", 0),
                  &a);
    DW_TRY(asked);
    if (!asked)
        return dw_fail_at(
            k->c, credentials_at(k),
            "may book no times; give the role of its owner the permission create_own_timesheet");
    if (!refusal_knows(a.body, "begin"))
        return dw_fail_at(
            k->c, credentials_at(k),
            "may set no begin and end: Kimai's tracking mode is a punch clock; set it to default (System, "
            "Settings, Timesheet), or give the role of its owner view_other_timesheet");
    if (refusal_names(a.body, "begin") || refusal_names(a.body, "end"))
        return dw_fail_at(
            k->c, "/base_url",
            "this Kimai does not understand times with a Z, so none would arrive as they are meant");
    note_book(k, a.body);
    return 0;
}

/* As probe(); that he may not is noted. */
static int probe_master(const struct checking *k, const char *path, const char *permission,
                        const json_t *form, struct answer *a)
{
    const int may = probe(k, path, form, a);

    if (may == 0)
        dw_checked(k->out, DW_CHECK_WARNING, permission,
                   "The token may not make what is missing; the role of its owner lacks a permission",
                   "permission", permission);
    return may;
}

/* Of the whole form only the name is wrong, if the settings for customers are right. */
static int check_customers(const struct checking *k)
{
    static const char *const members[][2] = { { "country", "/customer_country" },
                                              { "currency", "/customer_currency" },
                                              { "timezone", "/customer_timezone" },
                                              { "language", "/customer_language" } };
    const struct kimai_settings *s = kimai_settings(k->conn);
    struct answer a;
    int may;

    may = probe_master(k, "/api/customers", "create_customer",
                       dw_json(k->c, "name", "", "country", s->customer_country, "currency",
                               s->customer_currency, "timezone", s->customer_timezone, "language",
                               s->customer_language),
                       &a);
    DW_TRY(may);
    for (size_t i = 0; may && i < sizeof(members) / sizeof(*members); i++)
        if (refusal_names(a.body, members[i][0]))
            return dw_fail_at(k->c, members[i][1],
                              "Kimai does not take this for a customer; look how Kimai writes it");
    return 0;
}

static int check_masters(const struct checking *k)
{
    struct answer a;

    DW_TRY(check_customers(k));
    DW_TRY(probe_master(k, "/api/projects", "create_project", dw_json(k->c, "name", "", "customer", 0), &a));
    DW_TRY(probe_master(k, "/api/activities", "create_activity", dw_json(k->c, "name", ""), &a));
    return probe_master(k, "/api/tags", "create_tag", dw_json(k->c, "name", ""), &a);
}

/* ---- what he may see ---- */

/* How many timesheets there are of this user, "all" too, and whose the first one is. */
static int count_of(const struct checking *k, const char *user, int64_t *total, int64_t *whose)
{
    const char *text;
    struct answer a;
    json_t *rows;

    DW_TRY(ask(k->c, k->conn, "/api/timesheets", DW_LIST("user", user, "size", 1), &rows, &a));
    text = dw_answer_header(a.raw, "X-Total-Count");
    if (!text)
        return dw_fail_at(k->c, "/base_url",
                          "what answers there drops the field X-Total-Count; a proxy in front of Kimai has "
                          "to let it through");
    *total = strtoll(text, NULL, 10);
    *whose = json_integer_value(json_object_get(json_array_get(rows, 0), "user"));
    return 0;
}

/* Somebody else, or 0: there is none, or he may not list users, which is noted. */
static int find_other(const struct checking *k, int64_t *id)
{
    json_t *users;
    const int rc = ask_list(k->c, k->conn, "/api/users", DW_LIST("visible", 1), &users);

    *id = 0;
    if (rc == DW_EDENIED) {
        dw_checked(k->out, DW_CHECK_WARNING, "view_user",
                   "The token may not list users, so agents cannot be found by their address; the role of "
                   "its owner lacks the permission view_user");
        return 0;
    }
    DW_TRY(rc);
    for (size_t i = 0; i < json_array_size(users) && *id == 0; i++) {
        const int64_t one = json_integer_value(json_object_get(json_array_get(users, i), "id"));
        if (one != k->me.id)
            *id = one;
    }
    return 0;
}

enum sight { BLIND, SEES, UNSEEN };

/* Without the permission Kimai does not refuse to list those of others: it lists one's own. So: are there more of all than of him,
 * or does asking for another one's bring something else than his? If he has none and nobody has any, that cannot be told. */
static int look_around(const struct checking *k, int64_t other)
{
    const char *me = dw_format(k->c, "%lld", (long long)k->me.id);
    int64_t all = 0, own = 0, others = 0, whose = 0;

    int rc = count_of(k, "all", &all, &whose);
    if (rc == DW_EDENIED)
        return dw_fail_at(
            k->c, credentials_at(k),
            "may list no timesheets; give the role of its owner the permission view_own_timesheet");
    DW_TRY(rc);
    DW_TRY(count_of(k, me, &own, &whose));
    if (all > own)
        return SEES;
    if (own == 0 || other == 0)
        return UNSEEN;
    rc = count_of(k, dw_format(k->c, "%lld", (long long)other), &others, &whose);
    if (rc == DW_EDENIED)
        return SEES; /* it is looked at whom he asks for, but this one is of no team of his */
    DW_TRY(rc);
    return others > 0 && whose == k->me.id ? BLIND : SEES;
}

static int note_sight(const struct checking *k, int sight)
{
    if (sight == BLIND && k->may_book_for_others)
        return dw_fail_at(k->c, credentials_at(k),
                          "sees only the times of its owner, but may book for others: it could not find what "
                          "it wrote; give his role the permission view_other_timesheet");
    if (sight == BLIND)
        dw_checked(
            k->out, DW_CHECK_WARNING, "view_other_timesheet",
            "The token sees only the times of its owner; his role lacks the permission view_other_timesheet");
    if (sight == SEES && k->me.can_see_all)
        dw_checked(k->out, DW_CHECK_GOOD, "view_other_timesheet", "The token sees the times of all users");
    if (sight == SEES && !k->me.can_see_all)
        dw_checked(k->out, DW_CHECK_WARNING, "view_all_data",
                   "The token sees times of others, but what teams keep to themselves only with the "
                   "permission view_all_data, which its owner's role may lack");
    if (sight == UNSEEN && k->me.can_see_all)
        dw_checked(k->out, DW_CHECK_GOOD, "view_other_timesheet",
                   "An administrator sees the times of all users; there are none yet");
    if (sight == UNSEEN && !k->me.can_see_all)
        dw_checked(
            k->out, DW_CHECK_WARNING, "view_other_timesheet",
            "No times of others were seen: either there are none yet, or its owner's role lacks the "
            "permissions "
            "view_other_timesheet and view_all_data; give it these, and test again when somebody has booked");
    return 0;
}

static int check_sight(const struct checking *k)
{
    int64_t other;
    int sight;

    DW_TRY(find_other(k, &other));
    sight = look_around(k, other);
    DW_TRY(sight);
    return note_sight(k, sight);
}

/* ---- how Kimai is set ---- */

static int check_rules(const struct checking *k)
{
    bool future = true, overlapping = true;
    const char *mode = "default";
    json_t *settings;

    DW_TRY(ask(k->c, k->conn, "/api/config/timesheet", (dw_list){ 0 }, &settings, NULL));
    DW_TRY(dw_json_read(k->c, settings, "trackingMode", &mode, "isAllowFutureTimes", &future,
                        "isAllowOverlapping", &overlapping));
    if (strcmp(mode, "default") != 0)
        dw_checked(k->out, DW_CHECK_WARNING, "mode", "Kimai's tracking mode is not the default one", "mode",
                   mode);
    if (!overlapping)
        dw_checked(k->out, DW_CHECK_WARNING, "overlap",
                   "Kimai allows no two timesheets of a user at one time, so bookings that overlap will wait "
                   "for a person");
    if (!future)
        dw_checked(
            k->out, DW_CHECK_WARNING, "future",
            "Kimai allows no times in the future, so a booking that ends after now will wait for a person");
    dw_checked(
        k->out, DW_CHECK_GOOD, "rounding",
        "Kimai may round times (System, Settings, Timesheet); what it makes of them is kept, and no edit");
    return 0;
}

int kimai_check(dw_call *c, dw_connection *conn, dw_checkup *out)
{
    struct checking k = { .c = c, .conn = conn, .out = out };

    DW_TRY(check_settings(&k));
    DW_TRY(check_blanks(&k));
    DW_TRY(check_address(&k));
    DW_TRY(check_owner(&k));
    DW_TRY(check_rules(&k));
    DW_TRY(check_booking(&k));
    DW_TRY(check_masters(&k));
    return check_sight(&k);
}
