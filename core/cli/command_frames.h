/* command_frames.h - how the program that was called and the server speak about a plugin's verb.
 *
 * The program asks dowel.sock for {"verb":"command"}; the supervisor hands the connection to the server process, and from
 * then on both sides send frames: a letter, the length in four bytes (the high one first), so many bytes.
 *
 *   server  R                   I have it, go on
 *   program r {"plugin":"auth","command":"user add","arguments":["user","add","ann@example.org"],"json":false,
 *             "input":1}
 *           s the secret / i a part of standard input, again and again
 *           b                   that was all: begin
 *   server  o a piece of the output; q a question, to which the program answers a "y", "n" or "-" (nobody is there);
 *           p "DONE TOTAL WHAT"
 *           x "EXIT\nerror"     the end
 *
 * A program that shuts down its sending side, or goes, has cancelled the command. The letters are an interface between
 * versions: who gets one that he does not know skips it. */
#ifndef CLI_COMMAND_FRAMES_H
#define CLI_COMMAND_FRAMES_H

#include "util/buf.h"

enum frame_kind {
    FRAME_READY = 'R',
    FRAME_REQUEST = 'r',
    FRAME_SECRET = 's',
    FRAME_INPUT = 'i',
    FRAME_BEGIN = 'b',
    FRAME_OUTPUT = 'o',
    FRAME_QUESTION = 'q',
    FRAME_ANSWER = 'a',
    FRAME_PROGRESS = 'p',
    FRAME_END = 'x'
};

enum { FRAME_MAX = 1 << 20 };

/* What is longer than FRAME_MAX goes in several. 0, or -1 with errno. */
int frame_send(int fd, enum frame_kind kind, struct str payload);

/* Waits for one, which takes the place of what `payload` held; for as long as the socket's own timeout. 1; 0: the other
 * side has ended; -1 with errno. */
int frame_receive(int fd, enum frame_kind *kind, struct buf *payload);

#endif
