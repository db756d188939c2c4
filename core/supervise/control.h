/* control.h - data/dowel.sock: how the command line speaks with the running server.
 *
 * One request a connection, one line of JSON: {"verb":"reload","arguments":{}}. The answer is one line as well:
 * {"ok":true,...} or {"ok":false,"exit":3,"error":"..."}. But for {"verb":"command"}: that connection is handed to the
 * generation that serves, which answers on it itself (cli/command_frames.h). Only our own user and root are heard. Nothing here waits.
 * [one thread] */
#ifndef SUPERVISE_CONTROL_H
#define SUPERVISE_CONTROL_H

#include <jansson.h>
#include <poll.h>

#include "util/buf.h"

enum { CONTROL_CLIENTS = 16, CONTROL_LINE_MAX = 16384 };

struct control_client {
    int fd; /* -1: free */
    char *line;
    size_t n;
    int64_t deadline_us; /* until the whole line must be here; 0: it is, and an answer is owed */
    int waits_for;       /* what the answer depends on: the owner's number, 0: nothing yet */
};

struct control {
    int fd;
    struct control_client clients[CONTROL_CLIENTS];
    /* A complete request: answers now (control_reply), or says what for the client waits and answers then. */
    void (*request)(struct control_client *c, const char *verb, const json_t *arguments, void *ud);
    void *ud;
};

/* Makes the socket (mode 0600). The data lock is held: what is there is a dead server's, and is replaced. `adopted` is
 * a descriptor that another image of this process left, else -1. 0, or -1 with a sentence added to why. */
int control_open(struct control *c, const char *data_dir, int adopted, struct buf *why);

/* Closes everything; with the file when `data_dir` is not NULL. */
void control_close(struct control *c, const char *data_dir);

/* A connection of an earlier image whose answer is owed; takes fd. */
void control_adopt(struct control *c, int fd, int waits_for);

/* fds has room for 1 + CONTROL_CLIENTS; unused ones get -1. */
void control_poll(const struct control *c, struct pollfd *fds);
void control_ready(struct control *c, const struct pollfd *fds);

/* The next deadline, or INT64_MAX; past ones are cut off by control_expire. */
int64_t control_deadline(const struct control *c);
void control_expire(struct control *c, int64_t now_us);

/* Takes the answer (which may be NULL when memory is out) and ends the connection. */
void control_reply(struct control_client *c, json_t *answer);

/* Somebody else has the connection now: ours is closed without a word. */
void control_release(struct control_client *c);

/* Whoever waited for `from` waits for `to`. */
void control_move(struct control *c, int from, int to);

/* All that wait for it get a copy. Takes answer. */
void control_reply_all(struct control *c, int waited_for, json_t *answer);

#endif
