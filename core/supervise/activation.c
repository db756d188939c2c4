#include "supervise/activation.h"

#include "util/compiler.h"

enum { DESCRIPTORS_MAX = 32 };

int activation_parse(struct activation *out, const char *listen_pid, const char *listen_fds,
                     const char *names, long pid)
{
    uint64_t for_pid, n;

    *out = (struct activation){ 0 };
    if (!listen_pid || !listen_fds)
        return 0;
    if (!str_to_uint(str_from(listen_pid), INT32_MAX, &for_pid))
        return -1;
    if ((long)for_pid != pid)
        return 0;
    if (!str_to_uint(str_from(listen_fds), DESCRIPTORS_MAX, &n))
        return -1;
    out->n = (unsigned)n;
    out->names = names;
    return 0;
}

struct str activation_name(const struct activation *a, unsigned i)
{
    struct str rest = str_from(a->names), name;

    while (str_split(&rest, ':', &name)) {
        if (i-- == 0)
            return name;
    }
    return str_make(NULL, 0);
}
