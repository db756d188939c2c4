/* door.h - for plugins that answer the hook "door.may_enter": 1 lets in, 0 leaves it to others, DW_EDENIED keeps out. */
#ifndef DOOR_DOOR_H
#define DOOR_DOOR_H

#include <dowel/hook.h>

struct door_may_enter {
    uint32_t struct_size;
    const char *name; /* who wants to come in */
    const char *by;   /* out, with 1: by whose leave */
};

#endif
