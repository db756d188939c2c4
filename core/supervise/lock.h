/* lock.h - one server a data directory: data/dowel.lock, held with flock(2) and so given back however we end. */
#ifndef SUPERVISE_LOCK_H
#define SUPERVISE_LOCK_H

#include <sys/types.h>

#include "util/buf.h"

/* Takes the lock without waiting and writes our pid into it. 0 with *out, a descriptor (close-on-exec, the
 * caller's), or -1 with a sentence added to why, naming the holder. */
int data_lock(const char *data_dir, int *out, struct buf *why);

/* Who holds it: 0 when it is free or there is none, else the pid, -1 when it cannot be read. */
pid_t data_lock_holder(const char *data_dir);

#endif
