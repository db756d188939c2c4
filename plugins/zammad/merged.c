#include "merged.h"

#include <string.h>

enum { WINDOW = 16 }; /* histories under way */

/* Who may see a ticket need not see its history or the list of states: then it is just not known. Only in Zammad's own words: what
 * a proxy refuses may be there. */
static bool is_refused(const struct desk *d, int rc)
{
    return (rc == DW_EDENIED || rc == DW_ENOTFOUND) && d->is_own;
}

static bool is_text(const json_t *json, const char *wanted)
{
    const char *text = json_string_value(json);

    return text && strcmp(text, wanted) == 0;
}

/* ---- states ---- */

static bool means_merged(const json_t *state)
{
    return is_text(json_object_get(state, "state_type"), "merged") ||
           is_text(json_object_get(state, "name"), "merged");
}

static void learn(struct strategy *way, const json_t *states)
{
    const json_t *state;
    size_t i, n = 0;

    json_array_foreach((json_t *)states, i, state)
    {
        int64_t id = row_id(json_object_get(state, "id"));
        if (id && n < STRATEGY_STATES_MAX && means_merged(state))
            way->merged_states[n++] = id;
    }
}

int merged_know(struct desk *d, struct strategy *way)
{
    json_t *answer;
    int rc;

    if (way->knows_states)
        return 0;
    rc = desk_ask(d, &answer, .path = "/api/v1/ticket_states", .query = DW_LIST("expand", "true"));
    if (rc < 0 && !is_refused(d, rc))
        return rc;
    memset(way->merged_states, 0, sizeof(way->merged_states));
    if (rc >= 0)
        learn(way, answer);
    way->knows_states = true;
    return 0;
}

bool merged_says(const int64_t *states, size_t max, const json_t *row)
{
    int64_t id = row_id(json_object_get(row, "state_id"));

    for (size_t i = 0; i < max && states[i]; i++)
        if (states[i] == id)
            return true;
    return is_text(json_object_get(row, "state"), "merged");
}

/* ---- into which ---- */

/* The last time that it was: {"history":[{"type":"merged_into","id_to":7,"value_to":"#22007"}]}. */
static int64_t in_history(const json_t *answer)
{
    json_t *lines = json_is_array(answer) ? (json_t *)answer : json_object_get(answer, "history"), *line;
    int64_t found = 0;
    size_t i;

    json_array_foreach(lines, i, line)
    {
        int64_t to = row_id(json_object_get(line, "id_to"));
        if (!is_text(json_object_get(line, "type"), "merged_into"))
            continue;
        if (to == 0)
            to = row_id(json_object_get(line, "value_to"));
        found = to ? to : found;
    }
    return found;
}

/* {"links":[{"link_type":"parent","link_object":"Ticket","link_object_value":7}]}. Two parents: nobody knows which. */
static int64_t in_links(const json_t *answer)
{
    json_t *links = json_object_get(answer, "links"), *link;
    int64_t found = 0;
    size_t i;

    json_array_foreach(links, i, link)
    {
        int64_t to = row_id(json_object_get(link, "link_object_value"));
        if (!is_text(json_object_get(link, "link_type"), "parent") ||
            !is_text(json_object_get(link, "link_object"), "Ticket") || to == 0)
            continue;
        if (found && found != to)
            return 0;
        found = to;
    }
    return found;
}

static int ask_links(struct desk *d, int64_t ticket, int64_t *target)
{
    json_t *answer;
    int rc = desk_ask(d, &answer, .path = "/api/v1/links",
                      .query = DW_LIST("link_object", "Ticket", "link_object_value", ticket));

    if (rc < 0)
        return is_refused(d, rc) ? 0 : rc;
    *target = in_links(answer);
    return 0;
}

/* At most WINDOW of them. */
static int ask_histories(struct desk *d, const int64_t *tickets, size_t n, int64_t *targets)
{
    struct ask asks[WINDOW];
    dw_fetching *under_way[WINDOW] = { 0 };
    json_t *answer;

    for (size_t i = 0; i < n; i++) {
        asks[i] = (struct ask){ .path = desk_path(d, "/api/v1/ticket_history", tickets[i], "") };
        DW_TRY(desk_start(d, &under_way[i], &asks[i]));
    }
    for (size_t i = 0; i < n; i++) {
        int rc = desk_take(d, under_way[i], &asks[i], &answer);
        if (rc < 0 && !is_refused(d, rc))
            return rc;
        targets[i] = rc < 0 ? 0 : in_history(answer);
    }
    return 0;
}

static int ask_some(struct desk *d, const int64_t *tickets, size_t n, int64_t *targets)
{
    DW_TRY(ask_histories(d, tickets, n, targets));
    for (size_t i = 0; i < n; i++)
        if (targets[i] == 0)
            DW_TRY(ask_links(d, tickets[i], &targets[i]));
    return 0;
}

int merged_targets(struct desk *d, const int64_t *tickets, size_t n, int64_t *targets)
{
    int rc = 0;

    for (size_t i = 0; rc >= 0 && i < n; i += WINDOW) {
        dw_scope_begin(d->c);
        rc = ask_some(d, tickets + i, n - i < WINDOW ? n - i : WINDOW, targets + i);
        dw_scope_end(d->c);
    }
    return rc;
}
