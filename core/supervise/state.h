/* state.h - the supervisor's own state, shared by its files: supervisor.c (the loop and what it is asked), addresses.c
 * (which sockets are open for whom), generations.c (the life of a generation), crashes.c (its bad end) and upgrade.c
 * (changing the program).
 * [the supervisor's one thread] */
#ifndef SUPERVISE_STATE_H
#define SUPERVISE_STATE_H

#include "supervise/activation.h"
#include "supervise/activity.h"
#include "supervise/channel.h"
#include "supervise/control.h"
#include "supervise/notify.h"
#include "supervise/supervisor.h"

enum { GENERATIONS_MAX = 16, ADDRESSES_MAX = 32 };

#define SUPERVISOR_NEVER INT64_MAX

enum phase {
    /* An interface between versions, as they are handed over by number: add at the end. */
    PHASE_FREE,
    PHASE_STARTING, /* not ready yet */
    PHASE_SERVING,
    PHASE_DRAINING, /* was told to end when its connections have */
    PHASE_ENDING    /* was told to end at once; SIGKILL at the deadline */
};

struct child {
    enum phase phase;
    pid_t pid;
    int channel; /* -1 once the other end has gone */
    uint64_t number;
    int64_t started_us, heartbeat_us;
    int64_t deadline_us; /* of the phase */
    bool hung;
    bool wants_alone;          /* not ready yet, and waits for all others to end */
    bool stuck;                /* has said so; serves until the next one does */
    struct activity *activity; /* what its threads are doing; NULL: not known */
    int activity_fd;           /* of that, for the next image of this program; -1: none */
    int64_t oom_kills;         /* when it began; -1: not known */
    int failed_exit;           /* what it said about not becoming ready; 0: nothing */
    struct buf failed_text;
};

/* An address that somebody listens on, or will, or still does. */
struct address_slot {
    struct socket_set set; /* set.n == 0: a free slot */
    bool wanted;           /* by the setup in use */
    bool wanted_next;      /* by the one that is being tried */
    bool announced;
    uint32_t users; /* bit i: children[i] may be accepting on it */
};

/* What a control client waits for. */
enum waits_for {
    WAITS_NOTHING,
    WAITS_NEXT_RELOAD,
    WAITS_RELOAD,
    WAITS_UPGRADE_CHECK,
    WAITS_STOP,
    WAITS_CLOSED /* the new generation serves, the one before it may still accept */
};

struct upgrade {
    char *program; /* absolute path; NULL: no upgrade possible */
    pid_t pid;     /* of the trial run; 0: none */
    int output;    /* of the trial run; -1: none */
    int64_t deadline_us;
    bool proven; /* execute it as soon as no generation is starting */
    bool timed_out;
    char said[256];
    size_t said_n;
};

struct supervisor {
    const struct supervisor_options *options;
    int lock, signals;
    bool activated; /* systemd's sockets instead of the configured ones */
    bool has_terminal;
    struct notify notify;
    struct control control;
    struct upgrade upgrade;

    struct address_slot addresses[ADDRESSES_MAX];
    struct child children[GENERATIONS_MAX];
    struct child *current; /* serving; NULL while there is none */
    struct child *next;    /* starting; NULL while none is */
    struct child *former;  /* was told to drain, and has not yet said that it accepts no more; NULL: none */
    int64_t former_us;     /* how long that is waited for */
    uint64_t last_number;

    bool has_setup, has_next_setup;
    struct supervisor_setup setup, next_setup;

    bool ever_ready;
    bool reload_wanted;
    int64_t restart_us;      /* when to replace a crashed generation; SUPERVISOR_NEVER: nothing to replace */
    int64_t restart_wait_us; /* how long that was from the crash */
    unsigned crashes;        /* in a row */

    bool stopping, stopping_now;
    int exit_code;
    int64_t watchdog_us; /* when to tell systemd next */
};

/* ---- addresses.c ---- */

/* Opens what setup listens on beside what is open already, and marks it as wanted next. 0, or -1 with why; nothing is
 * marked then. */
int addresses_prepare(struct supervisor *s, struct supervisor_setup *setup, struct buf *why);

/* What was wanted next is what is wanted, or is forgotten. */
void addresses_commit(struct supervisor *s);
void addresses_rollback(struct supervisor *s);

/* Takes systemd's sockets. 0, or -1 with why. */
int addresses_activate(struct supervisor *s, struct buf *why);

/* The address that setup's spec is served by; NULL: none. */
struct address_slot *addresses_find(struct supervisor *s, const struct listen_spec *spec);

/* Child `slot` accepts no more on any. */
void addresses_leave(struct supervisor *s, size_t slot);

/* Ends listening where nobody wants to and nobody accepts. */
void addresses_release(struct supervisor *s);
void addresses_close(struct supervisor *s);

/* "listening on http://127.0.0.1:8000", once an address, on standard output at the first start and in the log later. */
void addresses_announce(struct supervisor *s, bool on_stdout);

/* ---- generations.c ---- */

/* Reads the configuration and tries it in a new generation, which takes over when it is ready. */
void generations_reload(struct supervisor *s);

/* Starts a generation with the configuration in use. */
void generations_restart(struct supervisor *s);
void generations_stop(struct supervisor *s, bool at_once);
bool generations_living(const struct supervisor *s);

/* Answers those whose reload is done. */
void generations_answer_reload(struct supervisor *s);
struct child *generations_free_slot(struct supervisor *s);

void generations_receive(struct supervisor *s, struct child *c);
void generations_ended(struct supervisor *s, pid_t pid, int status);
int64_t generations_deadline(const struct supervisor *s);
void generations_expire(struct supervisor *s, int64_t now_us);

/* ---- crashes.c ---- */

/* Of a generation that has ended, or that overstays. */
struct crash {
    const struct child *child;
    int status; /* as waitpid() gave it; 0 while it lives */
    enum supervisor_end how;
    bool is_crash;                /* else it was asked to end, or could not begin and said why */
    struct activity_thread owner; /* whose fault it was; owner[0] == 0: nobody's */
    void *config;
};

/* Before fork(): what a crash will be judged by. */
void crashes_prepare(struct child *c);

/* After its end. */
void crashes_judge(const struct supervisor *s, const struct child *c, int status, struct crash *out);

/* "was killed by signal 11 (Segmentation fault) in notes, operation createNote"; owner may be NULL */
void crashes_describe(int status, const struct activity_thread *owner, char *out, size_t size);

/* Writes the note, logs, tells the hook. */
void crashes_report(struct supervisor *s, const struct crash *crash, int64_t restart_us);

/* The same for one that lives on. */
void crashes_report_stuck(struct supervisor *s, const struct child *c, const struct activity_thread *owner,
                          int64_t restart_us);

/* True when all that its threads are inside of is one owner's, who may be charged. */
bool crashes_find_owner(const struct child *c, struct activity_thread *out);

/* Gives back what crashes_prepare() took; what was noted and not reported is forgotten. */
void crashes_finish(const struct supervisor *s, struct child *c);

/* In the child, does not come back: generation.c. */
DW_NORETURN void generation_main(struct supervisor *s, struct child *self, int channel,
                                 const struct supervisor_setup *setup);

/* ---- upgrade.c ---- */

void upgrade_init(struct upgrade *u, char **argv);
void upgrade_finish(struct upgrade *u);

/* Runs "PROGRAM version"; when that works, and no generation is starting, the supervisor executes it. */
void upgrade_begin(struct supervisor *s);
void upgrade_read(struct supervisor *s);
bool upgrade_ended(struct supervisor *s, pid_t pid, int status);
void upgrade_expire(struct supervisor *s, int64_t now_us);

/* Does not come back when it succeeds. */
void upgrade_execute(struct supervisor *s);

/* What the image before this one left. 1 when there was one, 0 when not, -1 with why. */
int upgrade_take_over(struct supervisor *s, struct buf *why);

/* ---- supervisor.c ---- */

json_t *supervisor_refusal(int exit_code, const char *text);

#endif
