/* command_remote.c - a plugin's verb that runs in the server. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/command_frames.h"
#include "cli/commands.h"
#include "supervise/remote.h"

/* ---- Ctrl-C: the server learns of it, and says how it ended; a second one ends this program ---- */

static int connection = -1;

static void on_interrupt(int number)
{
    int error = errno;
    (void)number;
    shutdown(connection, SHUT_WR);
    errno = error;
}

static void cancel_on_interrupt(int fd)
{
    const struct sigaction action = { .sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND };

    connection = fd;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* ---- asking ---- */

static void send_request(int fd, const struct cli_call *call)
{
    json_t *arguments = json_array();
    int rc = arguments ? 0 : -1;

    for (int i = 0; rc == 0 && i < call->c->argc; i++)
        rc = json_array_append_new(arguments, json_string(call->c->argv[i]));
    json_t *request =
        json_pack("{s:s, s:s, s:o, s:b, s:i}", "plugin", call->plugin, "command", call->command->name,
                  "arguments", arguments, "json", call->c->json, "input", (int)call->command->input);
    char *text = rc == 0 && request ? json_dumps(request, JSON_COMPACT) : NULL;
    json_decref(request);
    rc = text ? frame_send(fd, FRAME_REQUEST, str_from(text)) : -1;
    free(text);
    if (rc == 0 && call->input.secret_n > 0)
        rc = frame_send(fd, FRAME_SECRET, str_make(call->input.secret, call->input.secret_n));
    if (rc == 0 && call->input.all.n > 0)
        rc = frame_send(fd, FRAME_INPUT, buf_str(&call->input.all));
    if (rc == 0)
        frame_send(fd, FRAME_BEGIN, STR_OF(""));
    else
        shutdown(fd, SHUT_WR);
}

/* Where it cannot be sent, the command was cancelled, and its end comes. */
static void answer_question(int fd, const char *question)
{
    static const char *const letters[] = { [COMMAND_NO] = "n", [COMMAND_YES] = "y" };
    enum command_answer answer = terminal_ask(question);

    frame_send(fd, FRAME_ANSWER, str_from(answer == COMMAND_NOBODY ? "-" : letters[answer]));
}

static void show_progress(const char *line)
{
    char *rest;
    long long done = strtoll(line, &rest, 10), total = strtoll(rest, &rest, 10);

    terminal_progress(done, total, *rest == ' ' ? rest + 1 : rest);
}

/* "1\nerror" */
static int take_end(const struct cli_call *call, const char *text)
{
    int result = *text >= '0' && *text <= '0' + CLI_UNREACHABLE ? *text - '0' : CLI_FAILED;
    const char *error = strchr(text, '\n');

    return result == CLI_OK ? CLI_OK : command_failed(call, result, error ? error + 1 : "");
}

static int lost(const char *data_dir)
{
    terminal_clear();
    fprintf(
        stderr,
        "the server ended while the command ran; what it did is not known. Its log says why, and if a plugin "
        "crashed, a note in %s/crashes\n",
        data_dir);
    return CLI_FAILED;
}

/* What the server says until the end. */
static int attend(int fd, const struct cli_call *call)
{
    struct buf payload = BUF_INIT;
    enum frame_kind kind;
    int result = -1, rc = 1;

    while (result < 0 && rc > 0) {
        rc = frame_receive(fd, &kind, &payload);
        if (rc <= 0)
            break;
        if (kind == FRAME_OUTPUT && !terminal_write(buf_str(&payload)))
            result = CLI_FAILED; /* and the server cancels it, as nobody listens any more */
        else if (kind == FRAME_QUESTION)
            answer_question(fd, buf_text(&payload));
        else if (kind == FRAME_PROGRESS)
            show_progress(buf_text(&payload));
        else if (kind == FRAME_END)
            result = take_end(call, buf_text(&payload));
    }
    terminal_clear();
    buf_finish(&payload);
    return result >= 0 ? result : lost(call->c->data_dir);
}

/* ---- being let in ---- */

/* What the supervisor answers in its server's place: a line of JSON whose first byte is taken for a frame's letter. */
static int refused(int fd, bool *again, struct buf *why)
{
    char rest[4096];
    ssize_t n = recv(fd, rest + 1, sizeof(rest) - 1, 0);
    json_t *answer;

    rest[0] = '{';
    answer = json_loadb(rest, n > 0 ? (size_t)n + 1 : 1, JSON_DISABLE_EOF_CHECK, NULL);
    const char *error = json_string_value(json_object_get(answer, "error"));
    buf_add_text(why, error ? error : "the server refused, and did not say why");
    *again = json_is_true(json_object_get(answer, "starting"));
    json_decref(answer);
    return CLI_FAILED;
}

/* A frame, or a line of the supervisor's. */
static int enter(int fd, bool *again, struct buf *why)
{
    static const char hello[] = "{\"verb\":\"command\"}\n";
    struct buf payload = BUF_INIT;
    enum frame_kind kind;
    int result = CLI_FAILED;
    char first = 0;

    if (send(fd, hello, sizeof(hello) - 1, MSG_NOSIGNAL) < 0 || recv(fd, &first, 1, MSG_PEEK) != 1) {
        buf_add_text(why, "the server closed the connection without a word; try again in a moment");
        return CLI_FAILED;
    }
    if (first == '{') {
        recv(fd, &first, 1, 0);
        return refused(fd, again, why);
    }
    if (frame_receive(fd, &kind, &payload) == 1 && kind == FRAME_READY)
        result = CLI_OK;
    else if (kind == FRAME_END && strchr(buf_text(&payload), '\n'))
        buf_add_text(why, strchr(buf_text(&payload), '\n') + 1);
    else
        buf_add_text(why, "the server says what this program does not understand");
    buf_finish(&payload);
    return result;
}

int command_remote(const struct cli_call *call, bool *again, struct buf *why)
{
    int fd = remote_connect(call->c->data_dir, why), result;

    if (fd < 0)
        return CLI_UNREACHABLE;
    result = enter(fd, again, why);
    if (result == CLI_OK) {
        cancel_on_interrupt(fd);
        send_request(fd, call); /* where that does not work, what the server says tells why */
        result = attend(fd, call);
    }
    close(fd);
    return result;
}
