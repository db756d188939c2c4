/* vectors.h - where the test vectors of others are: $DOWEL_VECTORS, else ../shared/vectors beside the source tree. They
 * may be absent; a test then skips. */
#ifndef SUPPORT_VECTORS_H
#define SUPPORT_VECTORS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* False when there is no such file or folder. */
static inline bool vectors_path(char *out, size_t size, const char *name)
{
    const char *root = getenv("DOWEL_VECTORS");
    int n;

    if (root && *root)
        n = snprintf(out, size, "%s/%s", root, name);
    else
        n = snprintf(out, size, "%s/../shared/vectors/%s", DOWEL_SOURCE_DIR, name);
    return n > 0 && (size_t)n < size && access(out, R_OK) == 0;
}

#endif
