#include "config/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(struct config_file_fault *fault, const char *text, const char *hint)
{
    snprintf(fault->text, sizeof(fault->text), "%s", text);
    fault->hint = hint;
    return -1;
}

static int refuse_errno(struct config_file_fault *fault, int error)
{
    fault->missing = error == ENOENT;
    snprintf(fault->text, sizeof(fault->text), "cannot be read: %s", strerror(error));
    fault->hint = error == EACCES  ? "give the server's user the right to read it"
                  : error == ELOOP ? "the links lead in a circle"
                                   : NULL;
    return -1;
}

static int check_mode(const struct stat *st, enum config_file_kind kind, struct config_file_fault *fault)
{
    if (S_ISDIR(st->st_mode))
        return refuse(fault, "is a directory", "a file is needed here");
    if (!S_ISREG(st->st_mode))
        return refuse(fault, "is not a regular file", NULL);
    if (st->st_mode & S_IWOTH)
        return refuse(fault, "everyone may write to this file", "take the right away: chmod o-w");
    if (kind == CONFIG_FILE_SECRET && (st->st_mode & S_IROTH))
        return refuse(fault, "everyone may read this file and it holds a secret",
                      "take the right away: chmod o-r (Docker: mode: 0400, Kubernetes: defaultMode: 0440)");
    if (st->st_size > CONFIG_FILE_MAX)
        return refuse(fault, "is larger than 1 MiB", NULL);
    return 0;
}

static int read_all(struct buf *out, int fd, struct config_file_fault *fault)
{
    size_t start = out->n;

    for (;;) {
        if (!buf_reserve(out, 4096))
            return refuse(fault, "cannot be read: out of memory", NULL);
        ssize_t n = read(fd, out->p + out->n, out->cap - out->n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return refuse_errno(fault, errno);
        if (n == 0)
            return 0;
        out->n += (size_t)n;
        if (out->n - start > CONFIG_FILE_MAX)
            return refuse(fault, "is larger than 1 MiB", NULL);
    }
}

static void cut_byte_order_mark(struct buf *out, size_t start)
{
    if (out->n - start < 3 || memcmp(out->p + start, "\xef\xbb\xbf", 3) != 0)
        return;
    out->n -= 3;
    memmove(out->p + start, out->p + start + 3, out->n - start);
}

static bool is_control(unsigned char c)
{
    return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f;
}

static int check_line(struct str line, struct config_file_fault *fault)
{
    for (size_t i = 0; i < line.n; i++) {
        unsigned char c = (unsigned char)line.p[i];
        if (!is_control(c))
            continue;
        snprintf(fault->text, sizeof(fault->text), "has a control character (byte 0x%02x)", c);
        fault->hint = "remove it";
        return -1;
    }
    if (!str_is_utf8(line))
        return refuse(fault, "is not UTF-8", "save the file in that encoding");
    return 0;
}

int config_file_check_text(struct str text, struct config_file_fault *fault)
{
    struct str line;

    *fault = (struct config_file_fault){ .line = 0 };
    if (text.n >= 2 && (memcmp(text.p, "\xff\xfe", 2) == 0 || memcmp(text.p, "\xfe\xff", 2) == 0)) {
        fault->line = 1;
        return refuse(fault, "is UTF-16", "save the file as UTF-8");
    }
    for (unsigned number = 1; str_split(&text, '\n', &line); number++) {
        fault->line = number;
        if (check_line(line, fault) != 0)
            return -1;
    }
    fault->line = 0;
    return 0;
}

int config_file_read(struct buf *out, const char *path, enum config_file_kind kind, bool *everyone_reads,
                     struct config_file_fault *fault)
{
    struct stat st;
    size_t start = out->n;
    int result = -1;

    *fault = (struct config_file_fault){ .line = 0 };
    /* Not blocking: a pipe of that name must not hang the start. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return refuse_errno(fault, errno);
    if (fstat(fd, &st) != 0) {
        refuse_errno(fault, errno);
        goto done;
    }
    if (check_mode(&st, kind, fault) != 0 || read_all(out, fd, fault) != 0)
        goto done;
    if (everyone_reads)
        *everyone_reads = st.st_mode & S_IROTH;
    cut_byte_order_mark(out, start);
    result = config_file_check_text(str_make(out->p + start, out->n - start), fault);
done:
    close(fd);
    return result;
}
