#include "util/thread.h"

#include <errno.h>
#include <signal.h>

#include "util/compiler.h"

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
    pthread_attr_t attr;
    sigset_t before;

    if (pthread_attr_init(&attr) != 0)
        return -1;
    if (detached)
        pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    block_signals(&before);
    int error = pthread_create(out, &attr, run, ud);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (error == 0 && !detached) /* a detached one may be gone already */
        pthread_setname_np(*out, name);
    errno = error;
    return error ? -1 : 0;
}
