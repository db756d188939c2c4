/* thread.h - how this module starts its threads. */
#ifndef CLIENT_THREAD_H
#define CLIENT_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* A thread that takes no signals but those of its own faults; OpenSSL's writes would raise SIGPIPE in it. `name` has at
 * most 15 characters. 0 or -1. */
int thread_start(pthread_t *out, const char *name, bool detached, void *(*run)(void *ud), void *ud);

#endif
