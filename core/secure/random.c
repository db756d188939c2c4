#include "secure/random.h"

#include <errno.h>
#include <sys/random.h>

int random_bytes(void *out, size_t n)
{
    char *at = out;

    while (n) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        at += got;
        n -= (size_t)got;
    }
    return 0;
}

int random_token(char *out, size_t n)
{
    size_t length = base64_size(n, BASE64_URL_BARE);
    char *bytes = out + length - n; /* where base64_encode() may find what it overwrites */

    out[0] = 0;
    if (random_bytes(bytes, n) != 0) {
        out[0] = 0;
        return -1;
    }
    base64_encode(out, str_make(bytes, n), BASE64_URL_BARE);
    out[length] = 0;
    return 0;
}
