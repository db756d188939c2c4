/* log.h - facts with fields, one structured line each, on standard error.
 *
 *   log_info("listening", LOG_TEXT("url", url), LOG_NUMBER("loops", loops));
 *
 * A line is formatted on the calling thread and handed to a writer thread through a bounded buffer: logging never
 * waits for the disk or the pipe behind it. When the buffer is full lines are dropped, counted, and the count is
 * logged as soon as there is room. A field whose name says that it is secret (password, token, authorization, cookie,
 * secret, key...) is written as "[redacted]". [any thread] */
#ifndef LOG_LOG_H
#define LOG_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "util/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

enum log_kind { LOG_KIND_TEXT, LOG_KIND_INT, LOG_KIND_REAL, LOG_KIND_BOOL, LOG_KIND_SPAN_US };

struct log_field {
    const char *name;
    enum log_kind kind;
    struct str text; /* borrowed for the call */
    int64_t number;
    double real;
};

#define LOG_TEXT(name_, value) \
    ((struct log_field){ .name = (name_), .kind = LOG_KIND_TEXT, .text = str_from(value) })
#define LOG_STR(name_, value) ((struct log_field){ .name = (name_), .kind = LOG_KIND_TEXT, .text = (value) })
#define LOG_NUMBER(name_, value) \
    ((struct log_field){ .name = (name_), .kind = LOG_KIND_INT, .number = (int64_t)(value) })
#define LOG_REAL(name_, value) ((struct log_field){ .name = (name_), .kind = LOG_KIND_REAL, .real = (value) })
#define LOG_BOOL(name_, value) \
    ((struct log_field){ .name = (name_), .kind = LOG_KIND_BOOL, .number = (value) })
/* Microseconds, written as seconds: 0.001234 */
#define LOG_SPAN(name_, us) \
    ((struct log_field){ .name = (name_), .kind = LOG_KIND_SPAN_US, .number = (int64_t)(us) })

/* Starts the writer thread. Before it (and after log_stop) lines are written directly. 0, or -1 without a thread.
 * [main thread] */
int log_start(void);

/* Writes what is left, with a limit of two seconds, and ends the thread. 0; -1 when the reader of standard error is
 * stuck: the thread is left to it, and the call may be repeated. [main thread] */
int log_stop(void);

/* Call in a child after fork(): the writer thread does not exist there. */
void log_after_fork(void);

/* Both take effect at once. [any thread] */
void log_set_level(enum log_level level);
void log_set_format(enum log_format format);

/* Where lines go; 2 by default. For tests. [main thread, before log_start] */
void log_set_fd(int fd);

bool log_enabled(enum log_level level);

/* fields ends with LOG_END; the macros below append it. */
void log_write(enum log_level level, const char *message, const struct log_field *fields);

/* A line that is already formatted, with its newline: the access log's way in. */
void log_raw(struct str line);
enum log_format log_current_format(void);

/* "debug", "info", "warn", "error"; -1 when it is none of them. */
int log_level_from_text(const char *text);

/* Lines dropped since start because the buffer was full. */
uint64_t log_dropped(void);

/* True when a field or header of that name is never to be written out. */
bool log_name_is_secret(struct str name);

#define LOG_END        ((struct log_field){ .name = NULL })
#define log_debug(...) LOG_AT_(LOG_DEBUG, __VA_ARGS__, LOG_END)
#define log_info(...)  LOG_AT_(LOG_INFO, __VA_ARGS__, LOG_END)
#define log_warn(...)  LOG_AT_(LOG_WARN, __VA_ARGS__, LOG_END)

/* An error is what an admin should act on; what a client did wrong is not one. */
#define log_error(...) LOG_AT_(LOG_ERROR, __VA_ARGS__, LOG_END)

#define LOG_AT_(level, message, ...) log_write((level), (message), (const struct log_field[]){ __VA_ARGS__ })

#endif
