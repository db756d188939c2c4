#include "http/readiness.h"

#include <pthread.h>
#include <string.h>

struct check {
    const char *name;
    bool (*check)(char why[READINESS_WHY_SIZE], void *ud);
    void *ud;
};

static struct {
    pthread_mutex_t mutex;
    unsigned n;
    struct check check[READINESS_MAX];
} registry = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static bool is_known(const char *name)
{
    for (unsigned i = 0; i < registry.n; i++) {
        if (strcmp(registry.check[i].name, name) == 0)
            return true;
    }
    return false;
}

int readiness_register(const char *name, bool (*check)(char why[READINESS_WHY_SIZE], void *ud), void *ud)
{
    int result = -1;

    pthread_mutex_lock(&registry.mutex);
    if (registry.n < READINESS_MAX && !is_known(name)) {
        registry.check[registry.n++] = (struct check){ .name = name, .check = check, .ud = ud };
        result = 0;
    }
    pthread_mutex_unlock(&registry.mutex);
    return result;
}

bool readiness_check(void (*visit)(const char *name, bool ready, const char *why, void *ud), void *ud)
{
    struct check checks[READINESS_MAX];
    bool all = true;

    /* Checks run without the lock: one that is slow must not hold up the others' probes. */
    pthread_mutex_lock(&registry.mutex);
    unsigned n = registry.n;
    memcpy(checks, registry.check, n * sizeof(*checks));
    pthread_mutex_unlock(&registry.mutex);

    for (unsigned i = 0; i < n; i++) {
        char why[READINESS_WHY_SIZE] = "";
        bool ready = checks[i].check(why, checks[i].ud);
        all = all && ready;
        if (visit)
            visit(checks[i].name, ready, ready ? "" : why, ud);
    }
    return all;
}

static void add_line(const char *name, bool ready, const char *why, void *ud)
{
    struct buf *out = ud;

    buf_add_text(out, ready ? "[+] " : "[-] ");
    buf_add_text(out, name);
    if (!ready) {
        buf_add_text(out, ": ");
        buf_add_text(out, why[0] ? why : "not ready");
    }
    buf_add_char(out, '\n');
}

bool readiness_write_lines(struct buf *out, bool verbose)
{
    bool ready = readiness_check(verbose ? add_line : NULL, out);
    buf_add_text(out, ready ? "ok\n" : "not ready\n");
    return ready;
}

struct array {
    struct buf *out;
    bool has_members;
};

static void add_member(const char *name, bool ready, const char *why, void *ud)
{
    struct array *array = ud;

    buf_add_text(array->out, array->has_members ? ",{\"name\":" : "{\"name\":");
    array->has_members = true;
    buf_add_json(array->out, str_from(name));
    buf_add_text(array->out, ready ? ",\"ready\":true" : ",\"ready\":false,\"detail\":");
    if (!ready)
        buf_add_json(array->out, str_from(why[0] ? why : "not ready"));
    buf_add_char(array->out, '}');
}

bool readiness_write_json(struct buf *out)
{
    struct array array = { .out = out };

    buf_add_char(out, '[');
    bool ready = readiness_check(add_member, &array);
    buf_add_char(out, ']');
    return ready;
}

void readiness_reset(void)
{
    pthread_mutex_lock(&registry.mutex);
    registry.n = 0;
    pthread_mutex_unlock(&registry.mutex);
}
