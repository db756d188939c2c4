/* check.h - can a connection work, and what will be missed? */
#ifndef ZAMMAD_CHECK_H
#define ZAMMAD_CHECK_H

#include <dowel/dowel.h>

int zammad_check(dw_call *c, dw_connection *conn, dw_checkup *out);

#endif
