#include "log/log.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/clock.h"
#include "util/thread.h"

/* Lines wait here while the pipe behind standard error is slow; about four thousand of them. */
enum { PENDING_MAX = 1 << 20 };

static struct {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct buf pending; /* guarded by lock */
    bool running, stopping, idle;
    bool joinable; /* the main thread's: a thread was started and not yet joined */
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

static bool contains_nocase(struct str s, struct str part)
{
    for (size_t i = 0; i + part.n <= s.n; i++) {
        if (str_equal_nocase(str_make(s.p + i, part.n), part))
            return true;
    }
    return false;
}

bool log_name_is_secret(struct str name)
{
    static const char *const marks[] = { "password",      "passwd",     "passphrase",    "secret",
                                         "token",         "credential", "authorization", "cookie",
                                         "apikey",        "api_key",    "api-key",       "private_key",
                                         "private-key",   "access_key", "access-key",    "signing_key",
                                         "encryption_key" };

    for (size_t i = 0; i < DW_COUNT_OF(marks); i++) {
        if (contains_nocase(name, str_from(marks[i])))
            return true;
    }
    return str_equal_nocase(name, STR_OF("key"));
}

/* All of it; a standard error that is closed is nobody's reason to stop. One that does not block (it may be shared with
 * a program that wants it so) is waited for. */
static void write_out(int fd, struct str s)
{
    while (s.n > 0) {
        ssize_t n = write(fd, s.p, s.n);
        if (n < 0 && errno == EAGAIN)
            poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
        else if (n < 0 && errno != EINTR)
            return;
        else if (n > 0)
            s = str_make(s.p + n, s.n - (size_t)n);
    }
}

static void format_span(struct buf *b, int64_t us)
{
    uint64_t size = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;

    buf_add_format(b, "%s%llu.%06u", us < 0 ? "-" : "", (unsigned long long)(size / CLOCK_SECOND),
                   (unsigned)(size % CLOCK_SECOND));
}

/* JSON has no word for infinity. */
static void format_real(struct buf *b, double real)
{
    if (isfinite(real))
        buf_add_format(b, "%.6g", real);
    else
        buf_add_text(b, "null");
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
    case LOG_KIND_REAL: format_real(b, f->real); break;
    case LOG_KIND_BOOL: buf_add_text(b, f->number ? "true" : "false"); break;
    case LOG_KIND_SPAN_US: format_span(b, f->number); break;
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

/* The message comes from our own code, but it may quote what a peer said: control characters (in UTF-8 those of
 * U+0080 to U+009F, too) must not reach the admin's terminal. */
static void add_plain(struct buf *b, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        bool c1 = *p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0;
        buf_add_char(b, *p < 0x20 || *p == 0x7f || c1 ? ' ' : (char)*p);
        p += c1;
    }
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

static void format_line(struct buf *b, enum log_level level, const char *message,
                        const struct log_field *fields)
{
    if (log_current_format() == LOG_FORMAT_JSON)
        format_json(b, level, message, fields);
    else
        format_text(b, level, message, fields);
}

/* Under the lock. False when there is no room. */
static bool append(struct str line)
{
    if (logger.pending.n + line.n > PENDING_MAX || !buf_reserve(&logger.pending, line.n)) {
        logger.pending.failed = false; /* there may be memory again for the next one */
        return false;
    }
    buf_add_str(&logger.pending, line);
    return true;
}

static void count_dropped(void)
{
    atomic_fetch_add_explicit(&logger.dropped, 1, memory_order_relaxed);
}

/* Under the lock, when `pending` has just been emptied: what follows was logged after the lines that are missing. */
static void report_dropped(void)
{
    uint64_t dropped = log_dropped();
    struct buf line = BUF_INIT;
    const struct log_field fields[] = { LOG_NUMBER("lines", dropped - logger.reported), LOG_END };

    if (dropped == logger.reported)
        return;
    format_line(&line, LOG_WARN, "log lines were dropped because the reader of standard error is too slow",
                fields);
    if (!buf_failed(&line) && append(buf_str(&line)))
        logger.reported = dropped;
    buf_finish(&line);
}

void log_raw(struct str line)
{
    pthread_mutex_lock(&logger.lock);
    if (!logger.running)
        write_out(logger.fd, line);
    else if (!append(line))
        count_dropped();
    else if (logger.idle)
        pthread_cond_signal(&logger.filled);
    pthread_mutex_unlock(&logger.lock);
}

void log_write(enum log_level level, const char *message, const struct log_field *fields)
{
    struct buf line = BUF_INIT;

    if (!log_enabled(level))
        return;
    format_line(&line, level, message, fields);
    if (!buf_failed(&line))
        log_raw(buf_str(&line));
    else
        count_dropped();
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
        report_dropped();
        pthread_mutex_unlock(&logger.lock);
        write_out(logger.fd, buf_str(&full));
        mine = full;
        mine.n = 0;
        pthread_mutex_lock(&logger.lock);
    }
    /* Under the same lock in which nothing was left: a line of another thread now goes out directly. */
    logger.running = false;
    pthread_mutex_unlock(&logger.lock);
    buf_finish(&mine);
    return NULL;
}

int log_start(void)
{
    if (logger.joinable)
        return 0;
    pthread_mutex_lock(&logger.lock);
    logger.stopping = false;
    int error = thread_start(&logger.thread, "log", false, write_pending, NULL);
    logger.running = logger.joinable = error == 0;
    pthread_mutex_unlock(&logger.lock);
    return error ? -1 : 0;
}

int log_stop(void)
{
    struct timespec limit;

    pthread_mutex_lock(&logger.lock);
    logger.stopping = true;
    pthread_cond_signal(&logger.filled);
    pthread_mutex_unlock(&logger.lock);
    if (!logger.joinable)
        return 0;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 2;
    if (pthread_timedjoin_np(logger.thread, NULL, &limit) != 0)
        return -1;
    logger.joinable = false;
    pthread_mutex_lock(&logger.lock);
    buf_finish(&logger.pending);
    pthread_mutex_unlock(&logger.lock);
    return 0;
}

void log_after_fork(void)
{
    pthread_mutex_init(&logger.lock, NULL);
    pthread_cond_init(&logger.filled, NULL);
    /* Another thread may have been in the middle of changing it, so its memory is not touched. What it held is the
     * parent's to write. */
    logger.pending = (struct buf)BUF_INIT;
    logger.running = logger.stopping = logger.idle = logger.joinable = false;
    logger.reported = log_dropped();
}
