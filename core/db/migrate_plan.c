/* migrate_plan.c - history and files side by side, and what speaks against going on. */
#include "db/migrate.h"

const char *migrate_state_name(enum migrate_state state)
{
    static const char *const names[] = {
        [MIGRATE_APPLIED] = "applied",
        [MIGRATE_PENDING] = "pending",
        [MIGRATE_CHANGED] = "changed",
        [MIGRATE_UNKNOWN] = "unknown",
    };
    return names[state];
}

/* ---- side by side ---- */

static const struct migrate_record *find_record(const struct migrate_history *h, const char *owner,
                                                unsigned number)
{
    for (size_t i = 0; i < h->n; i++) {
        if (h->v[i].number == number && strcmp(h->v[i].owner, owner) == 0)
            return &h->v[i];
    }
    return NULL;
}

static enum migrate_state state_of(const struct migration *file, const struct migrate_record *record)
{
    if (!record)
        return MIGRATE_PENDING;
    return strcmp(file->checksum, record->checksum) == 0 ? MIGRATE_APPLIED : MIGRATE_CHANGED;
}

static void add_step(struct migrate_plan *p, struct migrate_step step)
{
    p->pending += step.state == MIGRATE_PENDING;
    p->applied += step.state != MIGRATE_PENDING;
    p->steps[p->n++] = step;
}

static void add_file(struct migrate_plan *p, const struct migration *file,
                     const struct migrate_record *record)
{
    add_step(p, (struct migrate_step){ .number = file->number,
                                       .name = file->name,
                                       .state = state_of(file, record),
                                       .file = file,
                                       .record = record });
}

static void add_unknown(struct migrate_plan *p, const struct migrate_record *record)
{
    add_step(
        p, (struct migrate_step){
               .number = record->number, .name = record->name, .state = MIGRATE_UNKNOWN, .record = record });
}

/* ---- what speaks against it ---- */

static const char *say_changed(struct arena *arena, const struct migrate_step *step)
{
    return arena_format(
        arena,
        "%s was changed after it had been applied (by dowel %s; its SHA-256 was %.12s..., now it is "
        "%.12s...): put the file back as it was, and write what is to change into a new migration",
        step->file->source, step->record->server, step->record->checksum, step->file->checksum);
}

static const char *say_unknown(struct arena *arena, const struct migrate_plan *p,
                               const struct migrate_step *step)
{
    const char *what = strcmp(p->owner, "core") == 0 ? "this server" : "this plugin";

    return arena_format(
        arena,
        "the database is newer than %s: it has the migration %s of %s, applied by dowel %s, of which "
        "%s has no file: install the version that has it, or take the migration back with that version: "
        "dowel db down %s",
        what, step->name, p->owner, step->record->server, what, p->owner);
}

/* An older one is missing in the history while a newer is there: somebody has changed the table by hand. */
static const char *say_gap(struct arena *arena, const struct migrate_plan *p, const struct migrate_step *step)
{
    return arena_format(arena,
                        "the history of %s has a gap: %s was applied and %s before it was not; the table "
                        "dowel_migrations was changed by hand, restore a backup of the database",
                        p->owner, step[1].name, step->name);
}

static bool is_wrong(const struct migrate_plan *p, size_t i)
{
    if (p->steps[i].state == MIGRATE_PENDING)
        return i + 1 < p->n && p->steps[i + 1].record;
    return p->steps[i].state != MIGRATE_APPLIED;
}

/* NULL: memory is out. */
static const char *say_why(struct arena *arena, const struct migrate_plan *p, const struct migrate_step *step)
{
    if (!step->record)
        return say_gap(arena, p, step);
    return step->file ? say_changed(arena, step) : say_unknown(arena, p, step);
}

int migrate_plan_make(struct migrate_plan *out, struct arena *arena, const struct migrations *migrations,
                      const struct migrate_history *history)
{
    *out = (struct migrate_plan){ .owner = migrations->owner };
    out->steps = arena_calloc(arena, (migrations->n + history->n + 1) * sizeof(*out->steps));
    if (!out->steps)
        return -1;
    for (size_t i = 0; i < migrations->n; i++)
        add_file(out, &migrations->v[i], find_record(history, migrations->owner, migrations->v[i].number));
    /* The history is sorted by number, and files have no gap: what has none comes behind them. */
    for (size_t i = 0; i < history->n; i++) {
        const struct migrate_record *record = &history->v[i];
        if (strcmp(record->owner, migrations->owner) == 0 && record->number > migrations->n)
            add_unknown(out, record);
    }
    for (size_t i = 0; i < out->n; i++) {
        if (!is_wrong(out, i))
            continue;
        out->wrong = say_why(arena, out, &out->steps[i]);
        return out->wrong ? 0 : -1;
    }
    return 0;
}
