/* model_plan.h - what a seed makes of a history: rules, and steps. All chance is in it already, and a step names what it is about by
 * a name of its own, so that steps can be left out and the others stay what they are: that is how a failure is made small. */
#ifndef TIMESYNC_MODEL_PLAN_H
#define TIMESYNC_MODEL_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 60, SLOTS = 12, TICKETS = 5, CUSTOMERS = 3 }; /* of each desk */

/* ---- chance ---- */

static uint64_t chance_state;

static inline unsigned pick(unsigned below)
{
    chance_state = chance_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return below ? (unsigned)((chance_state >> 33) % below) : 0;
}

/* Seeds beside each other have nothing in common. */
static inline void chance_begin(uint64_t seed)
{
    seed = (seed ^ (seed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    seed = (seed ^ (seed >> 27)) * UINT64_C(0x94d049bb133111eb);
    chance_state = seed ^ (seed >> 31);
}

/* ---- rules: each with what it may be, as JSON; the first is what it is by itself ---- */

enum rule_name {
    RULE_SOURCE_DELETED,
    RULE_TARGET_EDITED,
    RULE_TARGET_DELETED,
    RULE_ZERO,
    RULE_NEGATIVE,
    RULE_MERGED,
    RULE_BILLABLE,
    RULE_PROJECT,
    RULE_ANCHOR,
    RULE_MINUTES,
    RULE_USER,
    RULE_TAGS,
    RULE_PARALLEL,
    RULE_MAX_DELETIONS,
    RULES_N
};

static const struct {
    const char *name, *values[4];
} rule_table[RULES_N] = {
    [RULE_SOURCE_DELETED] = { "source_deleted", { "\"decide\"", "\"remove\"" } },
    [RULE_TARGET_EDITED] = { "target_edited", { "\"decide\"", "\"unfollow\"", "\"restore\"" } },
    [RULE_TARGET_DELETED] = { "target_deleted", { "\"decide\"", "\"skip\"", "\"create\"" } },
    [RULE_ZERO] = { "zero", { "\"skip\"", "\"decide\"" } },
    [RULE_NEGATIVE] = { "negative", { "\"decide\"", "\"skip\"" } },
    [RULE_MERGED] = { "merged", { "\"keep\"", "\"decide\"" } },
    [RULE_BILLABLE] = { "billable", { "\"target\"", "\"always\"", "\"never\"" } },
    [RULE_PROJECT] = { "project", { "\"of_ticket\"", "\"of_customer\"" } },
    [RULE_ANCHOR] = { "anchor", { "\"ends\"", "\"begins\"" } },
    [RULE_MINUTES] = { "minutes_per_unit", { "\"1\"", "\"15\"", "\"7.5\"" } },
    [RULE_USER] = { "user", { "\"decide\"", "\"skip\"" } },
    [RULE_TAGS] = { "tags", { "[]", "[\"Dowel sync\"]", "[\"zammad\",\"Dowel sync\"]" } },
    [RULE_PARALLEL] = { "parallel", { "4", "1", "2" } },
    [RULE_MAX_DELETIONS] = { "max_deletions", { "0", "2" } },
};

static inline unsigned rule_values(unsigned rule)
{
    unsigned n = 0;

    while (n < 4 && rule_table[rule].values[n])
        n++;
    return n;
}

/* ---- what is booked ---- */

static const char *const amounts[] = { "10",  "30",   "7.5", "0.25", "60", "1",  "22.75",
                                       "480", "3.33", "15",  "0",    "-3", "1,5" };
static const char *const works[] = { "work", "travel",
                                     "thought" }; /* the last is mapped by nobody at the beginning */
static const char *const agents[] = { "ann", "bob", "eve" }; /* the last is unknown at the target */
enum { AMOUNTS = sizeof(amounts) / sizeof(*amounts), WORKS = 3, AGENTS = 3, GOOD_AMOUNTS = 10 };

/* ---- steps ---- */

enum step_kind {
    BOOK, /* at the desk: slot, ticket, amount, how long ago it says that it was created */
    AMOUNT,
    WORK,
    DROP,
    PUT_BACK,
    MOVE,
    MERGE,
    HAND_OVER, /* the ticket is another customer's */
    RETITLE,
    EXPORT, /* at the books, by people who do not know of the sync */
    UNEXPORT,
    LOCK,
    EDIT,
    REMOVE,
    COPY,
    CUT, /* weather */
    CUT_MAKE,
    CUT_LIST,
    CUT_DESK,
    REFUSE,
    FAIL,
    CRASH,
    RUN, /* the sync's own */
    JOBS,
    WAIT,
    HOOK,
    DECIDE, /* people */
    DECIDE_ALL,
    MAP,
    UNMAP,
    RULE,
    RELEASE,
    ABLE,
    UNDO,
    CANCEL,
    DURING, /* the next step happens between two requests of what comes then */
    KINDS
};

static const struct {
    const char *name;
    unsigned weight;
} kinds[KINDS] = {
    [BOOK] = { "book", 22 },
    [AMOUNT] = { "amount", 12 },
    [WORK] = { "work", 4 },
    [DROP] = { "drop", 7 },
    [PUT_BACK] = { "put back", 3 },
    [MOVE] = { "move", 4 },
    [MERGE] = { "merge", 2 },
    [HAND_OVER] = { "hand over", 2 },
    [RETITLE] = { "retitle", 2 },
    [EXPORT] = { "export", 6 },
    [UNEXPORT] = { "unexport", 2 },
    [LOCK] = { "lock", 2 },
    [EDIT] = { "edit there", 11 },
    [REMOVE] = { "remove there", 9 },
    [COPY] = { "copy there", 3 },
    [CUT] = { "cut", 14 },
    [CUT_MAKE] = { "cut a make", 4 },
    [CUT_LIST] = { "cut a list", 4 },
    [CUT_DESK] = { "cut the desk", 4 },
    [REFUSE] = { "refuse", 4 },
    [FAIL] = { "fail a step", 6 },
    [CRASH] = { "crash", 5 },
    [RUN] = { "run", 26 },
    [JOBS] = { "jobs", 8 },
    [WAIT] = { "wait", 14 },
    [HOOK] = { "hook", 8 },
    [DECIDE] = { "decide", 20 },
    [DECIDE_ALL] = { "decide all", 3 },
    [MAP] = { "map", 3 },
    [UNMAP] = { "unmap", 1 },
    [RULE] = { "rule", 4 },
    [RELEASE] = { "release", 3 },
    [ABLE] = { "enable or not", 2 },
    [UNDO] = { "undo", 3 },
    [CANCEL] = { "cancel", 1 },
    [DURING] = { "during", 4 },
};

struct step {
    enum step_kind kind;
    unsigned desk, slot, a, b, c, was; /* was: its place in the whole plan */
};

struct plan {
    uint64_t seed;
    unsigned desks;             /* 1 or 2, each with a sync into the same books */
    bool same_ids;              /* both desks count from one */
    bool rounds;                /* the books: outwards, to the minute */
    unsigned rules[2][RULES_N]; /* at the beginning */
    struct step steps[STEPS];
    unsigned n;
};

static inline enum step_kind some_kind(void)
{
    unsigned sum = 0, at;

    for (unsigned k = 0; k < KINDS; k++)
        sum += kinds[k].weight;
    at = pick(sum);
    for (unsigned k = 0; k < KINDS; k++) {
        if (at < kinds[k].weight)
            return (enum step_kind)k;
        at -= kinds[k].weight;
    }
    return RUN;
}

static inline void plan_make(struct plan *p, uint64_t seed)
{
    chance_begin(seed);
    *p = (struct plan){ .seed = seed, .desks = pick(3) ? 1 : 2, .n = STEPS };
    p->same_ids = pick(2);
    p->rounds = pick(3) == 0;
    for (unsigned d = 0; d < 2; d++)
        for (unsigned r = 0; r < RULES_N; r++)
            p->rules[d][r] = pick(3) ? pick(rule_values(r)) : 0;
    for (unsigned i = 0; i < p->n; i++)
        p->steps[i] = (struct step){
            .kind = i < 3 ? BOOK : some_kind(),
            .desk = pick(2) % p->desks,
            .slot = pick(SLOTS),
            .a = pick(1U << 16),
            .b = pick(1U << 16),
            .c = pick(1U << 16),
            .was = i,
        };
}

/* Only those steps: "3,17,20". */
static inline void plan_keep(struct plan *p, const char *list)
{
    unsigned n = 0;

    for (char *end; list && *list; list = *end ? end + 1 : end) {
        const unsigned long at = strtoul(list, &end, 10);

        if (end == list)
            break;
        if (at < STEPS && n <= at)
            p->steps[n++] = p->steps[at];
    }
    p->n = n;
}

/* Of a whole plan, or of one that was made small. */
static inline void plan_print(const struct plan *p, FILE *to)
{
    fprintf(to, "seed %llu: %u desk%s%s, the books %s\n", (unsigned long long)p->seed, p->desks,
            p->desks > 1 ? "s" : "", p->desks > 1 && p->same_ids ? " that count alike" : "",
            p->rounds ? "round" : "do not round");
    for (unsigned d = 0; d < p->desks; d++) {
        fprintf(to, "  rules of desk %u:", d);
        for (unsigned r = 0; r < RULES_N; r++)
            if (p->rules[d][r])
                fprintf(to, " %s=%s", rule_table[r].name, rule_table[r].values[p->rules[d][r]]);
        fprintf(to, "\n");
    }
}

#endif
