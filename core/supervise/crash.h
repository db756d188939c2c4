/* crash.h - the last words of a server process that ends by a fault of its own.
 *
 * SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT write a note: which version and generation, which signal and address,
 * which thread, inside of what (activity.h), and the backtrace. Then the signal takes its usual way, so that core dumps
 * and the exit status stay what they were. exit() from inside a piece of work is such a fault, too.
 *
 * With AddressSanitizer the note comes first and then its handlers run, which print their report and exit with 1; what it
 * finds without a signal (use after free) leaves a note through its death callback. UndefinedBehaviorSanitizer has none
 * that gcc's programs could set: what it finds ends the process with 1 and without a note. ThreadSanitizer's handlers for these
 * signals are replaced: its report of a crash would only say what the note says. */
#ifndef SUPERVISE_CRASH_H
#define SUPERVISE_CRASH_H

#include <stdint.h>

/* Takes fd, a file to write the note to; -1: crashes are marked in the table of activities, without a note. What the
 * process forks leaves no note. [main thread, once, before other threads] */
void crash_catch(int fd, uint64_t generation);

/* The process ends in order: from now on nothing is noted. [main thread] */
void crash_forget(void);

#endif
