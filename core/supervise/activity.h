/* activity.h - what each thread of a server process is doing right now, in memory that outlives the process.
 *
 * The table is shared with the supervisor, which reads it after the process has died, also of SIGKILL; a watchdog in the
 * process reads it to find what overstays. In a process without a table (the command line, tests) all of this does
 * nothing. */
#ifndef SUPERVISE_ACTIVITY_H
#define SUPERVISE_ACTIVITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { ACTIVITY_OWNER_SIZE = 64, ACTIVITY_WHAT_SIZE = 128, ACTIVITY_THREADS = 256, ACTIVITY_LABELS = 4096 };

/* ---- by the threads of the server process ---- */

/* What a thread did before; kept on the stack of who entered. */
struct activity_frame {
    uint32_t label;
    int64_t since_us;
};

/* Names a piece of work: owner "notes", what "operation createNote". The same texts give the same label. 0 when there is
 * no table or no room: work without a label is charged to nobody. Texts are copied (cut if long). Takes a lock and
 * searches: for the start, not for each request. [any thread] */
uint32_t activity_label(const char *owner, const char *what);

/* That work may take so long by agreement: the watchdog's limits count from then on. [the thread that calls
 * activity_watch()] */
void activity_allow(uint32_t label, int64_t us);

/* The calling thread now does that, until the leave with the same frame. Nests: leave in reverse order. A few stores and
 * one clock reading, no lock. Threads beyond ACTIVITY_THREADS are not seen. [any thread] */
void activity_enter(struct activity_frame *outer, uint32_t label);
void activity_leave(const struct activity_frame *outer);

/* ---- by who watches ---- */

/* A thread and what it is inside of, innermost. Texts are copies: a process that has gone wrong may write anywhere, and
 * so also what it shares. */
struct activity_thread {
    char owner[ACTIVITY_OWNER_SIZE], what[ACTIVITY_WHAT_SIZE]; /* "": nobody's work */
    int64_t since_us;                                          /* monotonic, some milliseconds coarse */
    pid_t thread;
    bool
        is_changing; /* stopped between two stores, for good or for an instant: text and time may not belong together */
};

struct activity;

/* Every thread that is inside something. Start with *at = 0; false after the last one. [any thread of any process that
 * has the table] */
bool activity_next(const struct activity *a, size_t *at, struct activity_thread *out);

/* To be called about every second: warns in the log, once a stay, of each piece of work that has taken longer than
 * warn_us. True with the first that has taken longer than stuck_us. A limit of 0 is none. [one thread] */
bool activity_watch(int64_t warn_us, int64_t stuck_us, struct activity_thread *out);

/* The calling thread's own; false when it is inside nothing. [any thread, also in a signal handler] */
bool activity_own(struct activity_thread *out);

/* Marks the calling thread as the one whose fault ends the process; the first one counts. [any thread, also in a signal
 * handler] */
void activity_mark_crashed(void);

/* False when no thread was marked: the process was killed from outside, or has no handler. `out` has empty texts when the
 * thread was inside nothing. */
bool activity_crashed(const struct activity *a, struct activity_thread *out);

/* ---- tables ---- */

/* A new table and its descriptor (a memory file, close-on-exec, the caller's), made before fork(). 0 or -1 with errno. */
int activity_create(struct activity **out, int *fd);

/* One that another image of this program made; fd stays the caller's. -1 when it is none that this version can read. */
int activity_attach(struct activity **out, int fd);

/* Ends this process's view of it. NULL is safe. */
void activity_detach(struct activity *a);

/* From now on the process's own table; NULL: none. A child that this process forks has none. [main thread, while no
 * other thread is inside anything] */
void activity_adopt(struct activity *a);

/* A table for a process without a supervisor; keeps the one that there is. 0 or -1 with errno. [as activity_adopt] */
int activity_use_private(void);

/* The process's own table, or NULL. [any thread] */
const struct activity *activity_table(void);

#endif
