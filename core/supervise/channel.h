/* channel.h - what the supervisor and a generation say to each other: packets of one letter and a text.
 *
 * The letters are an interface between versions: after an upgrade a new supervisor speaks with an old generation. An
 * end that sees an unknown letter ignores it. */
#ifndef SUPERVISE_CHANNEL_H
#define SUPERVISE_CHANNEL_H

#include "util/str.h"

enum channel_kind {
    /* up */
    CHANNEL_READY = 'R',     /* accepts connections */
    CHANNEL_FAILED = 'F',    /* "EXIT TEXT": will not become ready */
    CHANNEL_HEARTBEAT = 'H', /* all loops went round lately */
    CHANNEL_CLOSED = 'C',    /* accepts no more */
    CHANNEL_DRAINED = 'E',   /* the last connection has ended */
    CHANNEL_STUCK = 'K',     /* "FOR_US\nOWNER\nWHAT": a piece of work overstays */
    CHANNEL_ALONE = 'A',     /* before it is ready no other generation may be left */
    CHANNEL_PATIENCE = 'P',  /* "US": what it does before it is ready may take so long from now */
    /* down */
    CHANNEL_DRAIN = 'd',    /* "IDLE_US" */
    CHANNEL_STOP = 's',     /* end now */
    CHANNEL_IS_ALONE = 'a', /* the answer to CHANNEL_ALONE: none is left */
    CHANNEL_CLIENT = 'c'    /* with a descriptor: a connection of dowel.sock, whose request was "command" */
};

enum { CHANNEL_TEXT_MAX = 16384 };

/* A pair of connected ends, close-on-exec; the supervisor's, [0], does not block. 0 or -1 with errno. */
int channel_open(int ends[2]);

/* Text beyond the maximum is cut. 0, or -1: the other end is gone or does not read. [any thread] */
int channel_send(int fd, enum channel_kind kind, struct str text);

/* The same with a descriptor, of which the other end gets a copy. Never waits: -1 with EAGAIN when there is no room. */
int channel_pass(int fd, enum channel_kind kind, int passed);

/* > 0 with a packet, 0 when there is none now, -1 when the other end is gone. text is terminated, in `room`. */
int channel_receive(int fd, enum channel_kind *kind, struct str *text, char room[CHANNEL_TEXT_MAX + 2]);

/* The same; *passed is a descriptor that came along (close-on-exec, the caller's), or -1. */
int channel_receive_passed(int fd, enum channel_kind *kind, struct str *text, char room[CHANNEL_TEXT_MAX + 2],
                           int *passed);

#endif
