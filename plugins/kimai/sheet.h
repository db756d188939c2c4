/* sheet.h - timesheets: from Kimai's JSON, and into it. */
#ifndef KIMAI_SHEET_H
#define KIMAI_SHEET_H

#include "kimai.h"

/* Texts are the call's or borrowed from the JSON. DW_EUPSTREAM for what cannot be one. */
int sheet_read(dw_call *c, const json_t *json, dw_timesheet *out);

/* Asks for one. DW_ENOTFOUND. */
int sheet_get(dw_call *c, dw_connection *conn, const char *id, dw_timesheet *out);

/* Has it all of these tags? Kimai does not tell a from A. */
bool sheet_has_tags(const dw_timesheet *sheet, dw_texts tags);

/* What has to be said so that `from` (NULL: nothing, it is made) becomes `wanted`: only keys that differ, because each one that
 * a token may not set makes Kimai refuse all of them, and an unchanged project is not looked at again. owner: whose the
 * connection is, whom Kimai takes if no user is said. DW_EINVALID. */
int sheet_body(dw_call *c, const dw_timesheet *wanted, const dw_timesheet *from, const char *owner,
               json_t **out);

#endif
