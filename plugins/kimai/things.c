/* things.c - what people point at: customers, projects, activities, users, teams, tags. None of these lists has pages. */
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "kimai.h"
#include "masters.h"
#include "refusal.h"
#include "tags.h"
#include "text.h"

enum { NAME_LEAST = 2, NAME_MOST = 150 }; /* characters */

/* A kind of rows: where they are, what a row's parent is called, and how long its numbers may be (0: it has none). */
struct kind {
    const char *path, *parent, *number;
    size_t number_most;
};

static const struct kind customers = { "/api/customers", NULL, "number", 50 };
static const struct kind projects = { "/api/projects", "customer", "number", 10 };
static const struct kind activities = { "/api/activities", "project", "number", 10 };
static const struct kind users = { "/api/users", NULL, "accountNumber", 0 };
static const struct kind teams = { "/api/teams", NULL, NULL, 0 };

/* ---- rows ---- */

static const char *text_at(const json_t *row, const char *member)
{
    const char *text = member ? json_string_value(json_object_get(row, member)) : NULL;

    return text && *text ? text : NULL;
}

static const char *id_at(dw_call *c, const json_t *row, const char *member)
{
    const int64_t id = member ? master_id(row, member) : 0;

    return id > 0 ? dw_format(c, "%lld", (long long)id) : NULL;
}

/* People know each other by their alias, where they have one. */
static const char *name_of(const json_t *row)
{
    const char *name = text_at(row, "alias");

    name = name ? name : text_at(row, "name");
    return name ? name : text_at(row, "username");
}

static bool is_inactive(dw_call *c, const json_t *row)
{
    return !master_is_visible(row) || json_is_false(json_object_get(row, "enabled")) ||
           project_is_over(row, dw_now(c));
}

static int read_thing(dw_call *c, const struct kind *kind, const json_t *row, dw_thing *out)
{
    *out = (dw_thing){ .struct_size = sizeof(*out),
                       .id = id_at(c, row, "id"),
                       .name = name_of(row),
                       .number = text_at(row, kind->number),
                       .email = kind == &users ? text_at(row, "email") : NULL,
                       .parent = id_at(c, row, kind->parent),
                       .inactive = is_inactive(c, row) };
    if (!out->id || !out->name)
        return dw_fail(c, DW_EUPSTREAM, "Kimai's list has a row without id or name", "path", kind->path);
    return 0;
}

static int add_thing(dw_call *c, const struct kind *kind, const json_t *row, dw_found *out)
{
    dw_thing t;

    DW_TRY(read_thing(c, kind, row, &t));
    return dw_thing_add(out, .id = t.id, .name = t.name, .number = t.number, .email = t.email,
                        .parent = t.parent, .inactive = t.inactive);
}

/* ---- listing ---- */

/* Names are searched for in Kimai, so that not thousands come for one. Nothing else is: what its search looks at differs
 * between versions. */
static const char *term_of(dw_call *c, const dw_thing_query *q)
{
    char term[TERM_SIZE];

    if (!q->name)
        return NULL;
    text_term(q->name, term);
    return *term ? dw_copy(c, (dw_str){ term, strlen(term) }) : NULL;
}

static int ask_rows(dw_call *c, dw_connection *conn, const struct kind *kind, const dw_thing_query *q,
                    json_t **rows)
{
    const bool is_project = kind == &projects;
    const char *customer = is_project && kimai_is_id(q->parent) ? q->parent : NULL;
    const char *term = kind == &users ? NULL : term_of(c, q); /* their names may be aliases */

    if (kind == &teams)
        return ask_list(c, conn, kind->path, (dw_list){ 0 }, rows);
    return ask_list(c, conn, kind->path,
                    DW_LIST("visible", q->inactive ? 3 : 1, "ignoreDates", is_project ? "1" : NULL,
                            "customer", customer, "term", term),
                    rows);
}

/* Each row has a scope of its own: a Kimai may have ten thousand projects. */
static int list(dw_call *c, dw_connection *conn, const struct kind *kind, const dw_thing_query *q,
                dw_found *out)
{
    json_t *rows;

    DW_TRY(ask_rows(c, conn, kind, q, &rows));
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (!q->inactive && is_inactive(c, row))
            continue;
        dw_scope_begin(c);
        const int rc = add_thing(c, kind, row, out);
        dw_scope_end(c);
        DW_TRY(rc);
    }
    return dw_found_complete(out);
}

static int list_customers(dw_call *c, dw_connection *conn, const dw_thing_query *q, dw_found *out)
{
    return list(c, conn, &customers, q, out);
}

static int list_projects(dw_call *c, dw_connection *conn, const dw_thing_query *q, dw_found *out)
{
    return list(c, conn, &projects, q, out);
}

static int list_activities(dw_call *c, dw_connection *conn, const dw_thing_query *q, dw_found *out)
{
    return list(c, conn, &activities, q, out);
}

static int list_users(dw_call *c, dw_connection *conn, const dw_thing_query *q, dw_found *out)
{
    const int rc = list(c, conn, &users, q, out);

    if (rc == DW_EDENIED)
        return dw_fail(c, rc,
                       "the token may not list users; give the role of its owner the permission view_user "
                       "(only a super administrator has it from the beginning)");
    return rc;
}

static int list_teams(dw_call *c, dw_connection *conn, const dw_thing_query *q, dw_found *out)
{
    const int rc = list(c, conn, &teams, q, out);

    if (rc == DW_EDENIED)
        return dw_fail(c, rc,
                       "the token may not list teams; give the role of its owner the permission view_team");
    return rc;
}

/* A list of names: of those that are visible. */
static int list_tags(dw_call *c, dw_connection *conn, const dw_thing_query *q, dw_found *out)
{
    json_t *names;

    DW_TRY(ask_list(c, conn, "/api/tags", DW_LIST("name", q->id ? q->id : q->name), &names));
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (name)
            DW_TRY(dw_thing_add(out, .id = name, .name = name));
    }
    return dw_found_complete(out);
}

/* ---- making ---- */

static bool is_same(const dw_thing *wanted, const dw_thing *there)
{
    if (wanted->parent && (!there->parent || strcmp(wanted->parent, there->parent) != 0))
        return false;
    if (!wanted->parent && there->parent)
        return false;
    if (wanted->number)
        return there->number && strcmp(wanted->number, there->number) == 0;
    return there->name && strcmp(wanted->name, there->name) == 0;
}

/* Kimai takes the same customer a second time. So whoever asks again, after an answer that was lost, is told that it is there;
 * hidden ones count. Not for who has looked: of a customer with thousands of tickets that is a long list for each of them. */
static int refuse_double(dw_call *c, dw_connection *conn, const struct kind *kind, const dw_thing *wanted)
{
    const dw_thing_query q = { .parent = wanted->parent, .inactive = true };
    json_t *rows;

    DW_TRY(ask_rows(c, conn, kind, &q, &rows));
    for (size_t i = 0; i < json_array_size(rows); i++) {
        dw_thing there;
        dw_scope_begin(c);
        const int rc = read_thing(c, kind, json_array_get(rows, i), &there);
        const bool same = rc == 0 && is_same(wanted, &there);
        dw_scope_end(c);
        DW_TRY(rc);
        if (same)
            return dw_fail(c, DW_ECONFLICT, "Kimai has this already", "name", wanted->name, "number",
                           wanted->number ? wanted->number : "");
    }
    return 0;
}

static int look_at(dw_call *c, const struct kind *kind, dw_thing *wanted)
{
    const size_t n = text_length(wanted->name);

    if (n < NAME_LEAST)
        return dw_fail(c, DW_EINVALID, "names have two characters at least in Kimai", "name", wanted->name);
    if (n > NAME_MOST) /* a ticket's title may be longer, and is still one that people recognise */
        wanted->name = dw_copy(c, (dw_str){ wanted->name, text_bytes_of(wanted->name, NAME_MOST) });
    if (wanted->number && text_length(wanted->number) > kind->number_most)
        return dw_fail(c, DW_EINVALID, "this number is longer than Kimai takes", "number", wanted->number,
                       "most", (int64_t)kind->number_most);
    if (wanted->parent && !kimai_is_id(wanted->parent))
        return dw_fail(c, DW_EINVALID, "this is no id of Kimai's", "parent", wanted->parent);
    if (kind == &projects && !wanted->parent)
        return dw_fail(c, DW_EINVALID, "a project needs a customer in Kimai", "name", wanted->name);
    return 0;
}

static int refuse_make(dw_call *c, const struct kind *kind, const struct answer *a, int rc)
{
    char said[300];

    if (a->status == 403)
        return dw_fail(c, DW_EDENIED,
                       "the token may not make this; give the role of its owner the permission "
                       "create_customer, create_project or create_activity",
                       "path", kind->path);
    if (a->status == 404 && !a->foreign)
        return dw_fail(c, DW_EUPSTREAM,
                       "there is no Kimai at this address: it does not know what every Kimai has", "path",
                       kind->path);
    if (a->status != 400)
        return rc;
    refusal_text(a->body, said, sizeof(said));
    return dw_fail(c, DW_EINVALID, "Kimai refuses to make this", "path", kind->path, "kimai", said);
}

static int make(dw_call *c, dw_connection *conn, const struct kind *kind, const dw_thing *given,
                json_t *extra, dw_thing *made)
{
    dw_thing wanted = *given;
    struct answer a;
    json_t *body;
    int rc;

    DW_TRY(look_at(c, kind, &wanted));
    if (!wanted.looked)
        DW_TRY(not_yet(c, refuse_double(c, conn, kind, &wanted)));
    body = dw_json(c, "name", wanted.name, "visible", DW_TRUE);
    if (!body || json_object_update(body, extra) != 0 ||
        (wanted.number && json_object_set_new(body, "number", json_string(wanted.number)) != 0))
        return dw_fail(c, DW_ENOMEM, "no memory for a request, or a text that is not UTF-8");
    rc = tell(c, conn, "POST", kind->path, body, &a);
    if (rc < 0)
        return refuse_make(c, kind, &a, rc);
    if (read_thing(c, kind, a.body, made) < 0)
        return dw_fail(
            c, DW_EUNKNOWN,
            "Kimai may have made it, but answered something else; look there before it is tried again",
            "path", kind->path);
    return 0;
}

static int make_customer(dw_call *c, dw_connection *conn, const dw_thing *wanted, dw_thing *made)
{
    const struct kimai_settings *s = kimai_settings(conn);

    return make(c, conn, &customers, wanted,
                dw_json(c, "country", s->customer_country, "currency", s->customer_currency, "timezone",
                        s->customer_timezone, "language", s->customer_language),
                made);
}

/* An id as a number, as the contract wants it. */
static json_t *parent_of(dw_call *c, const char *member, const dw_thing *wanted)
{
    return kimai_is_id(wanted->parent) ? dw_json(c, member, (int64_t)strtoll(wanted->parent, NULL, 10))
                                       : dw_json_own(c, json_object());
}

static int make_project(dw_call *c, dw_connection *conn, const dw_thing *wanted, dw_thing *made)
{
    return make(c, conn, &projects, wanted, parent_of(c, "customer", wanted), made);
}

/* Without a project it is one for all of them. */
static int make_activity(dw_call *c, dw_connection *conn, const dw_thing *wanted, dw_thing *made)
{
    return make(c, conn, &activities, wanted, parent_of(c, "project", wanted), made);
}

static int make_tag(dw_call *c, dw_connection *conn, const dw_thing *wanted, dw_thing *made)
{
    DW_TRY(tag_make(c, conn, wanted->name));
    *made = (dw_thing){ .struct_size = sizeof(*made), .id = wanted->name, .name = wanted->name };
    return 0;
}

const dw_listing kimai_listings[] = {
    { .name = "customer", .title = "Customers", .list = list_customers, .make = make_customer },
    { .name = "project", .title = "Projects", .list = list_projects, .make = make_project },
    { .name = "activity", .title = "Activities", .list = list_activities, .make = make_activity },
    { .name = "user", .title = "Users", .list = list_users },
    { .name = "team", .title = "Teams", .list = list_teams },
    { .name = "tag", .title = "Tags", .list = list_tags, .make = make_tag },
    { 0 },
};
