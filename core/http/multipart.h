/* multipart.h - multipart/form-data (RFC 7578), a strict state machine over bytes: it knows no socket and no file,
 * allocates nothing, and gives the same parts however the bytes are cut into pieces.
 *
 * Strict, because whoever filters requests in front of us must not be made to see other parts than we do: no text
 * before the first boundary or after the last one, nothing between a boundary and its line end, no folded headers, no
 * bare CR or LF in them, exactly one Content-Disposition with exactly one name, no filename*. What clients really
 * differ in is taken: quoted or plain parameters, backslashes in file names, a missing line end at the very end. */
#ifndef HTTP_MULTIPART_H
#define HTTP_MULTIPART_H

#include "util/str.h"

enum {
    MULTIPART_PARTS_MAX = 100,
    MULTIPART_HEAD_MAX = 8192, /* bytes of one part's headers */
    MULTIPART_NAME_MAX = 1024, /* bytes of a name or file name */
    MULTIPART_BOUNDARY_MAX = 70
};

/* UTF-8 without control characters. Names are as sent: browsers write a quote in them as %22. */
struct multipart_part {
    struct str name;
    struct str filename;     /* p NULL: a plain field. What the client calls its file: never a path of ours */
    struct str content_type; /* p NULL: none was sent */
};

/* Each returns 0 to go on, or the HTTP status to fail with. The texts live until the function returns. `end` is called
 * for each begin, unless something fails. */
struct multipart_events {
    int (*begin)(const struct multipart_part *part, void *ud);
    int (*data)(struct str piece, void *ud);
    int (*end)(void *ud);
    void *ud;
};

struct multipart {
    struct multipart_events on;
    char delimiter[4 + MULTIPART_BOUNDARY_MAX]; /* CR LF "--" boundary */
    uint8_t delimiter_n;
    uint8_t matched; /* bytes of it that were seen */
    uint8_t state;
    uint16_t parts, head_n;
    int status;         /* of a failure: 400, 413, 415, or what a function above returned */
    const char *reason; /* of a failure: a sentence for the client; constant */
    char head[MULTIPART_HEAD_MAX];
};

/* content_type is the request's field. 0, or -1 (415: not multipart/form-data; 400: no boundary, or a bad one). */
int multipart_begin(struct multipart *m, struct str content_type, const struct multipart_events *on);

/* The next bytes. 0, or -1 with status and reason, also when called again after a failure. */
int multipart_feed(struct multipart *m, struct str bytes);

/* There are no more bytes: 0, or -1 when the last boundary is missing. */
int multipart_end(struct multipart *m);

/* A name under which a file may be offered to people: the last component, without control characters and what file
 * systems or shells trip over, not hidden, not reserved on Windows, "file" if nothing is left. Still no path to open:
 * files are stored under ids. */
enum { MULTIPART_SAFE_NAME = 128 };
struct str multipart_safe_name(struct str filename, char out[MULTIPART_SAFE_NAME]);

#endif
