/* conditional.h - preconditions and ranges (RFC 9110, 13 and 14): whether to do what was asked, and with which bytes.
 * Pure. [any thread] */
#ifndef HTTP_CONDITIONAL_H
#define HTTP_CONDITIONAL_H

#include <sys/types.h>

#include "util/str.h"

/* The fields, each with p NULL when it is not there. */
struct condition_fields {
    struct str if_match, if_unmodified_since, if_none_match, if_modified_since;
};

/* What the server has. */
struct validators {
    struct str etag;    /* with its quotes, "W/" before them when weak; p NULL: none, or no such resource */
    int64_t modified_s; /* since 1970; -1: not known */
};

enum condition {
    CONDITION_HOLDS,
    CONDITION_NOT_MODIFIED, /* 304, with ETag, Cache-Control and Vary as the 200 would have */
    CONDITION_FAILED        /* 412 */
};

/* In the order that RFC 9110 13.2.2 sets: If-Match or else If-Unmodified-Since, then If-None-Match or else
 * If-Modified-Since. Dates that are not in the preferred form are ignored. is_read: GET or HEAD. */
enum condition condition_judge(const struct condition_fields *fields, const struct validators *have,
                               bool is_read);

/* Whether a list such as  "a", W/"b"  has the tag; "*" has every one. Strong comparison: neither may be weak. */
bool etag_list_has(struct str list, struct str etag, bool strong);

enum range {
    RANGE_WHOLE, /* 200: none was asked for, it makes no sense, or there are several */
    RANGE_PART,  /* 206 */
    RANGE_BEYOND /* 416 */
};

/* "bytes=0-99", "bytes=100-", "bytes=-100" of something of `size` bytes; `part` is filled for RANGE_PART. Several ranges
 * at once are answered with the whole, as 14.2 allows: no browser or download tool needs them, and they are the known
 * way to make a server build huge answers. If-Range (p NULL: none) must be the present strong ETag or, to the second,
 * the present date; else the whole is wanted. */
struct range_part {
    off_t offset, size;
};
enum range range_judge(struct str range, struct str if_range, const struct validators *have, off_t size,
                       struct range_part *part);

#endif
