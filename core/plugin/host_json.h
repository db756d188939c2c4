/* host_json.h - the slots of dw_call_api that are about JSON, for host_call.c. */
#ifndef PLUGIN_HOST_JSON_H
#define PLUGIN_HOST_JSON_H

#include <dowel/call.h>

json_t *host_json_own(dw_call *c, json_t *json);
int host_json_parse(dw_call *c, dw_str text, json_t **out);
int host_json_read(dw_call *c, const json_t *object, dw_list pairs);
json_t *host_json_object(dw_call *c, dw_list pairs);
json_t *host_json_array(dw_call *c, dw_list values);

#endif
