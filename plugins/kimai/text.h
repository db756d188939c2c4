/* text.h - descriptions of timesheets: their marker, and what of them Kimai can keep and find. [any thread] */
#ifndef KIMAI_TEXT_H
#define KIMAI_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum {
    TEXT_MAX = 65535, /* bytes: Kimai's column is a TEXT, and more is an error 500 of its */
    TERM_SIZE = 128
};

/* Is `marker` exactly the first line? Browsers end lines with \r\n; text may be NULL. */
bool text_begins(const char *text, const char *marker);

/* How much of the first n bytes of a UTF-8 text can stand alone: less than n where these end inside of a character. */
size_t text_whole(const char *text, size_t n);

/* How many bytes of it can be kept, at a border of UTF-8; -1: not even its first line, which is never cut. */
ptrdiff_t text_fitting(const char *text, size_t max);

/* What Kimai's search is asked for, so that it finds at least all texts with this marker. Its `term` is a LIKE, but in it "a:b"
 * is a search in the field a (in 2.66 whatever comes behind the first colon, earlier only where there is exactly one), "!a"
 * excludes, and blanks separate. So: a piece without any of these. "" where the marker has no such piece. */
void text_term(const char *marker, char out[TERM_SIZE]);

/* Characters of a UTF-8 text; how many bytes the first `chars` of them take. */
size_t text_length(const char *text);
size_t text_bytes_of(const char *text, size_t chars);

#endif
