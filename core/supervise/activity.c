#include "supervise/activity.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/log.h"
#include "util/clock.h"
#include "util/compiler.h"

/* The layout is an interface between versions: after an upgrade a new supervisor reads an old generation's table. Who
 * changes a struct below changes the number. */
enum { LAYOUT = 1, MAGIC = 0x64776163, NOBODY = -1, READ_ATTEMPTS = 64 };

/* Its writer is its thread alone. On a cache line of its own, else threads would slow each other down. */
struct slot {
    _Alignas(64) _Atomic int32_t thread; /* 0: free */
    _Atomic uint32_t changes;            /* odd while the two below are changed */
    _Atomic uint32_t label;              /* 0: inside nothing */
    _Atomic int64_t since_us;
};

struct label {
    _Atomic uint32_t is_set;
    char owner[ACTIVITY_OWNER_SIZE], what[ACTIVITY_WHAT_SIZE];
};

struct activity {
    uint32_t magic, layout;
    _Atomic int32_t crashed; /* 0, the slot's place counted from 1, or NOBODY: a thread without one */
    struct slot slots[ACTIVITY_THREADS];
    struct label labels[ACTIVITY_LABELS];
};

_Static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LLONG_LOCK_FREE == 2,
               "shared between processes and used in signal handlers");

static struct {
    struct activity *table;
    pthread_once_t once;
    pthread_key_t thread_end;
    bool has_key;
    pthread_mutex_t mutex; /* of what follows */
    uint32_t labels_n;
    int64_t allowed_us[ACTIVITY_LABELS]; /* the watchdog's, without the mutex */
    uint32_t hashes[ACTIVITY_LABELS];    /* apart from the texts, so that a search stays in the cache */
} own = { .once = PTHREAD_ONCE_INIT, .mutex = PTHREAD_MUTEX_INITIALIZER };

static DW_THREAD_LOCAL struct slot *mine;

/* ---- labels ---- */

static uint32_t hash_of(const char *owner, const char *what)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (const char *p = owner; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 16777619u;
    hash *= 16777619u;
    for (const char *p = what; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 16777619u;
    return hash;
}

static uint32_t find_label(const struct activity *a, const struct label *wanted, uint32_t hash)
{
    for (uint32_t i = 0; i < own.labels_n; i++) {
        if (own.hashes[i] == hash && strcmp(a->labels[i].owner, wanted->owner) == 0 &&
            strcmp(a->labels[i].what, wanted->what) == 0)
            return i + 1;
    }
    return 0;
}

static uint32_t add_label(struct activity *a, const struct label *wanted, uint32_t hash)
{
    if (own.labels_n == ACTIVITY_LABELS)
        return 0;
    struct label *l = &a->labels[own.labels_n];
    memcpy(l->owner, wanted->owner, sizeof(l->owner));
    memcpy(l->what, wanted->what, sizeof(l->what));
    atomic_store_explicit(&l->is_set, 1, memory_order_release);
    own.hashes[own.labels_n] = hash;
    return ++own.labels_n;
}

uint32_t activity_label(const char *owner, const char *what)
{
    struct activity *a = own.table;
    struct label wanted = { .is_set = 1 };

    if (!a)
        return 0;
    snprintf(wanted.owner, sizeof(wanted.owner), "%s", owner);
    snprintf(wanted.what, sizeof(wanted.what), "%s", what);
    uint32_t hash = hash_of(wanted.owner, wanted.what);
    pthread_mutex_lock(&own.mutex);
    uint32_t label = find_label(a, &wanted, hash);
    if (label == 0)
        label = add_label(a, &wanted, hash);
    pthread_mutex_unlock(&own.mutex);
    return label;
}

/* ---- entering and leaving ---- */

static struct slot *claim(struct activity *a)
{
    for (size_t i = 0; i < ACTIVITY_THREADS; i++) {
        struct slot *s = &a->slots[i];
        int32_t nobody = 0;
        if (atomic_load_explicit(&s->thread, memory_order_relaxed) == 0 &&
            atomic_compare_exchange_strong(&s->thread, &nobody, (int32_t)gettid())) {
            mine = s;
            pthread_setspecific(own.thread_end, s);
            return s;
        }
    }
    return NULL;
}

/* The count tells a reader that label and time did not belong together. All of it is plain stores on common machines. */
static void set(struct slot *s, uint32_t label, int64_t since_us)
{
    uint32_t changes = atomic_load_explicit(&s->changes, memory_order_relaxed);

    atomic_store_explicit(&s->changes, changes + 1, memory_order_relaxed);
    atomic_store_explicit(&s->since_us, since_us, memory_order_release);
    atomic_store_explicit(&s->label, label, memory_order_release);
    atomic_store_explicit(&s->changes, changes + 2, memory_order_release);
}

static void give_back(void *ud)
{
    struct slot *s = ud;

    set(s, 0, 0);
    mine = NULL;
    atomic_store(&s->thread, 0);
}

/* Coarse, because what is looked for here lasts seconds, and this clock costs a quarter of the exact one. */
static int64_t now_coarse_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (int64_t)t.tv_sec * CLOCK_SECOND + t.tv_nsec / 1000;
}

void activity_enter(struct activity_frame *outer, uint32_t label)
{
    struct activity *a = own.table;
    struct slot *s = mine;

    *outer = (struct activity_frame){ 0 };
    if (!a || (!s && !(s = claim(a))))
        return;
    outer->label = atomic_load_explicit(&s->label, memory_order_relaxed);
    outer->since_us = atomic_load_explicit(&s->since_us, memory_order_relaxed);
    set(s, label, now_coarse_us());
}

void activity_leave(const struct activity_frame *outer)
{
    if (mine)
        set(mine, outer->label, outer->since_us);
}

/* ---- reading ---- */

/* Printable ASCII, as it goes into logs, JSON and terminals. */
static void copy_text(char *out, const char *from, size_t size)
{
    size_t i = 0;

    for (; i < size - 1 && from[i]; i++)
        out[i] = from[i] < ' ' || from[i] > '~' ? '?' : from[i];
    out[i] = 0;
}

/* Its label. A thread that died while it changed its slot leaves it so: then what is there is taken. */
static uint32_t read_numbers(const struct slot *s, struct activity_thread *out)
{
    uint32_t label = 0;

    out->is_changing = true;
    for (int i = 0; i < READ_ATTEMPTS && out->is_changing; i++) {
        uint32_t before = atomic_load_explicit(&s->changes, memory_order_acquire);
        label = atomic_load_explicit(&s->label, memory_order_acquire);
        out->since_us = atomic_load_explicit(&s->since_us, memory_order_acquire);
        uint32_t after = atomic_load_explicit(&s->changes, memory_order_relaxed);
        out->is_changing = before % 2 != 0 || before != after;
    }
    return label;
}

static void read_slot(const struct activity *a, const struct slot *s, struct activity_thread *out)
{
    *out = (struct activity_thread){ 0 };
    uint32_t label = read_numbers(s, out);
    out->thread = atomic_load_explicit(&s->thread, memory_order_relaxed);
    if (label == 0 || label > ACTIVITY_LABELS)
        return;
    const struct label *l = &a->labels[label - 1];
    if (!atomic_load_explicit(&l->is_set, memory_order_acquire))
        return;
    copy_text(out->owner, l->owner, sizeof(out->owner));
    copy_text(out->what, l->what, sizeof(out->what));
}

bool activity_next(const struct activity *a, size_t *at, struct activity_thread *out)
{
    while (a && *at < ACTIVITY_THREADS) {
        const struct slot *s = &a->slots[(*at)++];
        if (atomic_load_explicit(&s->label, memory_order_relaxed) == 0)
            continue;
        read_slot(a, s, out);
        if (out->owner[0])
            return true;
    }
    return false;
}

bool activity_own(struct activity_thread *out)
{
    const struct slot *s = mine;

    *out = (struct activity_thread){ 0 };
    if (!s || !own.table)
        return false;
    read_slot(own.table, s, out);
    return out->owner[0] != 0;
}

void activity_mark_crashed(void)
{
    struct activity *a = own.table;
    int32_t none = 0;

    if (a)
        atomic_compare_exchange_strong(&a->crashed, &none, mine ? (int32_t)(mine - a->slots) + 1 : NOBODY);
}

bool activity_crashed(const struct activity *a, struct activity_thread *out)
{
    int32_t place = a ? atomic_load(&a->crashed) : 0;

    *out = (struct activity_thread){ 0 };
    if (place > 0 && place <= ACTIVITY_THREADS)
        read_slot(a, &a->slots[place - 1], out);
    return place != 0;
}

/* ---- the watchdog ---- */

static bool is_over(int64_t stayed_us, int64_t limit_us)
{
    return limit_us > 0 && stayed_us > limit_us;
}

void activity_allow(uint32_t label, int64_t us)
{
    if (label > 0 && label <= ACTIVITY_LABELS)
        own.allowed_us[label - 1] = us;
}

static int64_t allowed_us(const struct slot *s)
{
    uint32_t label = atomic_load_explicit(&s->label, memory_order_relaxed);

    return label > 0 && label <= ACTIVITY_LABELS ? own.allowed_us[label - 1] : 0;
}

bool activity_watch(int64_t warn_us, int64_t stuck_us, struct activity_thread *out)
{
    static int64_t warned[ACTIVITY_THREADS]; /* the beginning of the stay that was warned of */
    struct activity_thread t;
    int64_t now_us = now_coarse_us();
    bool found = false;
    size_t at = 0;

    while (activity_next(own.table, &at, &t)) {
        int64_t stayed_us = t.is_changing ? 0 : now_us - t.since_us; /* what changes does not overstay */
        int64_t over_us = stayed_us - allowed_us(&own.table->slots[at - 1]);
        if (is_over(over_us, warn_us) && warned[at - 1] != t.since_us) {
            warned[at - 1] = t.since_us;
            log_warn("a piece of work takes long", LOG_TEXT("owner", t.owner), LOG_TEXT("what", t.what),
                     LOG_SPAN("for", stayed_us), LOG_NUMBER("thread", t.thread));
        }
        if (!found && is_over(over_us, stuck_us)) {
            found = true;
            *out = t;
        }
    }
    return found;
}

/* ---- tables ---- */

/* Sealed, so that a generation cannot cut off what the supervisor reads. */
int activity_create(struct activity **out, int *fd)
{
    int memory = memfd_create("dowel-activity", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (memory < 0)
        return -1;
    void *p = MAP_FAILED;
    if (ftruncate(memory, sizeof(struct activity)) == 0 &&
        fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        p = mmap(NULL, sizeof(struct activity), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    if (p == MAP_FAILED) {
        int error = errno;
        close(memory);
        errno = error;
        return -1;
    }
    *out = p;
    (*out)->magic = MAGIC;
    (*out)->layout = LAYOUT;
    *fd = memory;
    return 0;
}

int activity_attach(struct activity **out, int fd)
{
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size != (off_t)sizeof(struct activity))
        return -1;
    void *p = mmap(NULL, sizeof(struct activity), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return -1;
    *out = p;
    if ((*out)->magic == MAGIC && (*out)->layout == LAYOUT)
        return 0;
    activity_detach(*out);
    *out = NULL;
    return -1;
}

void activity_detach(struct activity *a)
{
    if (a)
        munmap(a, sizeof(*a));
}

/* What a forked child does is not what this process does. */
static void forget_in_child(void)
{
    own.table = NULL;
    mine = NULL;
}

static void prepare(void)
{
    own.has_key = pthread_key_create(&own.thread_end, give_back) == 0;
    pthread_atfork(NULL, NULL, forget_in_child);
}

void activity_adopt(struct activity *a)
{
    pthread_once(&own.once, prepare);
    mine = NULL;
    own.labels_n = 0;
    own.table = own.has_key ? a : NULL;
}

int activity_use_private(void)
{
    struct activity *a;
    int fd;

    if (own.table)
        return 0;
    if (activity_create(&a, &fd) != 0)
        return -1;
    close(fd);
    activity_adopt(a);
    if (own.table)
        return 0;
    activity_detach(a);
    errno = EAGAIN;
    return -1;
}

const struct activity *activity_table(void)
{
    return own.table;
}
