#include "util/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/compiler.h"

/* ---- a stack for handlers ---- */

enum { SIGNAL_STACK = 64 * 1024 }; /* the unwinder takes some; what is not touched costs nothing */

static struct {
    pthread_once_t once;
    pthread_key_t thread_end;
    bool has_key;
} stacks = { .once = PTHREAD_ONCE_INIT };

static DW_THREAD_LOCAL bool was_given;

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static void take_away(void *memory)
{
    stack_t none = { .ss_flags = SS_DISABLE }, used;

    if (sigaltstack(NULL, &used) == 0 && used.ss_sp == (char *)memory + page_size())
        sigaltstack(&none, NULL);
    munmap(memory, page_size() + SIGNAL_STACK);
    was_given = false;
}

static void make_key(void)
{
    stacks.has_key = pthread_key_create(&stacks.thread_end, take_away) == 0;
}

/* Below it lies a page that nobody may touch: an overflow of this one shall not write into somebody else's memory. */
static void *map_stack(void)
{
    char *memory =
        mmap(NULL, page_size() + SIGNAL_STACK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

    if (memory == MAP_FAILED)
        return NULL;
    if (mprotect(memory + page_size(), SIGNAL_STACK, PROT_READ | PROT_WRITE) == 0)
        return memory;
    munmap(memory, page_size() + SIGNAL_STACK);
    return NULL;
}

void thread_signal_stack(void)
{
    stack_t old;

    if (was_given)
        return;
    was_given = true;
    pthread_once(&stacks.once, make_key);
    if (!stacks.has_key || sigaltstack(NULL, &old) != 0 || !(old.ss_flags & SS_DISABLE))
        return; /* sanitizers and other languages' run-times give their threads one */
    char *memory = map_stack();
    if (!memory)
        return;
    const stack_t stack = { .ss_sp = memory + page_size(), .ss_size = SIGNAL_STACK };
    if (sigaltstack(&stack, NULL) != 0 || pthread_setspecific(stacks.thread_end, memory) != 0)
        take_away(memory);
}

/* ---- threads ---- */

struct beginning {
    void *(*run)(void *ud);
    void *ud;
    char name[THREAD_NAME_SIZE];
};

static void *begin(void *ud)
{
    struct beginning b = *(struct beginning *)ud;

    free(ud);
    pthread_setname_np(pthread_self(), b.name);
    thread_signal_stack();
    return b.run(b.ud);
}

static void block_signals(sigset_t *before)
{
    static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS };
    sigset_t blocked;

    sigfillset(&blocked);
    for (size_t i = 0; i < DW_COUNT_OF(faults); i++)
        sigdelset(&blocked, faults[i]);
    pthread_sigmask(SIG_BLOCK, &blocked, before);
}

int thread_start(pthread_t *out, const char *name, bool detached, void *(*run)(void *ud), void *ud)
{
    struct beginning *b = malloc(sizeof(*b));
    pthread_attr_t attr;
    sigset_t before;
    int error = ENOMEM;

    if (!b || pthread_attr_init(&attr) != 0)
        goto done;
    *b = (struct beginning){ .run = run, .ud = ud };
    snprintf(b->name, sizeof(b->name), "%s", name);
    if (detached)
        pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    block_signals(&before);
    error = pthread_create(out, &attr, begin, b);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
done:
    if (error)
        free(b);
    errno = error;
    return error ? -1 : 0;
}
