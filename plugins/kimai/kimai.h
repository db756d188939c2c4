/* kimai.h - the connector of kind "kimai": its settings, and what its files share. */
#ifndef KIMAI_H
#define KIMAI_H

#include <dowel/dowel.h>

enum { ID_MAX = 18 }; /* digits that fit an int64_t for sure */

struct kimai_settings {
    const char *base_url;
    dw_secret token;
    const char *legacy_user;
    dw_secret legacy_token;
    const char *customer_country, *customer_currency, *customer_timezone, *customer_language;
    int64_t page_size;
};

static inline const struct kimai_settings *kimai_settings(dw_connection *conn)
{
    return dw_connection_settings(conn);
}

extern const dw_listing kimai_listings[]; /* things.c */

int kimai_check(dw_call *c, dw_connection *conn, dw_checkup *out);                               /* check.c */
int kimai_list(dw_call *c, dw_connection *conn, const dw_timesheet_query *query, dw_found *out); /* list.c */
int kimai_write(dw_call *c, dw_connection *conn, const dw_timesheet *wanted,
                dw_timesheet *stored); /* write.c */
int kimai_remove(dw_call *c, dw_connection *conn, const char *id);

/* Is it an id of Kimai's: a number above zero? Whatever else stands there belongs into no path. */
bool kimai_is_id(const char *id);

#endif
