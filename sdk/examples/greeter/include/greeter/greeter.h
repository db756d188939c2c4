/* greeter.h - what the plugin greeter does for other plugins. Needs "greeter>=1.0". */
#ifndef GREETER_GREETER_H
#define GREETER_GREETER_H

#include <dowel/hook.h>

/* New members are only ever added at the end; struct_size tells greeter which of them the asker knows. */
struct greeter_greet {
    uint32_t struct_size;
    const char *name;     /* in: whom */
    const char *greeting; /* out: lives as long as the asker's call */
};

/* 0 and q->greeting; DW_EINVALID without a name, DW_EUNAVAILABLE when there is no greeter. [call] */
static inline int greeter_greet(dw_call *c, struct greeter_greet *q)
{
    q->struct_size = (uint32_t)sizeof(*q);
    return dw_service_ask(c, "greeter.greet/1", q);
}

#endif
