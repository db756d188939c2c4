/* host_time.h - slots of the tables (dowel/call.h, dowel/jobs.h) that are about instants. [call] */
#ifndef PLUGIN_HOST_TIME_H
#define PLUGIN_HOST_TIME_H

#include <dowel/call.h>

int host_time_parse(dw_call *c, const char *text, dw_time *out);
const char *host_time_format(dw_call *c, dw_time t);
int host_time_parse_in(dw_call *c, const char *text, const char *zone_name, dw_time *out);
int host_time_format_in(dw_call *c, dw_time t, const char *zone_name, const char **out);
int host_when_next(dw_call *c, const char *text, const char *zone_name, dw_time after, dw_time *out);

#endif
