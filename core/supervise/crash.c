#include "supervise/crash.h"

#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "supervise/activity.h"
#include "util/clock.h"
#include "util/compiler.h"
#include "util/thread.h"

/* NEAR_STACK: a fault that close to the stack pointer is an overflow, and no stray pointer. NOTE_SECONDS: another thread
 * may hold a lock that the backtrace needs, and never give it back. */
enum { FRAMES = 64, NEAR_STACK = 64 * 1024, NOTE_SECONDS = 10 };

static const struct {
    int number;
    const char *name;
} faults[] = { { SIGSEGV, "SIGSEGV" },
               { SIGBUS, "SIGBUS" },
               { SIGFPE, "SIGFPE" },
               { SIGILL, "SIGILL" },
               { SIGABRT, "SIGABRT" } };

static struct {
    int fd;
    _Atomic pid_t pid; /* of the process that notes; 0: none */
    uint64_t generation;
    struct sigaction before[DW_COUNT_OF(faults)];
    _Atomic pid_t writer; /* the thread that writes; there is one note a process */
} notes = { .fd = -1 };

/* ---- text, with nothing that is not allowed in a signal handler ---- */

struct words {
    char text[1024];
    size_t n;
};

static void add(struct words *w, const char *text)
{
    for (; *text && w->n < sizeof(w->text); text++)
        w->text[w->n++] = *text;
}

static void add_in_base(struct words *w, uint64_t value, unsigned base, unsigned digits)
{
    char reversed[24];
    unsigned n = 0;

    for (; value > 0 || n < digits; value /= base)
        reversed[n++] = "0123456789abcdef"[value % base];
    while (n > 0 && w->n < sizeof(w->text))
        w->text[w->n++] = reversed[--n];
}

static void add_number(struct words *w, int64_t value)
{
    if (value < 0)
        add(w, "-");
    add_in_base(w, value < 0 ? (uint64_t)-value : (uint64_t)value, 10, 1);
}

static unsigned days_of_year(unsigned year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 366 : 365;
}

/* gmtime_r() may take a lock. */
static void add_time(struct words *w, uint64_t seconds)
{
    static const unsigned char lengths[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    uint64_t day = seconds / 86400, rest = seconds % 86400;
    unsigned year = 1970, month = 0;

    for (; day >= days_of_year(year); year++)
        day -= days_of_year(year);
    for (; month < 11; month++) {
        unsigned length = lengths[month] + (month == 1 ? days_of_year(year) - 365 : 0);
        if (day < length)
            break;
        day -= length;
    }
    const struct {
        uint64_t value;
        unsigned digits;
        const char *after;
    } parts[] = { { year, 4, "-" },        { month + 1, 2, "-" },      { day + 1, 2, "T" },
                  { rest / 3600, 2, ":" }, { rest / 60 % 60, 2, ":" }, { rest % 60, 2, "Z" } };
    for (size_t i = 0; i < DW_COUNT_OF(parts); i++) {
        add_in_base(w, parts[i].value, 10, parts[i].digits);
        add(w, parts[i].after);
    }
}

static void add_span(struct words *w, int64_t us)
{
    uint64_t ms = us > 0 ? (uint64_t)us / CLOCK_MS : 0;

    add_in_base(w, ms / 1000, 10, 1);
    add(w, ".");
    add_in_base(w, ms % 1000, 10, 3);
    add(w, " s");
}

static void put(const struct words *w)
{
    size_t done = 0;

    while (done < w->n) {
        ssize_t n = write(notes.fd, w->text + done, w->n - done);
        if (n < 0 && errno != EINTR)
            return;
        done += n > 0 ? (size_t)n : 0;
    }
}

/* ---- what is noted ---- */

static const char *meaning(const siginfo_t *info)
{
    static const struct {
        int number, code;
        const char *text;
    } meanings[] = {
        { SIGSEGV, SEGV_MAPERR, "nothing is mapped there" },
        { SIGSEGV, SEGV_ACCERR, "not allowed there" },
        { SIGBUS, BUS_ADRALN, "not aligned" },
        { SIGBUS, BUS_ADRERR, "beyond the end of a mapped file" },
        { SIGFPE, FPE_INTDIV, "integer division by zero" },
        { SIGFPE, FPE_INTOVF, "integer overflow" },
        { SIGFPE, FPE_FLTDIV, "division by zero" },
        { SIGILL, ILL_ILLOPC, "no such instruction" },
        { SIGILL, ILL_ILLOPN, "no such operand" },
    };

    for (size_t i = 0; i < DW_COUNT_OF(meanings); i++) {
        if (meanings[i].number == info->si_signo && meanings[i].code == info->si_code)
            return meanings[i].text;
    }
    return NULL;
}

static uintptr_t stack_pointer(const void *context)
{
    const ucontext_t *c = context;
#if defined(__x86_64__)
    return (uintptr_t)c->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
    return (uintptr_t)c->uc_mcontext.sp;
#else
    (void)c;
    return 0;
#endif
}

static bool is_overflow(const siginfo_t *info, const void *context)
{
    uintptr_t at = (uintptr_t)info->si_addr, top = stack_pointer(context);
    return info->si_signo == SIGSEGV && info->si_code > 0 && top != 0 &&
           (at > top ? at - top : top - at) < NEAR_STACK;
}

/* A signal that somebody sent says nothing about what the thread that got it was doing. */
static bool is_from_outside(const siginfo_t *info)
{
    return info->si_code <= 0 && info->si_pid != notes.pid;
}

static void add_signal(struct words *w, const siginfo_t *info, const void *context)
{
    const char *what = meaning(info);

    add(w, "signal: ");
    add_number(w, info->si_signo);
    for (size_t i = 0; i < DW_COUNT_OF(faults); i++) {
        if (faults[i].number == info->si_signo) {
            add(w, " (");
            add(w, faults[i].name);
            add(w, ")");
        }
    }
    if (is_from_outside(info)) {
        add(w, ", sent by process ");
        add_number(w, info->si_pid);
    } else if (info->si_code > 0) {
        add(w, ", code ");
        add_number(w, info->si_code);
        add(w, ", address 0x");
        add_in_base(w, (uintptr_t)info->si_addr, 16, 1);
        add(w, what ? ": " : "");
        add(w, what ? what : "");
        add(w, is_overflow(info, context) ? "; the stack has overflowed" : "");
    }
    add(w, "\n");
}

static void add_head(struct words *w)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    add(w, "dowel " DOWEL_VERSION ", generation ");
    add_number(w, (int64_t)notes.generation);
    add(w, ", process ");
    add_number(w, notes.pid);
    add(w, "\ntime: ");
    add_time(w, (uint64_t)now.tv_sec);
    add(w, "\n");
}

static void add_thread(struct words *w)
{
    char name[THREAD_NAME_SIZE + 1] = "";
    struct activity_thread t;

    prctl(PR_GET_NAME, name);
    add(w, "thread: ");
    add_number(w, gettid());
    add(w, " (");
    add(w, name);
    add(w, ")");
    if (activity_own(&t)) {
        add(w, "\nowner: ");
        add(w, t.owner);
        add(w, "\nwhat: ");
        add(w, t.what);
        add(w, ", for ");
        add_span(w, clock_monotonic_us() - t.since_us);
        add(w, "\n");
    } else {
        add(w, "\nowner: none, core code\n");
    }
}

/* `cause` is a line. Symbols cost nothing that could fail: backtrace() itself was called at the start, because its first
 * call loads a library. */
static void write_note(const struct words *cause)
{
    struct words w = { .n = 0 };
    void *frames[FRAMES];

    add_head(&w);
    put(&w);
    put(cause);
    w.n = 0;
    add_thread(&w);
    add(&w, "\nbacktrace, innermost first (addr2line -e FILE OFFSET):\n");
    put(&w);
    backtrace_symbols_fd(frames, backtrace(frames, FRAMES), notes.fd);
}

/* False when the note is being written, or is. */
static bool begin_note(void)
{
    pid_t nobody = 0;
    return notes.pid == getpid() && atomic_compare_exchange_strong(&notes.writer, &nobody, gettid());
}

/* ---- signals ---- */

/* Again, and with its details, so that a core dump has them; the signal is blocked until the handler returns. */
static void let_it_end(int number, siginfo_t *info)
{
    const struct sigaction usual = { .sa_handler = SIG_DFL };

    sigaction(number, &usual, NULL);
    if (syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), number, info) != 0)
        raise(number);
}

static void note_signal(siginfo_t *info, const void *context)
{
    struct words cause = { .n = 0 };

    if (!is_from_outside(info))
        activity_mark_crashed();
    if (notes.fd < 0)
        return;
    signal(SIGALRM, SIG_DFL);
    alarm(NOTE_SECONDS);
    add_signal(&cause, info, context);
    write_note(&cause);
    alarm(0);
}

/* Another thread's fault waits until the first one's note is written and ends the process; a fault of the writing itself
 * ends it at once. */
static void on_fault(int number, siginfo_t *info, void *context)
{
    const struct sigaction *before = NULL;

    for (size_t i = 0; i < DW_COUNT_OF(faults); i++) {
        if (faults[i].number == number)
            before = &notes.before[i];
    }
    if (begin_note())
        note_signal(info, context);
    else if (notes.pid == getpid() && notes.writer != gettid())
        for (;;)
            pause();
    if (before && (before->sa_flags & SA_SIGINFO) && before->sa_sigaction)
        before->sa_sigaction(number, info, context);
    let_it_end(number, info);
}

/* ---- ends without a signal ---- */

static void note_end(const char *cause_text)
{
    struct words cause = { .n = 0 };

    if (!begin_note())
        return;
    activity_mark_crashed();
    add(&cause, cause_text);
    if (notes.fd >= 0)
        write_note(&cause);
}

static void on_exit_call(void)
{
    struct activity_thread t;

    if (notes.pid == getpid() && activity_own(&t))
        note_end("exit() was called\n");
}

#if defined(__SANITIZE_ADDRESS__)
#define HAS_DEATH_CALLBACK 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_DEATH_CALLBACK 1
#endif
#endif

#ifdef HAS_DEATH_CALLBACK
#include <sanitizer/common_interface_defs.h>

static void on_sanitizer(void)
{
    note_end("a sanitizer ended the process: its report is in the log\n");
}

static void catch_sanitizer(void)
{
    __sanitizer_set_death_callback(on_sanitizer);
}
#else
static void catch_sanitizer(void)
{
}
#endif

/* ---- beginning and end ---- */

/* While one is written nothing else may interrupt but the alarm that ends it if it does not come to an end. */
void crash_catch(int fd, uint64_t generation)
{
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    void *frame;

    notes.fd = fd;
    notes.generation = generation;
    notes.writer = 0;
    notes.pid = getpid();
    thread_signal_stack();
    backtrace(&frame, 1);
    sigfillset(&action.sa_mask);
    sigdelset(&action.sa_mask, SIGALRM);
    for (size_t i = 0; i < DW_COUNT_OF(faults); i++)
        sigaction(faults[i].number, &action, &notes.before[i]);
    atexit(on_exit_call);
    catch_sanitizer();
}

void crash_forget(void)
{
    notes.pid = 0;
    if (notes.fd >= 0)
        close(notes.fd);
    notes.fd = -1;
}
