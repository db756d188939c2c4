/* crash.h - the last words of a server process that ends by a fault of its own.
 *
 * SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT write a note: which version and generation, which signal and address,
 * which thread, inside of what (activity.h), and the backtrace. Then the signal takes its usual way, so that core dumps
 * and the exit status stay what they were. exit() from inside a piece of work is such a fault, too.
 *
 * In a program built with a sanitizer the note comes first and then the sanitizer's handlers run, which print their
 * report and end the process with an exit code (AddressSanitizer: 1, ThreadSanitizer: 66). What AddressSanitizer finds
 * without a signal (use after free) leaves a note through its death callback. UndefinedBehaviorSanitizer has none that
 * gcc's programs could set: what it finds ends the process with 1 and without a note. */
#ifndef SUPERVISE_CRASH_H
#define SUPERVISE_CRASH_H

#include <stdint.h>

/* Takes fd, a file to write the note to; -1: crashes are marked in the table of activities, without a note. What the
 * process forks leaves no note. [main thread, once, before other threads] */
void crash_catch(int fd, uint64_t generation);

/* The process ends in order: from now on nothing is noted. [main thread] */
void crash_forget(void);

#endif
