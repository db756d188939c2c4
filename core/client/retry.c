#include "client/retry.h"

#include "util/clock.h"
#include "util/compiler.h"

bool retry_is_idempotent(struct str method)
{
    static const struct str safe[] = {
        STR("GET"), STR("HEAD"), STR("PUT"), STR("DELETE"), STR("OPTIONS"), STR("TRACE"),
    };
    for (size_t i = 0; i < DW_COUNT_OF(safe); i++) {
        if (str_equal(method, safe[i]))
            return true;
    }
    return false;
}

bool retry_is_transient(int status)
{
    return status == 408 || status == 429 || status == 502 || status == 503 || status == 504;
}

int64_t retry_after_us(struct str value, int64_t wall_us)
{
    static const int64_t day = 86400;
    uint64_t seconds;

    value = str_trim(value);
    if (str_to_uint(value, UINT64_MAX, &seconds))
        return (seconds < (uint64_t)day ? (int64_t)seconds : day) * CLOCK_SECOND;
    int64_t at = clock_parse_http(value.p, value.n);
    if (at < 0)
        return -1;
    int64_t now = wall_us / CLOCK_SECOND;
    if (at <= now)
        return 0;
    return (at - now < day ? at - now : day) * CLOCK_SECOND;
}

int64_t retry_backoff_us(unsigned attempt, int64_t base_us, int64_t cap_us, uint64_t random)
{
    int64_t most = base_us;

    while (attempt-- > 1 && most < cap_us)
        most *= 2;
    if (most > cap_us)
        most = cap_us;
    return (int64_t)(random % ((uint64_t)most + 1));
}
