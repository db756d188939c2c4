#include "http/readiness.h"

#include <pthread.h>
#include <string.h>

struct check {
    const char *name;
    bool (*check)(char why[READINESS_WHY_SIZE], void *ud);
    void *ud;
};

struct remark {
    char name[READINESS_NAME_SIZE]; /* "": free */
    char text[READINESS_REMARK_SIZE];
};

static struct {
    pthread_mutex_t mutex;
    unsigned n;
    struct check check[READINESS_MAX];
    struct remark remark[READINESS_REMARKS_MAX];
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

/* ---- remarks ---- */

/* One line, whatever is in it. */
static void copy_line(char *out, const char *text, size_t size)
{
    size_t i = 0;

    for (; i < size - 1 && text[i]; i++)
        out[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? ' ' : text[i];
    out[i] = 0;
}

static struct remark *find_remark(const char *name)
{
    for (unsigned i = 0; i < READINESS_REMARKS_MAX; i++) {
        if (strncmp(registry.remark[i].name, name, READINESS_NAME_SIZE - 1) == 0)
            return &registry.remark[i];
    }
    return NULL;
}

int readiness_remark(const char *name, const char *text)
{
    pthread_mutex_lock(&registry.mutex);
    struct remark *r = find_remark(name);
    if (!r && text)
        r = find_remark("");
    if (r)
        *r = (struct remark){ .name = "" };
    if (r && text) {
        copy_line(r->name, name, sizeof(r->name));
        copy_line(r->text, text, sizeof(r->text));
    }
    pthread_mutex_unlock(&registry.mutex);
    return r || !text ? 0 : -1;
}

static void visit_remarks(void (*visit)(const struct remark *r, void *ud), void *ud)
{
    pthread_mutex_lock(&registry.mutex);
    for (unsigned i = 0; i < READINESS_REMARKS_MAX; i++) {
        if (registry.remark[i].name[0])
            visit(&registry.remark[i], ud);
    }
    pthread_mutex_unlock(&registry.mutex);
}

/* ---- checks ---- */

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

static void add_remark_line(const struct remark *r, void *ud)
{
    buf_add_format(ud, "[!] %s: %s\n", r->name, r->text);
}

bool readiness_write_lines(struct buf *out, bool verbose)
{
    bool ready = readiness_check(verbose ? add_line : NULL, out);
    if (verbose)
        visit_remarks(add_remark_line, out);
    buf_add_text(out, ready ? "ok\n" : "not ready\n");
    return ready;
}

struct array {
    struct buf *out;
    bool has_members;
};

static void begin_member(struct array *array, const char *name)
{
    buf_add_text(array->out, array->has_members ? ",{\"name\":" : "{\"name\":");
    array->has_members = true;
    buf_add_json(array->out, str_from(name));
}

static void add_member(const char *name, bool ready, const char *why, void *ud)
{
    struct array *array = ud;

    begin_member(array, name);
    buf_add_text(array->out, ready ? ",\"ready\":true" : ",\"ready\":false,\"detail\":");
    if (!ready)
        buf_add_json(array->out, str_from(why[0] ? why : "not ready"));
    buf_add_char(array->out, '}');
}

static void add_remark_member(const struct remark *r, void *ud)
{
    struct array *array = ud;

    begin_member(array, r->name);
    buf_add_text(array->out, ",\"ready\":true,\"remark\":");
    buf_add_json(array->out, str_from(r->text));
    buf_add_char(array->out, '}');
}

bool readiness_write_json(struct buf *out)
{
    struct array array = { .out = out };

    buf_add_char(out, '[');
    bool ready = readiness_check(add_member, &array);
    visit_remarks(add_remark_member, &array);
    buf_add_char(out, ']');
    return ready;
}

void readiness_reset(void)
{
    pthread_mutex_lock(&registry.mutex);
    registry.n = 0;
    memset(registry.remark, 0, sizeof(registry.remark));
    pthread_mutex_unlock(&registry.mutex);
}
