/* model_judge.h - what has to be true after the last quiet full pass, whatever happened before.
 *
 * The world says what is booked and what became of it, the sync what it believes; nothing here knows how a sync works. Where nobody
 * touched an entry's timesheet, and no person decided anything, only one end is right, to the second. Where somebody did, the ends
 * are those that the rules and the decisions leave; a person's case is one of them, silence is not. */
#ifndef TIMESYNC_MODEL_JUDGE_H
#define TIMESYNC_MODEL_JUDGE_H

#include "model_play.h"

/* What people decided after which a timesheet may be another one, or none. */
enum {
    LEFT_ALONE = 1U << KEEP | 1U << UNFOLLOW | 1U << DISMISS | 1U << SKIP | 1U << ADOPT | 1U << TAKE_AWAY,
    TOUCHED = EDITED | REMOVED | COPIED | EXPORTED | UNEXPORTED | MOVED | UNDONE | VERY_LATE | BILLABLE,
};

enum why { MOVES, IS_SKIPPED, IS_ASKED };

struct wanted {
    enum why why;
    dw_time begin, end;
    bool is_rounded;
};

struct given {
    const struct desk *d;
    const struct booking *b;
    const struct page *p;               /* the first of its pages */
    unsigned desk, slot, pages, open;   /* open ones among its pages: not billed */
    const char *state, *reason, *sheet; /* as the sync tells them; state "": it does not know it */
    const char *case_reason;
    int64_t cases;
    struct wanted wanted;
    bool is_left;
};

/* ---- the timesheet that it should have ---- */

/* In whole seconds, half away from zero. Amounts have two digits, units one. */
static inline bool seconds_of(unsigned amount, unsigned minutes, int64_t *out)
{
    static const int tenths[] = { 10, 150, 75 };
    const char *text = amounts[amount];
    double value;
    char *end;
    int64_t product;

    value = strtod(text, &end);
    if (*end)
        return false;
    product = (int64_t)(value * 100 + (value < 0 ? -0.5 : 0.5)) * tenths[minutes] * 60;
    *out = (product + (product < 0 ? -500 : 500)) / 1000;
    return true;
}

static inline struct wanted wanted_of(const struct given *g)
{
    const unsigned *rules = g->d->rules;
    struct wanted w = { .why = IS_ASKED };
    int64_t seconds, booked = g->b->created.us - g->b->created.us % MINUTE;

    if (!seconds_of(g->b->amount, rules[RULE_MINUTES], &seconds))
        return w;
    if (seconds <= 0) {
        w.why = rules[seconds ? RULE_NEGATIVE : RULE_ZERO] == (seconds ? 1 : 0) ? IS_SKIPPED : IS_ASKED;
        return w;
    }
    if (g->b->agent == 2) {
        w.why = rules[RULE_USER] ? IS_SKIPPED : IS_ASKED;
        return w;
    }
    if (!g->d->mapped[g->b->work])
        return w;
    w.why = MOVES;
    w.begin.us = booked - (rules[RULE_ANCHOR] ? 0 : seconds * 1000000);
    w.end.us = w.begin.us + seconds * 1000000;
    if (books.rounds) {
        const struct wanted exact = w;

        w.begin.us -= w.begin.us % MINUTE;
        w.end.us += (MINUTE - w.end.us % MINUTE) % MINUTE;
        w.is_rounded = exact.begin.us != w.begin.us || exact.end.us != w.end.us;
    }
    return w;
}

/* ---- how a page differs from it ---- */

static inline const struct thing *thing_of(const struct places *all, const char *id)
{
    for (unsigned i = 0; i < all->n; i++)
        if (strcmp(all->all[i].id, id) == 0)
            return &all->all[i];
    return NULL;
}

/* Of what is refused with its number only the name is left. */
static inline bool is_called(const struct thing *t, const char *number, const char *name)
{
    return *t->number ? strcmp(t->number, number) == 0 : strcmp(t->name, name) == 0;
}

static inline bool has_place(const struct given *g)
{
    const struct thing *project = thing_of(&books.projects, g->p->project);
    const struct thing *customer = project ? thing_of(&books.customers, project->parent) : NULL;
    const char *mark = desks_n > 1 && same_ids ? g->d->mark : "";
    const unsigned whose = g->d->tickets[g->b->ticket].customer;
    char ticket[16], number[64], name[64];

    if (!project || !customer)
        return false;
    snprintf(number, sizeof(number), "OID-C%u%s%s", whose + offset_of(g->desk), *mark ? "-" : "", mark);
    snprintf(name, sizeof(name), "Customer %u of %u", whose, g->desk);
    if (!is_called(customer, number, name))
        return false;
    ticket_of(g->desk, g->b->ticket, ticket);
    if (!g->d->rules[RULE_PROJECT]) {
        snprintf(number, sizeof(number), "TID-%s%s%s", ticket, *mark ? "-" : "", mark);
        snprintf(name, sizeof(name), "Ticket-%s", ticket);
    }
    return is_called(project, number, name);
}

/* All that are wanted; more do no harm. */
static inline bool has_tags(const struct given *g)
{
    const unsigned rule = g->d->rules[RULE_TAGS];

    return (rule == 0 || strstr(g->p->tags, "Dowel sync")) && (rule != 2 || strstr(g->p->tags, "zammad"));
}

/* NULL: it does not. Of one that is billed its text is nobody's business any more. */
static inline const char *difference(const struct given *g, bool is_moved)
{
    const struct wanted *w = &g->wanted;
    char title[32], text[16];

    if (g->p->begin.us != w->begin.us || g->p->end.us != w->end.us ||
        g->p->seconds != (w->end.us - w->begin.us) / 1000000)
        return "time";
    snprintf(text, sizeof(text), "u%u", g->b->agent);
    if (strcmp(g->p->user, text) != 0)
        return "user";
    snprintf(text, sizeof(text), "a%u", g->b->work);
    if (strcmp(g->p->activity, text) != 0)
        return "activity";
    if (g->d->rules[RULE_BILLABLE] &&
        g->p->billable != (g->d->rules[RULE_BILLABLE] == 1 ? DW_BILLABLE_YES : DW_BILLABLE_NO))
        return "billable";
    if (!is_moved && !has_place(g))
        return "project";
    if (g->p->exported)
        return NULL;
    snprintf(title, sizeof(title), "Matter %u.", g->d->tickets[g->b->ticket].title);
    if (!strstr(g->p->text, title) || strstr(g->p->text, "said by telephone"))
        return "text";
    return has_tags(g) ? NULL : "tags";
}

/* ---- one entry ---- */

static inline void DW_PRINTF(2, 3) blame(const struct given *g, const char *format, ...)
{
    char said[200], facts[700];
    va_list args;

    va_start(args, format);
    vsnprintf(said, sizeof(said), format, args);
    va_end(args);
    snprintf(facts, sizeof(facts),
             "%s, amount %s, work %s, agent %s, ticket %u, deeds %u, decisions %u; the sync says: %s %s, "
             "sheet %s, "
             "%" PRId64 " cases %s; %u pages: %s %s project %s activity %s user %s, %" PRId64
             " s from %" PRId64 " (wanted %" PRId64 " to %" PRId64 "), tags %s, billable %u, text %.120s",
             g->b->gone ? "gone" : "there", amounts[g->b->amount], works[g->b->work], agents[g->b->agent],
             g->b->ticket, g->b->deeds, g->b->decisions, g->state, g->reason, g->sheet, g->cases,
             g->case_reason, g->pages, g->p ? g->p->id : "-", g->p && g->p->exported ? "billed" : "",
             g->p ? g->p->project : "", g->p ? g->p->activity : "", g->p ? g->p->user : "",
             g->p ? g->p->seconds : 0, g->p ? g->p->begin.us / 1000000 : 0, g->wanted.begin.us / 1000000,
             g->wanted.end.us / 1000000, g->p ? g->p->tags : "", g->p ? g->p->billable : 0,
             g->p ? g->p->text : "");
    accuse("desk %u slot %u: %s: %s", g->desk, g->slot, said, facts);
}

static inline bool had(const struct given *g, unsigned rule, unsigned value)
{
    return g->d->had[rule] & 1U << value;
}

/* Two are never ours, unless somebody copied one, or a request came when it could not be expected any more; and then it is told. */
static inline void judge_several(const struct given *g)
{
    if (!(g->b->deeds & (COPIED | VERY_LATE)))
        blame(g, "%u timesheets", g->pages);
    else if (!g->cases && !g->b->decided && g->open && strcmp(g->state, "unfollowed") != 0)
        blame(g, "%u timesheets, and nobody is told", g->pages);
}

static inline void judge_gone(const struct given *g)
{
    if (!g->p) {
        if (g->cases)
            blame(g, "gone on both sides, and its case never closes");
        return;
    }
    /* Of a copy that is the first thing that they have said of it. */
    if (!g->cases && !g->is_left && !(g->b->deeds & COPIED && g->b->decided & LEFT_ALONE))
        blame(g, "its deletion was missed: a timesheet, and no case");
}

/* Nobody moves it: of what it had before the timesheet may be there, where a person said so. */
static inline void judge_unmoved(const struct given *g)
{
    if (g->wanted.why == IS_ASKED && !g->p && !g->cases && !g->is_left)
        blame(g, "it cannot be moved, and nobody is told");
}

/* One that came when nobody expected it any more, under a rule that is another one by now, is taken as older tools' are: where it begins or
 * ends when the entry was booked. */
static inline bool is_adopted(const struct given *g, const char *differs)
{
    return g->b->deeds & VERY_LATE && g->d->had[RULE_ANCHOR] == 3 && strcmp(differs, "time") == 0;
}

/* One that nobody follows any more lost its timesheet, and there is a copy of it: not its own, whatever it says. */
static inline bool is_only_copy(const struct given *g)
{
    return g->b->deeds & COPIED && strcmp(g->state, "unfollowed") == 0 && strcmp(g->p->id, g->sheet) != 0;
}

static inline void judge_page(const struct given *g)
{
    const bool is_moved = g->b->deeds & MOVED, is_touched = g->b->deeds & TOUCHED;
    const char *differs = difference(g, is_moved);

    if (g->p->exported && g->cases)
        return;
    if (differs && !g->cases && !g->is_left) {
        if (!(g->b->deeds & (EDITED | BILLABLE) && had(g, RULE_TARGET_EDITED, 1)) && !is_adopted(g, differs))
            blame(g, "its timesheet differs in its %s, and nobody is told", differs);
    } else if (differs && !is_touched && !g->b->decisions) {
        blame(g, "nothing forbids it, and its timesheet differs in its %s", differs);
    } else if (!differs && g->cases && !is_moved && !(g->b->deeds & VERY_LATE) && !is_only_copy(g)) {
        blame(g, "all is well, and its case never closes");
    }
}

static inline void judge_there(const struct given *g)
{
    if (!*g->state) {
        blame(g, "the sync never saw it");
    } else if (g->wanted.why != MOVES) {
        judge_unmoved(g);
    } else if (g->p) {
        judge_page(g);
    } else if (!g->cases && !g->is_left) {
        blame(g, "it is lost: no timesheet and no case");
    } else if (!(g->b->deeds & TOUCHED) && !g->b->decisions) {
        blame(g, "nothing forbids it, and it has no timesheet");
    }
}

static inline void find_told(struct given *g)
{
    char id[16];

    id_of(g->desk, g->slot, id);
    g->state = g->reason = g->sheet = g->case_reason = "";
    if (dw_harness_find(h, DW_TO(&g->state, &g->reason, &g->sheet),
                        "SELECT state, reason, coalesce(sheet, '') FROM timesync_entries WHERE sync = $1 AND "
                        "source_id = $2",
                        (const char *)g->d->sync, (const char *)id) < 0 ||
        dw_harness_find(h, DW_TO(&g->cases, &g->case_reason),
                        "SELECT count(*), coalesce(max(c.reason), '') FROM timesync_cases c JOIN "
                        "timesync_entries e ON e.id = c.entry"
                        " WHERE e.sync = $1 AND e.source_id = $2 AND c.state IN ('open', 'deciding')",
                        (const char *)g->d->sync, (const char *)id) < 0)
        accuse("%s", dw_harness_why(h));
}

/* Also about a page of its that the sync has not: its second one, say. */
static inline void find_pages(struct given *g)
{
    g->p = page_for(g->desk, g->slot, 0);
    for (struct page *p; (p = page_for(g->desk, g->slot, g->pages)); g->pages++) {
        g->open += !p->exported;
        if (strcmp(p->id, g->sheet) == 0)
            g->p = p;
        if (!g->cases &&
            count_of("SELECT count(*) FROM timesync_cases WHERE state IN ('open', 'deciding') AND sheet = $1"
                     " AND entry IS NULL AND tenant_id = :tenant",
                     p->id) > 0)
            g->cases++;
    }
}

static inline void judge_booking(unsigned desk, unsigned slot)
{
    struct given g = { .d = &desks[desk], .b = &desks[desk].all[slot], .desk = desk, .slot = slot };

    find_told(&g);
    find_pages(&g);
    g.wanted = wanted_of(&g);
    g.is_left = g.b->decisions & LEFT_ALONE || g.b->deeds & UNDONE || strcmp(g.state, "unfollowed") == 0 ||
                (g.b->deeds & REMOVED && had(&g, RULE_TARGET_DELETED, 1));
    if (strcmp(g.state, "waiting") == 0 || strcmp(g.state, "failed") == 0)
        blame(&g, "it is %s for ever", g.state);
    if (strcmp(g.state, "unfollowed") == 0 && !(g.b->deeds & TOUCHED) && !g.b->decisions)
        blame(&g, "it is not followed any more, and nobody said so");
    if (g.pages > 1)
        judge_several(&g);
    else if (g.b->gone)
        judge_gone(&g);
    else
        judge_there(&g);
}

/* ---- the whole ---- */

static inline bool is_as_it_was(const struct page *is, const struct page *was)
{
    return is && !is->gone && strcmp(is->text, was->text) == 0 && strcmp(is->project, was->project) == 0 &&
           strcmp(is->activity, was->activity) == 0 && strcmp(is->user, was->user) == 0 &&
           strcmp(is->tags, was->tags) == 0 && is->begin.us == was->begin.us && is->end.us == was->end.us &&
           is->seconds == was->seconds && is->billable == was->billable && is->exported == was->exported;
}

static inline void judge_pages(void)
{
    unsigned desk = 0;

    for (unsigned i = 0; i < books.billed_n; i++)
        if (!is_as_it_was(page_of(books.billed[i].id), &books.billed[i]))
            accuse("%s was %s, and is not as it was: %s", books.billed[i].id,
                   books.billed[i].exported ? "billed" : "a stranger's", books.billed[i].text);
    for (unsigned i = 0; i < books.n; i++) {
        const int slot = slot_of(&books.all[i], &desk);

        if (strncmp(books.all[i].text, "ZAM:", 4) == 0 && (slot < 0 || !desks[desk].all[slot].ever))
            accuse("a timesheet of nothing: %s", books.all[i].text);
    }
}

/* A ticket has one project, a customer one customer. */
static inline void judge_places(const struct places *all)
{
    for (unsigned i = 0; i < all->n; i++)
        for (unsigned k = 0; k < i; k++)
            if (*all->all[i].number && strcmp(all->all[i].number, all->all[k].number) == 0 &&
                strcmp(all->all[i].parent, all->all[k].parent) == 0)
                accuse("two with the number %s", all->all[i].number);
}

static inline void judge_runs(const struct desk *d)
{
    const char *state = "", *reason = "";
    int64_t failed = 0;

    if (count_of("SELECT count(*) FROM timesync_runs WHERE sync = $1 AND examined <> created + updated + "
                 "unchanged + deleted + "
                 "skipped + to_decide + failed",
                 d->sync))
        accuse("the numbers of a run do not add up");
    if (count_of("SELECT count(*) FROM timesync_runs WHERE sync = $1 AND state NOT IN ('done', 'failed', "
                 "'cancelled')",
                 d->sync))
        accuse("a run is under way for ever");
    if (count_of("SELECT count(*) FROM timesync_cases WHERE sync = $1 AND state = 'deciding'", d->sync))
        accuse("a case is being decided for ever");
    if (count_of("SELECT count(*) FROM timesync_entries WHERE sync = $1 AND intent <> ''", d->sync))
        accuse("an intent was never settled");
    if (dw_harness_find(h, DW_TO(&state, &reason, &failed),
                        "SELECT state, reason, failed FROM timesync_runs WHERE sync = $1 AND kind = 'full' "
                        "AND NOT is_plan"
                        " ORDER BY id DESC LIMIT 1",
                        (const char *)d->sync) < 0)
        accuse("%s", dw_harness_why(h));
    if (strcmp(state, "done") != 0 || failed)
        accuse("the last quiet pass is %s: %s, %" PRId64 " failed", state, reason, failed);
}

/* Of a change whose answer nobody got nobody knows whether it was done: the sync says so. */
static inline void learn(struct desk *d)
{
    const json_t *rules = json_object_get(ask("GET", NULL, NULL, API "/syncs/%s", d->sync).json, "rules");
    json_t *value;

    for (unsigned r = 0; r < RULES_N; r++)
        for (unsigned v = 0; v < rule_values(r); v++) {
            value = json_loads(rule_table[r].values[v], JSON_DECODE_ANY, NULL);
            if (json_equal(value, json_object_get(rules, rule_table[r].name)))
                d->rules[r] = v;
            json_decref(value);
        }
    for (unsigned w = 0; w < WORKS; w++) {
        int64_t n = 0;

        dw_harness_find(h, DW_TO(&n),
                        "SELECT count(*) FROM timesync_mappings WHERE sync = $1 AND source = $2",
                        (const char *)d->sync, works[w]);
        d->mapped[w] = n > 0;
    }
}

static inline void judge(void)
{
    for (unsigned d = 0; d < desks_n && !*wrong; d++) {
        learn(&desks[d]);
        judge_runs(&desks[d]);
        for (unsigned i = 0; i < SLOTS && !*wrong; i++)
            if (desks[d].all[i].ever)
                judge_booking(d, i);
    }
    judge_pages();
    judge_places(&books.customers);
    judge_places(&books.projects);
}

#endif
