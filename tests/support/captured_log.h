/* captured_log.h - what was logged, for unit tests of one thread. */
#ifndef TESTS_CAPTURED_LOG_H
#define TESTS_CAPTURED_LOG_H

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "log/log.h"

static int captured_log[2];

static inline int captured_log_open(void **state)
{
    (void)state;
    if (pipe(captured_log) != 0)
        return -1;
    fcntl(captured_log[0], F_SETFL, O_NONBLOCK);
    log_set_fd(captured_log[1]);
    log_set_level(LOG_INFO);
    log_set_format(LOG_FORMAT_JSON);
    return 0;
}

static inline int captured_log_close(void **state)
{
    (void)state;
    log_set_fd(STDERR_FILENO);
    close(captured_log[0]);
    close(captured_log[1]);
    return 0;
}

/* Everything since the last time. */
static inline const char *captured_log_text(void)
{
    static char text[65536];
    size_t n = 0;

    for (ssize_t r; (r = read(captured_log[0], text + n, sizeof(text) - 1 - n)) > 0;)
        n += (size_t)r;
    text[n] = 0;
    return text;
}

#endif
