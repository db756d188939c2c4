/* thread.h - how every thread here is started. */
#ifndef UTIL_THREAD_H
#define UTIL_THREAD_H

#include <pthread.h>
#include <stdbool.h>

enum { THREAD_NAME_SIZE = 16 }; /* all that Linux keeps, with the NUL */

/* A thread that takes no signals from outside: they are the main thread's to handle, and a write to a peer that has gone
 * would raise SIGPIPE. Those that a thread raises by a fault of its own stay open: blocked, the kernel would end the
 * process without the handler that notes the crash, which has a stack of its own (see below). `name` is copied, and cut
 * if long. 0, or -1 with errno. [any thread] */
int thread_start(pthread_t *out, const char *name, bool detached, void *(*run)(void *ud), void *ud);

/* Gives the calling thread a stack for signal handlers, freed when it ends: where its own has overflowed, no handler
 * could run. For threads that thread_start() did not start; one that has such a stack keeps it. Cheap after the first
 * time. Without memory for it there is none, and an overflow ends the process without a word of its own. [any thread] */
void thread_signal_stack(void);

#endif
