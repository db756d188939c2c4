/* reply_rows.h - replies made of rows: their cells go straight to JSON text; see dowel/http.h. */
#ifndef PLUGIN_REPLY_ROWS_H
#define PLUGIN_REPLY_ROWS_H

#include "plugin/request.h"

int reply_row(dw_request *req, int status, dw_rows *rows);
int reply_rows(dw_request *req, int status, dw_rows *rows);
int reply_page(dw_call *c, dw_request *req, dw_list sql_and_values);

#endif
