#include "plugin/channel_position.h"

#include <inttypes.h>
#include <stdio.h>

void channel_position_write(const struct channel_position *p, char out[CHANNEL_POSITION_SIZE])
{
    if (p->passing)
        snprintf(out, CHANNEL_POSITION_SIZE, "%" PRIu64 ".%" PRIu64, p->records, p->passing);
    else
        snprintf(out, CHANNEL_POSITION_SIZE, "%" PRIu64, p->records);
}

static bool parse(struct str id, struct channel_position *out)
{
    struct str records, passing = id;

    str_split(&passing, '.', &records);
    out->passing = 0;
    if (!str_to_uint(records, INT64_MAX, &out->records))
        return false;
    return !passing.p || str_to_uint(passing, INT64_MAX, &out->passing);
}

struct channel_resume channel_resume_at(struct str last_id, const struct channel_position *now)
{
    struct channel_position seen;

    if (last_id.n == 0)
        return (struct channel_resume){ 0, false };
    if (!parse(last_id, &seen) || seen.records > now->records)
        return (struct channel_resume){ 0, true };
    bool is_here = seen.records == now->records && seen.passing == now->passing;
    return (struct channel_resume){ seen.records, seen.passing > 0 && !is_here };
}
