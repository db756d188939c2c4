/* worklog - a connector that speaks HTTP: bookings of time and their users from a JSON feed, with a token, page by page. A beginning
 * for whatever has such an API. */
#include <dowel/dowel.h>

#include <stdio.h>
#include <string.h>

enum { URL_SIZE = 2048 };

struct settings {
    const char *url;
    dw_secret token;
    int64_t page_size;
};

static const dw_item settings[] = {
    DW_ITEM(struct settings, url, .pattern = "url",
            .help = "Where the feed is: https://work.example.org/api"),
    DW_ITEM(struct settings, token, .help = "A token that may read worklogs and users"),
    DW_ITEM(struct settings, page_size, .fallback = "100", .min = 1, .max = 1000,
            .help = "How many worklogs are asked for at once"),
    { 0 },
};

/* ---- asking ---- */

/* The path is one behind the connection's address, or a whole URL that begins as it does: whatever else is refused before anything
 * is sent, so the token never leaves for elsewhere. */
static int get(dw_call *c, dw_connection *conn, const char *path, dw_list query, json_t **json)
{
    const struct settings *s = dw_connection_settings(conn);
    dw_answer *answer;

    DW_TRY(dw_fetch(c, &answer, .connection = conn, .url = path, .query = query, .bearer = s->token,
                    .headers = DW_LIST("Accept", "application/json")));
    return dw_answer_json(answer, json); /* DW_EUPSTREAM for what is no JSON */
}

static const dw_list nothing;

/* An answer without its list is an error, and no empty list. */
static int rows_of(dw_call *c, const json_t *page, const char *member, const json_t **rows)
{
    *rows = json_object_get(page, member);
    if (json_is_array(*rows))
        return 0;
    return dw_fail(c, DW_EUPSTREAM, "the answer lacks its list; is it the address of the API?", "list",
                   member);
}

/* ---- can it work? ---- */

static int check(dw_call *c, dw_connection *conn, dw_checkup *out)
{
    const char *name;
    json_t *me;
    int rc = get(c, conn, "/me", nothing, &me);

    if (rc == DW_EAUTH)
        return dw_fail_at(c, "/token", "is refused; make a new one in your profile");
    if (rc == DW_EDENIED || rc == DW_ENOTFOUND)
        return dw_fail_at(c, "/url", "has no worklogs behind it; is it the address of the API?");
    DW_TRY(rc); /* not reached, a certificate, an inner address: the host says it better */
    if (dw_json_read(c, me, "name!", &name) < 0)
        return dw_fail_at(c, "/url", "is something else: it does not say whose the token is");
    dw_checked(out, DW_CHECK_GOOD, "user", "the token is valid", "name", name);
    return 0;
}

/* ---- a list of things ---- */

static int add_user(dw_call *c, const json_t *row, dw_found *out)
{
    const char *id, *name, *email = NULL;
    bool active = true;

    DW_TRY(dw_json_read(c, row, "id!", &id, "name!", &name, "email", &email, "active", &active));
    return dw_thing_add(out, .id = id, .name = name, .email = email, .inactive = !active);
}

/* All of them, whatever is asked for: the host picks. */
static int list_users(dw_call *c, dw_connection *conn, const dw_thing_query *query, dw_found *out)
{
    const json_t *rows;
    json_t *page;

    (void)query;
    DW_TRY(get(c, conn, "/users", nothing, &page));
    DW_TRY(rows_of(c, page, "users", &rows));
    for (size_t i = 0; i < json_array_size(rows); i++)
        DW_TRY(add_user(c, json_array_get(rows, i), out));
    return dw_found_complete(out);
}

/* ---- a time source ---- */

/* Seconds as a whole number are exact, which a fraction of an hour as a JSON number is not. Without its id a row is none, and fails the
 * list: what a complete list lacks counts as deleted. What else is wrong with it is for a person to look at, and keeps no other back. */
static int add_worklog(dw_call *c, const json_t *row, dw_found *out)
{
    const char *id, *ticket = NULL, *title = NULL, *user = NULL, *email = NULL, *text = NULL;
    dw_time began = { 0 }, changed = { 0 };
    int64_t seconds = 0;

    DW_TRY(dw_json_read(c, row, "id!", &id));
    int rc = dw_json_read(c, row, "ticket!", &ticket, "title", &title, "seconds!", &seconds, "began!", &began,
                          "changed", &changed, "text", &text, "/user/id", &user, "/user/email", &email);
    return dw_entry_add(out, .id = id, .ticket = ticket, .ticket_number = ticket, .ticket_title = title,
                        .agent = user, .agent_email = email, .text = text,
                        .amount = rc < 0 ? NULL : dw_format(c, "%lld", (long long)seconds),
                        .unit = DW_UNIT_SECONDS, .begin = began, .changed = changed,
                        .wrong = rc < 0 ? dw_error_of(c)->text : NULL);
}

/* *next is where it goes on, as the feed says it; "" at the end. */
static int add_page(dw_call *c, const json_t *page, char next[URL_SIZE], dw_found *out)
{
    const char *where = "";
    const json_t *rows;

    DW_TRY(rows_of(c, page, "worklogs", &rows));
    DW_TRY(dw_json_read(c, page, "next", &where));
    for (size_t i = 0; i < json_array_size(rows); i++)
        DW_TRY(add_worklog(c, json_array_get(rows, i), out));
    if (strlen(where) >= URL_SIZE || (*where && strcmp(where, next) == 0))
        return dw_fail(c, DW_EUPSTREAM, "the feed goes on at no other page", "next", where);
    snprintf(next, URL_SIZE, "%s", where);
    return 0;
}

/* What changed_since is 0 for is all: NULL leaves a pair out, where a time of 0 would be sent as 1970. */
static int read_page(dw_call *c, dw_connection *conn, const dw_entry_query *q, char next[URL_SIZE],
                     dw_found *out)
{
    const struct settings *s = dw_connection_settings(conn);
    const char *since = q->changed_since.us ? dw_time_format(c, q->changed_since) : NULL;
    json_t *page;

    if (*next)
        DW_TRY(get(c, conn, next, nothing, &page));
    else
        DW_TRY(get(c, conn, "/worklogs",
                   DW_LIST("size", s->page_size, "ticket", q->ticket, "changed_since", since), &page));
    return add_page(c, page, next, out);
}

/* The feed has an empty list for a ticket that is gone. What answers "not found" is a proxy whose feed is away, or another program: it
 * must not be taken for the ticket. */
static int fail_page(dw_call *c, int rc)
{
    return rc == DW_ENOTFOUND ? dw_fail(c, DW_EUPSTREAM, "there is no feed; is it the address of the API?")
                              : rc;
}

/* A page's memory ends with its scope, so a feed of any length takes no more than one. */
static int list_worklogs(dw_call *c, dw_connection *conn, const dw_entry_query *query, dw_found *out)
{
    char next[URL_SIZE] = "";

    do {
        dw_scope_begin(c);
        int rc = read_page(c, conn, query, next, out);
        dw_scope_end(c);
        DW_TRY(fail_page(c, rc));
    } while (*next);
    return dw_found_complete(out);
}

/* ---- what there is ---- */

static const dw_listing listings[] = { { .name = "user", .title = "Users", .list = list_users }, { 0 } };

static const dw_connector connectors[] = {
    { .name = "worklog",
      .title = "Worklog feed",
      .summary = "Bookings of time from a JSON feed",
      .settings = DW_ITEMS(struct settings, settings),
      .address = "url",
      .check = check,
      .listings = listings,
      .time_source = DW_ROLE(dw_time_source, .list = list_worklogs) },
    { 0 },
};

DOWEL_PLUGIN(.name = "worklog", .version = "1.0.0", .summary = "Bookings of time from a JSON feed",
             .license = "MIT", .connectors = connectors);
