#include "log/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/clock.h"

/* Lines wait here while the pipe behind standard error is slow; about four thousand of them. */
enum { PENDING_MAX = 1 << 20 };

static struct {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct buf pending; /* guarded by lock */
    bool running, stopping, idle;
    pthread_t thread;
    int fd;
    _Atomic int level, format;
    _Atomic uint64_t dropped;
    uint64_t reported; /* how much of dropped the log has told; guarded by lock */
} logger = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .filled = PTHREAD_COND_INITIALIZER,
    .fd = STDERR_FILENO,
    .level = LOG_INFO,
};

static const char *const level_names[] = { "debug", "info", "warn", "error" };

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&logger.level, (int)level, memory_order_relaxed);
}

void log_set_format(enum log_format format)
{
    atomic_store_explicit(&logger.format, (int)format, memory_order_relaxed);
}

enum log_format log_current_format(void)
{
    return (enum log_format)atomic_load_explicit(&logger.format, memory_order_relaxed);
}

void log_set_fd(int fd)
{
    logger.fd = fd;
}

bool log_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&logger.level, memory_order_relaxed);
}

int log_level_from_text(const char *text)
{
    for (size_t i = 0; i < DW_COUNT_OF(level_names); i++) {
        if (strcmp(level_names[i], text) == 0)
            return (int)i;
    }
    return -1;
}

uint64_t log_dropped(void)
{
    return atomic_load_explicit(&logger.dropped, memory_order_relaxed);
}

bool log_name_is_secret(struct str name)
{
    static const char *const marks[] = { "password",      "passwd",      "secret",    "token",
                                         "authorization", "cookie",      "api_key",   "api-key",
                                         "apikey",        "private_key", "credential" };
    char lower[64];
    size_t n = name.n < sizeof(lower) - 1 ? name.n : sizeof(lower) - 1;

    for (size_t i = 0; i < n; i++)
        lower[i] = (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] | 0x20 : name.p[i]);
    lower[n] = 0;
    for (size_t i = 0; i < DW_COUNT_OF(marks); i++) {
        if (strstr(lower, marks[i]))
            return true;
    }
    return strcmp(lower, "key") == 0;
}

/* All of it, or as much as the descriptor takes; a closed standard error is nobody's reason to stop. */
static void write_out(int fd, struct str s)
{
    while (s.n > 0) {
        ssize_t n = write(fd, s.p, s.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        s.p += n;
        s.n -= (size_t)n;
    }
}

static void format_value(struct buf *b, const struct log_field *f, bool json)
{
    if (log_name_is_secret(str_from(f->name))) {
        buf_add_text(b, json ? "\"[redacted]\"" : "[redacted]");
        return;
    }
    switch (f->kind) {
    case LOG_KIND_TEXT: buf_add_json(b, f->text); break;
    case LOG_KIND_INT: buf_add_int(b, f->number); break;
    case LOG_KIND_REAL: buf_add_format(b, "%.6g", f->real); break;
    case LOG_KIND_BOOL: buf_add_text(b, f->number ? "true" : "false"); break;
    case LOG_KIND_SPAN_US:
        buf_add_format(b, "%lld.%06d", (long long)(f->number / CLOCK_SECOND),
                       (int)(f->number % CLOCK_SECOND));
        break;
    }
}

static void format_json(struct buf *b, enum log_level level, const char *message,
                        const struct log_field *fields)
{
    char now[CLOCK_RFC3339_SIZE];

    clock_format_rfc3339(clock_wall_us(), now);
    buf_add_format(b, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":", now, level_names[level]);
    buf_add_json(b, str_from(message));
    for (const struct log_field *f = fields; f->name; f++) {
        buf_add_char(b, ',');
        buf_add_json(b, str_from(f->name));
        buf_add_char(b, ':');
        format_value(b, f, true);
    }
    buf_add_text(b, "}\n");
}

/* The message comes from our own code, but it may quote what a peer said: control characters must not reach the
 * admin's terminal. */
static void add_plain(struct buf *b, const char *text)
{
    for (; *text; text++)
        buf_add_char(b, (unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text);
}

static void format_text(struct buf *b, enum log_level level, const char *message,
                        const struct log_field *fields)
{
    char now[CLOCK_RFC3339_SIZE];

    clock_format_rfc3339(clock_wall_us(), now);
    buf_add_format(b, "%s %-5s ", now, level_names[level]);
    add_plain(b, message);
    for (const struct log_field *f = fields; f->name; f++) {
        buf_add_char(b, ' ');
        buf_add_text(b, f->name);
        buf_add_char(b, '=');
        format_value(b, f, false);
    }
    buf_add_char(b, '\n');
}

/* Under the lock. */
static bool fits(size_t n)
{
    return logger.pending.n + n <= PENDING_MAX && buf_reserve(&logger.pending, n);
}

static void report_dropped(void)
{
    uint64_t dropped = log_dropped();
    if (dropped == logger.reported)
        return;
    struct buf line = BUF_INIT;
    const struct log_field fields[] = { LOG_NUMBER("lines", dropped - logger.reported), LOG_END };
    (log_current_format() == LOG_FORMAT_JSON ? format_json : format_text)(
        &line, LOG_WARN, "log lines were dropped because the reader of standard error is too slow", fields);
    if (!buf_failed(&line) && fits(line.n)) {
        buf_add_str(&logger.pending, buf_str(&line));
        logger.reported = dropped;
    }
    buf_finish(&line);
}

void log_raw(struct str line)
{
    pthread_mutex_lock(&logger.lock);
    if (!logger.running) {
        write_out(logger.fd, line);
    } else if (!fits(line.n)) {
        logger.pending.failed = false;
        atomic_fetch_add_explicit(&logger.dropped, 1, memory_order_relaxed);
    } else {
        report_dropped();
        buf_add_str(&logger.pending, line);
        if (logger.idle)
            pthread_cond_signal(&logger.filled);
    }
    pthread_mutex_unlock(&logger.lock);
}

void log_write(enum log_level level, const char *message, const struct log_field *fields)
{
    struct buf line = BUF_INIT;

    if (!log_enabled(level))
        return;
    (log_current_format() == LOG_FORMAT_JSON ? format_json : format_text)(&line, level, message, fields);
    if (!buf_failed(&line))
        log_raw(buf_str(&line));
    else
        atomic_fetch_add_explicit(&logger.dropped, 1, memory_order_relaxed);
    buf_finish(&line);
}

static void *write_pending(void *ud)
{
    struct buf mine = BUF_INIT;

    (void)ud;
    pthread_mutex_lock(&logger.lock);
    for (;;) {
        while (logger.pending.n == 0 && !logger.stopping) {
            logger.idle = true;
            pthread_cond_wait(&logger.filled, &logger.lock);
            logger.idle = false;
        }
        if (logger.pending.n == 0)
            break;
        struct buf full = logger.pending;
        logger.pending = mine;
        pthread_mutex_unlock(&logger.lock);
        write_out(logger.fd, buf_str(&full));
        mine = full;
        mine.n = 0;
        mine.failed = false;
        pthread_mutex_lock(&logger.lock);
    }
    pthread_mutex_unlock(&logger.lock);
    buf_finish(&mine);
    return NULL;
}

int log_start(void)
{
    if (logger.running)
        return 0;
    logger.stopping = false;
    if (pthread_create(&logger.thread, NULL, write_pending, NULL) != 0)
        return -1;
    logger.running = true;
    return 0;
}

void log_stop(void)
{
    struct timespec limit;

    if (!logger.running)
        return;
    pthread_mutex_lock(&logger.lock);
    logger.stopping = true;
    pthread_cond_signal(&logger.filled);
    pthread_mutex_unlock(&logger.lock);
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 2;
    if (pthread_timedjoin_np(logger.thread, NULL, &limit) != 0)
        return; /* the pipe is stuck: leave the thread to it, the process is about to end */
    pthread_mutex_lock(&logger.lock);
    logger.running = false;
    buf_finish(&logger.pending);
    pthread_mutex_unlock(&logger.lock);
}

void log_after_fork(void)
{
    pthread_mutex_init(&logger.lock, NULL);
    pthread_cond_init(&logger.filled, NULL);
    logger.running = false;
    logger.stopping = false;
    logger.pending.n = 0;
}
