#include "http/insider.h"

/* Not address_scope_of: that looks through translated forms, which is right for refusing and wrong for allowing. */
static bool is_this_machine(const struct address *a)
{
    static const struct network loopback4 = { .base = { .bytes = { 127 }, .size = 4 }, .bits = 8 };
    static const struct network loopback6 = { .base = { .bytes = { [15] = 1 }, .size = 16 }, .bits = 128 };

    return a->size == 0 || network_contains(&loopback4, a) || network_contains(&loopback6, a);
}

bool insider_judge(const struct insider_caller *caller, const struct network *allow, size_t allow_n)
{
    if (!caller->known || caller->signs_of_proxy)
        return false;
    if (is_this_machine(&caller->client))
        return true;
    for (size_t i = 0; i < allow_n; i++) {
        if (network_contains(&allow[i], &caller->client))
            return true;
    }
    return false;
}
