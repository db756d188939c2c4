/* known.h - what need not be asked again: who owns a token, and which tags are there. Shared by all calls of the process; by
 * credentials, so that a changed one is somebody else. Wrong about nothing that matters: an owner never changes, and a tag that
 * is gone again is noticed after writing. */
#ifndef KIMAI_KNOWN_H
#define KIMAI_KNOWN_H

#include <pthread.h>

#include "kimai.h"

enum { KNOWN_MAX = 1024, KNOWN_KEY = 33 };

struct known_entry {
    char key[KNOWN_KEY];
    char value[ID_MAX + 2];
};

/* The plugin's own state. */
struct kimai_self {
    pthread_mutex_t lock;
    struct known_entry known[KNOWN_MAX]; /* a ring: the oldest makes place */
    size_t next;
};

int known_init(dw_call *c);
void known_fini(dw_call *c);

/* The id of the user who the connection signs in as. */
int known_owner(dw_call *c, dw_connection *conn, const char **id);

bool known_tag(dw_call *c, dw_connection *conn, const char *name);
void known_tag_add(dw_call *c, dw_connection *conn, const char *name);
void known_tag_drop(dw_call *c, dw_connection *conn, const char *name);

#endif
