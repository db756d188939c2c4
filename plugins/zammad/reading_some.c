/* reading_some.c - what is booked on some tickets: a list for each. */
#include <string.h>

#include "explain.h"
#include "pages.h"
#include "reading.h"

enum { WINDOW = 16 }; /* tickets under way */

/* ---- a ticket that cannot be read ---- */

/* "Couldn't find Ticket with 'id'=50"; where Zammad tells this user no more, "Error ID x1y2z3: ...". */
static bool says_gone(const struct desk *d)
{
    return d->is_own && (strncmp(d->said, "Couldn't find", 13) == 0 || strncmp(d->said, "Error ID", 8) == 0);
}

/* Only Zammad's own words count: a proxy's 404, another program's ({"error":"Not Found"}), or a version without this list would
 * otherwise look like tickets that are all gone, and with them what was booked. */
static int is_gone(struct desk *d, int64_t ticket)
{
    json_t *answer;
    int rc = desk_ask(d, &answer, .path = desk_path(d, "/api/v1/tickets", ticket, ""));

    if (rc == DW_ENOTFOUND && says_gone(d))
        return 1;
    if (rc == DW_ENOTFOUND)
        return dw_fail(d->c, DW_EUPSTREAM,
                       "what answers there is not Zammad, which would say otherwise that it does not have "
                       "this ticket; is "
                       "base_url right, and Zammad up behind its proxy?",
                       "ticket", ticket, "said", d->said);
    return rc < 0 && rc != DW_EDENIED ? rc : 0;
}

/* 404: it was deleted, or this version has no such list. 500: some versions of 2023 for a ticket that was deleted. 403: it can
 * be seen but not changed, which Zammad wants for this list: the others are read, and at the end it is said. */
static int cope(struct reading *r, int64_t ticket, const char *path, int rc)
{
    const char *said = dw_format(r->d->c, "%s", r->d->said);
    int status = r->d->status;

    if (rc == DW_EDENIED) {
        r->refused = r->refused ? r->refused : ticket;
        r->refused_n++;
        return 0;
    }
    if (status != 404 && status != 500)
        return rc;
    int gone = is_gone(r->d, ticket);
    if (gone != 0)
        return gone < 0 ? gone : 0;
    if (status == 500)
        return explain_broken(r->d, rc, path, status, said);
    return dw_fail(
        r->d->c, DW_EUPSTREAM,
        "Zammad does not give the booked time of a ticket that is there; versions before 6.1 cannot",
        "ticket", ticket);
}

/* ---- one ticket ---- */

static struct pages list_of(struct reading *r, int64_t ticket)
{
    return (struct pages){ .path = desk_path(r->d, "/api/v1/tickets", ticket, "/time_accountings"),
                           .model = "TicketTimeAccounting",
                           .per_page = READING_TICKET_PAGE,
                           .largest = &r->way.rows };
}

static int see(struct desk *d, const json_t *rows, void *ud)
{
    (void)d;
    return reading_give(ud, rows);
}

/* Behind a first page of n rows: nothing, if more than n came on one page before (also of tickets, of which no version gives
 * more at once than of booked time); else until an empty page, and then the slow
 * way back, which misses nothing. */
static int read_rest(struct reading *r, struct pages pages, size_t n)
{
    const dw_list query = DW_LIST("expand", r->query->ids_only ? NULL : "true");
    unsigned count = 0;

    if (n == 0 || n < r->way.rows)
        return 0;
    pages.first = 2;
    pages.query = query;
    DW_TRY(pages_forward(r->d, &pages, see, r, &count));
    return count ? pages_backward(r->d, &pages, count + 1, see, r) : 0;
}

static int take(struct reading *r, int64_t ticket, dw_fetching *under_way)
{
    struct pages pages = list_of(r, ticket);
    const json_t *rows;
    json_t *answer;
    int rc = desk_take(r->d, under_way, &(struct ask){ .path = pages.path }, &answer);

    if (rc < 0)
        return cope(r, ticket, pages.path, rc);
    DW_TRY(pages_rows(r->d, answer, pages.model, pages.path, &rows));
    DW_TRY(reading_give(r, rows));
    return read_rest(r, pages, json_array_size(rows));
}

/* ---- some ---- */

static int start(struct reading *r, int64_t ticket, dw_fetching **out)
{
    const char *expand = r->query->ids_only ? NULL : "true";

    return desk_start(
        r->d, out,
        &(struct ask){ .path = list_of(r, ticket).path,
                       .query = DW_LIST("expand", expand, "page", 1, "per_page", READING_TICKET_PAGE) });
}

static int read_window(struct reading *r, const int64_t *tickets, size_t n)
{
    dw_fetching *under_way[WINDOW] = { 0 };

    for (size_t i = 0; i < n; i++)
        DW_TRY(start(r, tickets[i], &under_way[i]));
    for (size_t i = 0; i < n; i++)
        DW_TRY(take(r, tickets[i], under_way[i]));
    return 0;
}

int reading_some(struct reading *r, const int64_t *tickets, size_t n)
{
    int rc = 0;

    for (size_t i = 0; rc >= 0 && i < n; i += WINDOW) {
        dw_scope_begin(r->d->c);
        rc = read_window(r, tickets + i, n - i < WINDOW ? n - i : WINDOW);
        dw_scope_end(r->d->c);
    }
    return rc;
}
