/* said.c - what was logged: all of it, also what the server says about the plugin. */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "inside.h"
#include "log/log.h"

int harness_listen(dw_harness *h)
{
    h->log_fd = memfd_create("dowel-harness-log", MFD_CLOEXEC);
    if (h->log_fd < 0) {
        buf_add_text(&h->why, "cannot make a file for the log");
        return -1;
    }
    log_set_format(LOG_FORMAT_TEXT);
    log_set_level(LOG_DEBUG);
    log_set_fd(h->log_fd);
    return 0;
}

const char *dw_harness_log(dw_harness *h)
{
    char piece[4096];
    off_t at = 0;
    ssize_t n;

    h->log.n = 0;
    while ((n = pread(h->log_fd, piece, sizeof(piece), at)) > 0) {
        buf_add(&h->log, piece, (size_t)n);
        at += n;
    }
    return buf_text(&h->log);
}

void dw_harness_forget_log(dw_harness *h)
{
    if (ftruncate(h->log_fd, 0) == 0)
        lseek(h->log_fd, 0, SEEK_SET);
}

/* "2026-11-21T09:03:47.778453Z warn  the text name=value" */
static int level_of(struct str line)
{
    struct str word;
    char text[8] = "";

    str_split(&line, ' ', &word);
    str_split(&line, ' ', &word);
    if (word.n < sizeof(text))
        memcpy(text, word.p, word.n);
    return log_level_from_text(text);
}

static bool contains(struct str line, const char *part)
{
    return memmem(line.p, line.n, part, strlen(part)) != NULL;
}

bool dw_harness_logged(dw_harness *h, enum dw_level level, const char *part)
{
    struct str rest = str_from(dw_harness_log(h)), line;

    while (str_split(&rest, '\n', &line)) {
        if (level_of(line) >= (int)level && contains(line, part))
            return true;
    }
    return false;
}
