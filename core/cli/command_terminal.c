#include "cli/command_terminal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/store.h"
#include "db/rows_table.h"
#include "plugin/command_output.h"

/* ---- what is read ---- */

static int read_secret(struct terminal_input *in, bool twice)
{
    char again[sizeof(in->secret)];
    int result = cli_read_secret(twice ? "password" : "secret", in->secret, sizeof(in->secret));

    if (result == 0 && twice && isatty(STDIN_FILENO)) {
        result = cli_read_secret("again", again, sizeof(again));
        if (result == 0 && strcmp(in->secret, again) != 0) {
            fputs("the two are not the same; nothing was done\n", stderr);
            result = -1;
        }
        explicit_bzero(again, sizeof(again));
    }
    in->secret_n = result == 0 ? strlen(in->secret) : 0;
    return result;
}

static int read_all(struct buf *all)
{
    char bytes[65536];
    size_t n;

    while ((n = fread(bytes, 1, sizeof(bytes), stdin)) > 0) {
        buf_add(all, bytes, n);
        if (all->n > COMMAND_INPUT_MAX) {
            fprintf(stderr, "standard input: has more than %d MiB, which is all that a command takes\n",
                    COMMAND_INPUT_MAX >> 20);
            return -1;
        }
    }
    if (!ferror(stdin) && !buf_failed(all))
        return 0;
    fprintf(stderr, "standard input: cannot be read: %s\n", strerror(buf_failed(all) ? ENOMEM : errno));
    return -1;
}

/* ---- parts ---- */

enum { FILE_MAX = 1 << 20 };

static void add_member(struct buf *out, const char *name, struct str text)
{
    buf_add_text(out, out->n > 0 && out->p[out->n - 1] == '{' ? "" : ",");
    buf_add_json(out, str_from(name));
    buf_add_char(out, ':');
    buf_add_json(out, text);
}

static int read_secrets(struct terminal_input *in, const json_t *names)
{
    int result = 0;
    size_t i;
    json_t *name;

    json_array_foreach(names, i, name)
    {
        result = cli_read_secret(json_string_value(name), in->secret, sizeof(in->secret));
        if (result == 0 && !str_is_utf8(str_from(in->secret))) {
            fprintf(stderr, "%s: what was given on standard input is not UTF-8\n", json_string_value(name));
            result = -1;
        }
        if (result != 0)
            return -1;
        add_member(&in->all, json_string_value(name), str_from(in->secret));
        explicit_bzero(in->secret, sizeof(in->secret));
    }
    return 0;
}

static int read_file(struct buf *out, const char *path)
{
    FILE *f = fopen(path, "re");
    char bytes[4096];
    size_t n;

    while (f && out->n <= FILE_MAX && (n = fread(bytes, 1, sizeof(bytes), f)) > 0)
        buf_add(out, bytes, n);
    bool is_read = f && !ferror(f);
    int error = errno;
    if (f)
        fclose(f);
    if (is_read && out->n <= FILE_MAX && !buf_failed(out) && str_is_utf8(buf_str(out)) &&
        !memchr(out->p ? out->p : "", 0, out->n))
        return 0;
    fprintf(stderr, "%s: %s\n", path,
            !is_read            ? strerror(error)
            : out->n > FILE_MAX ? "has more than 1 MiB, which no certificate has"
                                : "is no text");
    return -1;
}

static int read_files(struct terminal_input *in, const dw_command *command, const json_t *values)
{
    for (const dw_argument *a = command->arguments; a->name; a++) {
        const char *path = json_string_value(json_object_get(values, argument_key(a)));
        struct buf text = BUF_INIT;
        if (a->type != COMMAND_ARGUMENT_FILE || !path)
            continue;
        int result = read_file(&text, path);
        if (result == 0)
            add_member(&in->all, argument_key(a), buf_str(&text));
        if (text.p)
            explicit_bzero(text.p, text.cap);
        buf_finish(&text);
        if (result != 0)
            return -1;
    }
    return 0;
}

static int read_parts(struct terminal_input *in, const dw_command *command, const json_t *values)
{
    buf_add_text(&in->all, "{\"secrets\":{");
    if (read_secrets(in, json_object_get(values, "secret")) != 0)
        return -1;
    buf_add_text(&in->all, "},\"files\":{");
    if (read_files(in, command, values) != 0)
        return -1;
    buf_add_text(&in->all, "}}");
    if (!buf_failed(&in->all))
        return 0;
    fputs("out of memory\n", stderr);
    return -1;
}

int terminal_read(struct terminal_input *in, const dw_command *command, const json_t *values)
{
    *in = (struct terminal_input){ .secret_n = 0, .all = BUF_INIT };
    switch (command->input) {
    case DW_INPUT_PASSWORD: return read_secret(in, true);
    case DW_INPUT_SECRET: return read_secret(in, false);
    case DW_INPUT_TEXT:
    case DW_INPUT_BYTES: return read_all(&in->all);
    case COMMAND_INPUT_PARTS: return read_parts(in, command, values);
    default: return 0;
    }
}

void terminal_input_finish(struct terminal_input *in)
{
    explicit_bzero(in->secret, sizeof(in->secret));
    if (in->all.p)
        explicit_bzero(in->all.p, in->all.cap);
    buf_finish(&in->all);
}

/* ---- what is shown ---- */

static bool has_progress;

enum command_answer terminal_ask(const char *question)
{
    struct buf plain = BUF_INIT;
    char answer[16] = "";

    if (!isatty(STDIN_FILENO))
        return COMMAND_NOBODY;
    terminal_clear();
    command_output_plain(&plain, str_from(question));
    fprintf(stderr, "%s [y/N] ", buf_text(&plain));
    buf_finish(&plain);
    if (fgets(answer, sizeof(answer), stdin) && (strcmp(answer, "y\n") == 0 || strcmp(answer, "yes\n") == 0))
        return COMMAND_YES;
    fputs("nothing was done\n", stderr);
    return COMMAND_NO;
}

/* How wide it is; what is wider would wrap, and then the next line is not drawn over this one but below. */
static size_t columns_of_terminal(void)
{
    struct winsize size = { .ws_col = 0 };

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1U : 79;
}

/* "  [######--------]  43 %", where there is room for it. */
static void add_bar(struct buf *line, int64_t done, int64_t total, size_t columns)
{
    enum { LEAST = 10, MOST = 40, AROUND = 11 };
    const size_t taken = table_width(buf_str(line)) + AROUND;
    const double part = done < 0 ? 0 : done > total ? 1 : (double)done / (double)total;

    if (columns < taken + LEAST)
        return;
    const size_t width = columns - taken < MOST ? columns - taken : MOST;
    const size_t full = (size_t)(part * (double)width);
    buf_add_text(line, "  [");
    for (size_t i = 0; i < width; i++)
        buf_add_char(line, i < full ? '#' : '-');
    buf_add_format(line, "] %3d %%", (int)(part * 100));
}

void terminal_write_progress(struct buf *line, int64_t done, int64_t total, struct str what, size_t columns)
{
    size_t n = 0;

    if (total > 0)
        buf_add_format(line, "%" PRId64 " of %" PRId64 " ", done, total);
    else if (done > 0)
        buf_add_format(line, "%" PRId64 " ", done);
    command_output_plain(line, what);
    for (size_t width = 0; n < line->n; n++) { /* cut before the character that has no room */
        width += ((unsigned char)line->p[n] & 0xc0) != 0x80;
        if (width > columns)
            break;
    }
    line->n = n;
    if (total > 0)
        add_bar(line, done, total, columns);
}

static bool may_draw(void)
{
    const char *kind = getenv("TERM");

    return isatty(STDERR_FILENO) && kind && strcmp(kind, "dumb") != 0;
}

void terminal_progress(int64_t done, int64_t total, const char *what)
{
    struct buf line = BUF_INIT;

    if (!may_draw())
        return;
    terminal_write_progress(&line, done, total, str_from(what), columns_of_terminal());
    fprintf(stderr, "\r%.*s\x1b[K", STR_ARG(buf_str(&line)));
    buf_finish(&line);
    has_progress = true;
}

void terminal_clear(void)
{
    if (has_progress)
        fputs("\r\x1b[K", stderr);
    has_progress = false;
}

bool terminal_write(struct str text)
{
    static bool has_failed;

    terminal_clear();
    if (has_failed)
        return false;
    has_failed = fwrite(text.p, 1, text.n, stdout) != text.n || fflush(stdout) != 0;
    if (has_failed)
        fprintf(stderr, "standard output: cannot be written: %s\n", strerror(errno));
    return !has_failed;
}
