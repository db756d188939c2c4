/* failmalloc - memory that runs out, as a library to be put in front of the real allocator with LD_PRELOAD.
 *
 * After the process has got SIGUSR2 every n-th allocation fails, n from the environment's FAILMALLOC_EVERY; or one of n by
 * chance, when FAILMALLOC_RANDOM gives a seed. SIGUSR2 again lets all succeed. Before the first signal nothing fails, so that
 * a server can start. */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    void *(*malloc)(size_t size);
    void *(*calloc)(size_t n, size_t size);
    void *(*realloc)(void *p, size_t size);
    int (*posix_memalign)(void **out, size_t alignment, size_t size);
    void *(*aligned_alloc)(size_t alignment, size_t size);
} real;

static atomic_bool failing;
static atomic_uint_fast64_t calls;
static uint64_t every, seed;

/* Says so on stderr, because a signal takes its time. */
static void toggle(int sig)
{
    static const char on[] = "failmalloc: on\n", off[] = "failmalloc: off\n";
    bool now = !atomic_load(&failing);

    (void)sig;
    atomic_store(&failing, now);
    (void)!write(STDERR_FILENO, now ? on : off, now ? sizeof(on) - 1 : sizeof(off) - 1);
}

/* POSIX makes dlsym() give functions as an object pointer, which ISO C cannot convert. */
static void find(void *function, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(function, &found, sizeof(found));
}

static uint64_t number(const char *name)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void begin(void)
{
    struct sigaction action = { .sa_handler = toggle, .sa_flags = SA_RESTART };

    every = number("FAILMALLOC_EVERY");
    seed = number("FAILMALLOC_RANDOM");
    sigaction(SIGUSR2, &action, NULL);
}

/* Finding the real functions may itself allocate (glibc's dlsym does not, but nothing promises it): from here then. */
static void *from_reserve(size_t size)
{
    static _Alignas(16) char reserve[16384];
    static size_t used;

    size = (size + 15) & ~(size_t)15;
    if (size > sizeof(reserve) - used)
        return NULL;
    void *p = reserve + used;
    used += size;
    return p;
}

/* The first allocation of a process comes before there are threads. */
static bool ready(void)
{
    static int state; /* 0: nothing was looked for, 1: being found, 2: there */

    if (state == 0) {
        state = 1;
        find(&real.malloc, "malloc");
        find(&real.calloc, "calloc");
        find(&real.realloc, "realloc");
        find(&real.posix_memalign, "posix_memalign");
        find(&real.aligned_alloc, "aligned_alloc");
        state = 2;
    }
    return state == 2;
}

/* splitmix64: the same seed and number of the call give the same choice. */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static bool fails(void)
{
    if (!every || !atomic_load_explicit(&failing, memory_order_relaxed))
        return false;
    uint64_t call = atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
    if ((seed ? mix(seed + call) : call) % every != 0)
        return false;
    errno = ENOMEM;
    return true;
}

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc's own names are reserved */
void *malloc(size_t size)
{
    if (!ready())
        return from_reserve(size);
    return fails() ? NULL : real.malloc(size);
}

void *calloc(size_t nmemb, size_t size)
{
    if (!ready())
        return from_reserve(nmemb * size);
    return fails() ? NULL : real.calloc(nmemb, size);
}

void *realloc(void *ptr, size_t size)
{
    return !ready() || fails() ? NULL : real.realloc(ptr, size);
}

int posix_memalign(void **memptr, size_t alignment, size_t size)
{
    return !ready() || fails() ? ENOMEM : real.posix_memalign(memptr, alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return !ready() || fails() ? NULL : real.aligned_alloc(alignment, size);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
