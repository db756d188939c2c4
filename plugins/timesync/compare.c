#include "compare.h"

static struct compare_out as(enum verdict verdict, enum reason reason)
{
    return (struct compare_out){ verdict, reason };
}

static struct compare_out done(enum verdict verdict)
{
    return as(verdict, REASON_NONE);
}

/* It would be written to; if it may be. */
static struct compare_out write_to(const struct compare_in *in, enum verdict verdict)
{
    return in->is_exported ? as(VERDICT_CASE, REASON_LOCKED_OR_EXPORTED) : done(verdict);
}

static struct compare_out unlinked(const struct compare_in *in)
{
    return done(in->source == SOURCE_GONE ? VERDICT_FORGET : VERDICT_CREATE);
}

static struct compare_out source_gone(const struct compare_in *in, const struct rules *r)
{
    if (in->target == TARGET_UNKNOWN)
        return done(VERDICT_LOOK);
    if (in->target == TARGET_ABSENT)
        return done(VERDICT_FORGET);
    if (in->is_exported)
        return as(VERDICT_CASE, REASON_LOCKED_OR_EXPORTED);
    if (in->target == TARGET_CHANGED)
        return as(VERDICT_CASE,
                  REASON_DELETED_SOURCE); /* whatever the rule says: what would go is somebody's work */
    return r->source_deleted == SOURCE_DELETED_REMOVE ? done(VERDICT_REMOVE)
                                                      : as(VERDICT_CASE, REASON_DELETED_SOURCE);
}

static struct compare_out target_gone(const struct rules *r)
{
    switch (r->target_deleted) {
    case TARGET_DELETED_CREATE: return done(VERDICT_CREATE);
    case TARGET_DELETED_SKIP: return as(VERDICT_SKIP, REASON_DELETED_TARGET);
    default: return as(VERDICT_CASE, REASON_DELETED_TARGET);
    }
}

static struct compare_out target_changed(const struct compare_in *in, const struct rules *r)
{
    const bool both = in->source == SOURCE_CHANGED;

    switch (r->target_edited) {
    case TARGET_EDITED_RESTORE: return write_to(in, VERDICT_UPDATE);
    case TARGET_EDITED_UNFOLLOW: return done(VERDICT_UNFOLLOW);
    default: return as(VERDICT_CASE, both ? REASON_BOTH_CHANGED : REASON_TARGET_CHANGED);
    }
}

struct compare_out compare(const struct compare_in *in, const struct rules *r)
{
    if (in->link == LINK_UNFOLLOWED)
        return done(VERDICT_UNFOLLOW);
    if (in->link == LINK_NONE)
        return unlinked(in);
    if (in->source == SOURCE_GONE)
        return source_gone(in, r);
    switch (in->target) {
    case TARGET_UNKNOWN: return done(in->source == SOURCE_CHANGED ? VERDICT_LOOK : VERDICT_UNCHANGED);
    case TARGET_ABSENT: return target_gone(r);
    case TARGET_CHANGED:
        if (in->is_as_wanted)
            return done(VERDICT_ACCEPT);
        /* Both were changed to the same: what the target makes of it is found out by writing it. */
        return in->is_rounded && in->source == SOURCE_CHANGED ? write_to(in, VERDICT_UPDATE)
                                                              : target_changed(in, r);
    case TARGET_SAME:
    default: break;
    }
    if (in->source == SOURCE_SAME)
        return done(VERDICT_UNCHANGED);
    return in->is_as_wanted ? done(VERDICT_ACCEPT) : write_to(in, VERDICT_UPDATE);
}
