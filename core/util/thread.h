/* thread.h - how every thread here is started. */
#ifndef UTIL_THREAD_H
#define UTIL_THREAD_H

#include <pthread.h>
#include <stdbool.h>

enum { THREAD_NAME_SIZE = 16 }; /* all that Linux keeps, with the NUL */

/* A thread that takes no signals from outside: they are the main thread's to handle, and a write to a peer that has gone
 * would raise SIGPIPE. Those that a thread raises by a fault of its own stay open: blocked, the kernel would end the
 * process without the handler that notes the crash. `name` is copied. 0, or -1 with errno. [any thread] */
int thread_start(pthread_t *out, const char *name, bool detached, void *(*run)(void *ud), void *ud);

#endif
