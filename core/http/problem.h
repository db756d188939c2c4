/* problem.h - every error that this server answers with, and how one is written (RFC 9457).
 *
 * One table says for each status what a problem is called, what it means and what to do about it. The bodies, the
 * pages that their `type` leads to, and docs/problems.md are made from it. [any thread] */
#ifndef HTTP_PROBLEM_H
#define HTTP_PROBLEM_H

#include "http/language.h"
#include "util/buf.h"

struct problem {
    int status;
    const char *slug;   /* of its page: /problems/SLUG */
    const char *title;  /* the same for every occurrence */
    const char *german; /* the same title */
    const char *meaning;
    const char *what_to_do;
};

#define PROBLEM_CONTENT_TYPE "application/problem+json"

/* Never NULL: a status without an entry is what its class is (400 or 500). */
const struct problem *problem_of(int status);

/* NULL when there is none. */
const struct problem *problem_by_slug(struct str slug);

/* The table, by status; NULL after the last one. */
const struct problem *problem_at(size_t i);

/* One of several things that are wrong with a request: where (a JSON pointer such as "#/user/age"), and what. */
struct problem_error {
    struct str pointer, detail;
};

/* The body: type, title, status, then detail and instance (the request id) unless empty, and errors[] unless there
 * are none. `status` is the one that is sent, also when the table only knows its class. */
void problem_write(struct buf *out, int status, struct str detail, struct str instance,
                   const struct problem_error *errors, size_t errors_n);

/* The same with its title in that language; the detail is the caller's. */
void problem_write_in(struct buf *out, enum http_language language, int status, struct str detail,
                      struct str instance, const struct problem_error *errors, size_t errors_n);

/* The page of one problem, text/html; and the chapter with all of them, markdown. */
void problem_write_page(struct buf *out, const struct problem *p);
void problem_write_chapter(struct buf *out);

#endif
