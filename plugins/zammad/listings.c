#include "listings.h"

#include <inttypes.h>
#include <string.h>

#include "merged.h"
#include "pages.h"

/* ---- rows become things ---- */

struct giving;

/* One kind of rows. */
struct kind {
    const char *path;  /* "/api/v1/users" */
    const char *model; /* "User" */
    bool searchable;   /* by path/search */
    bool single;       /* by path/ID */
    unsigned per_page;
    int (*give)(struct desk *d, const struct giving *g, const json_t *row);
};

struct giving {
    const struct kind *kind;
    dw_found *out;
    const struct strategy *way;
};

static const char *text_in(const json_t *row, const char *name)
{
    return row_text(json_object_get(row, name));
}

static const char *id_in(struct desk *d, const json_t *row, const char *name)
{
    int64_t id = row_id(json_object_get(row, name));

    return id ? dw_format(d->c, "%" PRId64, id) : NULL;
}

static bool is_inactive(const json_t *row)
{
    return json_is_false(json_object_get(row, "active"));
}

static const char *full_name(struct desk *d, const json_t *row)
{
    const char *first = text_in(row, "firstname"), *last = text_in(row, "lastname"),
               *login = text_in(row, "login");

    if (first && last)
        return dw_format(d->c, "%s %s", first, last);
    if (first || last)
        return first ? first : last;
    return login ? login : text_in(row, "email");
}

static int give_user(struct desk *d, const struct giving *g, const json_t *row)
{
    const char *id = id_in(d, row, "id"), *name = full_name(d, row);

    if (!id || strcmp(id, "1") == 0) /* the system itself */
        return 0;
    return dw_thing_add(g->out, .id = id, .name = name ? name : id, .number = text_in(row, "login"),
                        .email = text_in(row, "email"), .parent = id_in(d, row, "organization_id"),
                        .inactive = is_inactive(row));
}

static int give_named(struct desk *d, const struct giving *g, const json_t *row)
{
    const char *id = id_in(d, row, "id"), *name = text_in(row, "name");

    return id ? dw_thing_add(g->out, .id = id, .name = name ? name : id, .inactive = is_inactive(row)) : 0;
}

/* Only what was merged is of no use any more: on a closed ticket time is booked as on any other. */
static int give_ticket(struct desk *d, const struct giving *g, const json_t *row)
{
    const char *id = id_in(d, row, "id"), *title = text_in(row, "title");

    if (!id)
        return 0;
    return dw_thing_add(g->out, .id = id, .name = title ? title : id, .number = text_in(row, "number"),
                        .parent = id_in(d, row, "organization_id"),
                        .inactive = merged_says(g->way->merged_states, STRATEGY_STATES_MAX, row));
}

static const struct kind users = { "/api/v1/users", "User", true, true, 500, give_user };
static const struct kind organizations = {
    "/api/v1/organizations", "Organization", true, true, 500, give_named
};
static const struct kind groups = { "/api/v1/groups", "Group", false, true, 500, give_named };
static const struct kind tickets = { "/api/v1/tickets", "Ticket", true, true, 100, give_ticket };
static const struct kind types = {
    "/api/v1/time_accounting/types", "TicketTimeAccountingType", false, false, 500, give_named
};
static const struct kind tags = { "/api/v1/tag_list", "Tag", false, false, 500, give_named };

/* ---- asking ---- */

static int give_rows(struct desk *d, const json_t *rows, void *ud)
{
    const struct giving *g = ud;
    const json_t *row;
    size_t i;

    json_array_foreach((json_t *)rows, i, row) DW_TRY(g->kind->give(d, g, row));
    return 0;
}

static int list_one(struct desk *d, struct giving *g, const char *text)
{
    int64_t id = row_id(dw_json_own(d->c, json_string(text)));
    json_t *row;
    int rc;

    if (id == 0)
        return 0;
    rc = desk_ask(d, &row, .path = desk_path(d, g->kind->path, id, ""), .query = DW_LIST("expand", "true"));
    if (rc == DW_ENOTFOUND && d->is_own)
        return 0;
    DW_TRY(rc);
    return g->kind->give(d, g, row);
}

/* What Elasticsearch would take for operators, and a database for something to be found as it stands. */
static bool has_operators(const char *text)
{
    return text[strcspn(text, "+-=&|><!(){}[]^\"~*?:\\/")] != 0;
}

/* Of tickets there may be very many: they are searched whatever is typed. */
static bool is_for_search(const struct kind *kind, const char *words)
{
    return words && kind->searchable && (kind == &tickets || !has_operators(words));
}

/* What Zammad finds is more than enough, the host picks from it; where it cannot search, all is given. */
static int list_many(struct desk *d, struct giving *g, const char *words)
{
    bool search = is_for_search(g->kind, words);
    unsigned largest = 0;
    const struct pages pages = { .path = search ? dw_format(d->c, "%s/search", g->kind->path) : g->kind->path,
                                 .query = DW_LIST("expand", "true", "query", search ? words : NULL),
                                 .model = g->kind->model,
                                 .per_page = g->kind->per_page,
                                 .largest = &largest };

    return pages_forward(d, &pages, give_rows, g, NULL);
}

/* A name is compared exactly, which no search does: two of them may be found by the same words, and none by its own. */
static const char *words_of(const struct kind *kind, const dw_thing_query *q)
{
    if (q->term)
        return q->term;
    if (q->email)
        return q->email;
    return kind == &tickets ? q->number : NULL;
}

static int list(dw_call *c, dw_connection *conn, const struct kind *kind, const dw_thing_query *query,
                dw_found *out)
{
    struct strategy way;
    struct giving g = { kind, out, &way };
    struct desk d;

    DW_TRY(desk_open(&d, c, conn));
    way = strategy_of(&d);
    if (kind == &tickets)
        DW_TRY(merged_know(&d, &way));
    if (query && query->id && kind->single)
        DW_TRY(list_one(&d, &g, query->id));
    else
        DW_TRY(list_many(&d, &g, query ? words_of(kind, query) : NULL));
    return dw_found_complete(out);
}

/* ---- the listings ---- */

static int list_users(dw_call *c, dw_connection *conn, const dw_thing_query *query, dw_found *out)
{
    return list(c, conn, &users, query, out);
}

static int list_organizations(dw_call *c, dw_connection *conn, const dw_thing_query *query, dw_found *out)
{
    return list(c, conn, &organizations, query, out);
}

static int list_groups(dw_call *c, dw_connection *conn, const dw_thing_query *query, dw_found *out)
{
    return list(c, conn, &groups, query, out);
}

static int list_tickets(dw_call *c, dw_connection *conn, const dw_thing_query *query, dw_found *out)
{
    return list(c, conn, &tickets, query, out);
}

static int list_types(dw_call *c, dw_connection *conn, const dw_thing_query *query, dw_found *out)
{
    return list(c, conn, &types, query, out);
}

static int list_tags(dw_call *c, dw_connection *conn, const dw_thing_query *query, dw_found *out)
{
    return list(c, conn, &tags, query, out);
}

const dw_listing zammad_listings[] = {
    { .name = "user", .title = "Users", .list = list_users },
    { .name = "organization", .title = "Organizations", .list = list_organizations },
    { .name = "group", .title = "Groups", .list = list_groups },
    { .name = "ticket", .title = "Tickets", .list = list_tickets },
    { .name = "activity", .title = "Activity types", .list = list_types },
    { .name = "tag", .title = "Tags", .list = list_tags },
    { 0 },
};
