/* heap.h - memory that malloc keeps for later goes back to the system. */
#ifndef UTIL_HEAP_H
#define UTIL_HEAP_H

#include <stdint.h>

/* 1 where malloc is glibc's own: sanitizers bring another one. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define HEAP_IS_GLIBC 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define HEAP_IS_GLIBC 0
#endif
#endif
#ifndef HEAP_IS_GLIBC
#define HEAP_IS_GLIBC 1
#endif

/* After a piece of work that took so long: whatever it has freed goes back to the system, if the last time is some seconds ago.
 *
 * glibc gives each thread an arena, and takes an arena's pages back from its end only: one small thing that outlives a large
 * job keeps all below it, once for each thread that such a job ever ran on. Short work is left alone, as what it freed is what
 * the next one takes. Without glibc this does nothing. [any thread] */
void heap_rest(int64_t worked_us);

#endif
