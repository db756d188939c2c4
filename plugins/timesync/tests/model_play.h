/* model_play.h - does the steps of a plan to the world and to the server, and lets all come to rest in the end. A step about something that
 * is not there does nothing. */
#ifndef TIMESYNC_MODEL_PLAY_H
#define TIMESYNC_MODEL_PLAY_H

#include <time.h>

#include "model_server.h"

static const char *const action_names[] = { "retry",  "update", "keep", "unfollow", "create",
                                            "remove", "adopt",  "skip", "map",      "dismiss" };
enum action_bit { RETRY, UPDATE, KEEP, UNFOLLOW, CREATE, TAKE_AWAY, ADOPT, SKIP, MAPS, DISMISS, ACTIONS };

/* ---- at a desk ---- */

static inline struct booking *booking_of(const struct step *s)
{
    struct booking *b = &desks[s->desk].all[s->slot];

    return b->ever && !b->gone ? b : NULL;
}

/* The source says something else now: of what people decided only that stays which is for good. */
static inline void change(struct booking *b, unsigned *what, unsigned to)
{
    b->changed = now();
    if (*what == to)
        return;
    *what = to;
    b->decisions &= 1U << UNFOLLOW | 1U << SKIP | 1U << TAKE_AWAY;
    if (b->amount == b->said.amount && b->work == b->said.work) /* as it was when they decided */
        b->decisions |= b->said.decisions;
}

static inline unsigned some_amount(unsigned chance)
{
    return chance % 12 == 0 ? GOOD_AMOUNTS + chance / 12 % (AMOUNTS - GOOD_AMOUNTS)
                            : chance / 12 % GOOD_AMOUNTS;
}

static void do_book(const struct step *s)
{
    struct desk *d = &desks[s->desk];
    struct booking *b = &d->all[s->slot];
    const unsigned ticket = s->a % TICKETS;

    if (b->ever || d->tickets[ticket].merged)
        return;
    *b = (struct booking){
        .ever = true,
        .ticket = ticket,
        .amount = some_amount(s->b),
        .work = s->c % 12 == 0  ? 2
                : s->c % 3 == 0 ? 1
                                : 0,
        .agent = s->c / 12 % 14 == 0 ? 2 : s->c / 12 % 2,
        .created = { now().us - (s->c / 512 % 4 ? (int64_t)(s->c / 512) * 3000000 : 0) },
        .changed = now(),
    };
}

static void do_amount(const struct step *s)
{
    struct booking *b = booking_of(s);

    if (b)
        change(b, &b->amount, some_amount(s->a));
}

static void do_work(const struct step *s)
{
    struct booking *b = booking_of(s);

    if (b)
        change(b, &b->work, s->a % WORKS);
}

static void do_drop(const struct step *s)
{
    struct booking *b = booking_of(s);

    if (b)
        b->gone = true;
}

/* Out of a backup, say. */
static void do_put_back(const struct step *s)
{
    struct booking *b = &desks[s->desk].all[s->slot];

    if (b->ever && b->gone) {
        b->gone = false;
        b->changed = now();
    }
}

static void do_move(const struct step *s)
{
    struct booking *b = booking_of(s);
    const unsigned to = s->a % TICKETS;

    if (!b || b->ticket == to || desks[s->desk].tickets[to].merged)
        return;
    b->ticket = to;
    b->changed = now();
    b->deeds |= MOVED;
}

static void do_merge(const struct step *s)
{
    struct desk *d = &desks[s->desk];
    const unsigned from = s->a % TICKETS, into = s->b % TICKETS;

    if (from == into || d->tickets[from].merged || d->tickets[into].merged)
        return;
    d->tickets[from].merged = into + 1;
    for (unsigned i = 0; i < SLOTS; i++)
        if (d->all[i].ever && d->all[i].ticket == from)
            d->all[i].deeds |= MOVED;
}

/* All that is booked on it says so, and nothing says that it changed. */
static void do_hand_over(const struct step *s)
{
    struct desk *d = &desks[s->desk];

    d->tickets[s->a % TICKETS].customer = s->b % CUSTOMERS;
    for (unsigned i = 0; i < SLOTS; i++)
        if (d->all[i].ticket == s->a % TICKETS)
            d->all[i].deeds |= HANDED_OVER;
}

static void do_retitle(const struct step *s)
{
    desks[s->desk].tickets[s->a % TICKETS].title = s->b % 1000;
}

/* ---- at the books ---- */

static inline struct page *page_at(const struct step *s)
{
    struct page *p = page_for(s->desk, s->slot, s->c % 5 == 0);

    return p ? p : page_for(s->desk, s->slot, 0);
}

/* What is under way when it is billed nobody can call back. */
static void do_export(const struct step *s)
{
    struct page *p = page_at(s);

    if (!p || p->exported || is_under_way(p) || books.billed_n >= PAGES)
        return;
    p->exported = true;
    p->changed = now();
    books.billed[books.billed_n++] = *p;
    deed(p, EXPORTED);
}

static void do_unexport(const struct step *s)
{
    struct page *p = page_at(s);

    if (!p || !p->exported)
        return;
    p->exported = false;
    p->changed = now();
    deed(p, UNEXPORTED);
    for (unsigned i = 0; i < books.billed_n; i++)
        if (strcmp(books.billed[i].id, p->id) == 0)
            books.billed[i] = books.billed[--books.billed_n];
}

static void do_lock(const struct step *s)
{
    struct page *p = page_at(s);

    if (p)
        p->locked = !p->locked;
}

static void do_edit(const struct step *s)
{
    struct page *p = page_at(s);

    if (!p || p->exported)
        return;
    switch (s->a % 6) {
    case 0: p->begin.us -= (int64_t)MINUTE * (1 + s->b % 9); break;
    case 1: p->end.us += (int64_t)MINUTE * (1 + s->b % 9); break;
    case 2: snprintf(p->activity, sizeof(p->activity), "a%u", s->b % WORKS); break;
    case 3: strncat(p->text, "\nsaid by telephone", sizeof(p->text) - strlen(p->text) - 1); break;
    case 4: snprintf(p->user, sizeof(p->user), "u2"); break;
    default: p->billable = p->billable == DW_BILLABLE_YES ? DW_BILLABLE_NO : DW_BILLABLE_YES; break;
    }
    p->seconds = (p->end.us - p->begin.us) / 1000000;
    p->changed = now();
    deed(p, s->a % 6 == 5 ? BILLABLE : EDITED);
}

static void do_remove(const struct step *s)
{
    struct page *p = page_at(s);

    if (!p || p->exported)
        return;
    p->gone = true;
    deed(p, REMOVED);
}

static void do_copy(const struct step *s)
{
    const struct page *p = page_at(s);
    struct page copy;

    if (!p)
        return;
    copy = *p;
    copy.exported = copy.locked = false;
    copy.changed = now();
    page_new(&copy);
    deed(&copy, COPIED);
}

/* ---- weather ---- */

static void do_cut(const struct step *s)
{
    static const int codes[] = { DW_EUNKNOWN,     DW_EUNKNOWN, DW_EUNKNOWN, DW_EUPSTREAM,
                                 DW_EUNAVAILABLE, DW_EAUTH,    DW_ERATE,    DW_EINVALID };
    const int code = codes[s->a % 8];

    books.cut = (struct cut){ .in = 1 + s->b % 4, .code = code };
    books.cut.acts = (code == DW_EUNKNOWN || code == DW_EUPSTREAM) && s->c % 4 != 0;
    if (s->c % 4 >= 2)
        books.cut.late = DW_SECONDS(s->b % 8 ? 1 + (int)(s->c / 4 % 85) : 100 + (int)(s->c / 4 % 300));
    tally.cuts++;
}

static void do_cut_make(const struct step *s)
{
    books.cut_make = (struct cut){ .in = 1 + s->a % 3,
                                   .code = s->b % 4 > 1 ? DW_EUNKNOWN
                                           : s->b % 4   ? DW_EINVALID
                                                        : DW_EDENIED };
    books.cut_make.acts = s->c % 4 && books.cut_make.code == DW_EUNKNOWN;
    if (s->c % 4 == 3)
        books.cut_make.late = DW_SECONDS(1 + (int)(s->c / 4 % 85));
    tally.cuts++;
}

static inline int some_code(unsigned chance)
{
    static const int codes[] = { DW_EUNAVAILABLE, DW_EUPSTREAM, DW_EUNAVAILABLE,
                                 DW_EAUTH,        DW_ERATE,     DW_EDENIED };

    return codes[chance % 6];
}

static void do_cut_list(const struct step *s)
{
    books.cut_list.in = 1 + s->a % 4;
    books.cut_list.times = s->b % 4 ? 1 : 6;
    books.cut_list.code = some_code(s->c);
    books.cut_list.half = s->b / 4 % 2;
    tally.cuts++;
}

static void do_cut_desk(const struct step *s)
{
    struct desk *d = &desks[s->desk];

    d->cut.in = 1 + s->a % 3;
    d->cut.times = s->b % 4 ? 1 : 6;
    d->cut.code = some_code(s->c);
    d->cut.half = s->b / 4 % 2;
    tally.cuts++;
}

static void do_refuse(const struct step *s)
{
    static const char *const reasons[] = { "LOCKDOWN", "OVERLAP", "BUDGET", "FUTURE" };

    books.refuses = books.refuses ? NULL : reasons[s->a % 4];
    tally.refusals++;
}

static void do_fail(const struct step *s)
{
    static const enum dw_error codes[] = { DW_EUNAVAILABLE, DW_ECANCELLED, DW_EUNKNOWN };

    dw_harness_fail(h, 1 + s->a % 150, codes[s->b % 3]);
    may_fail = true;
    tally.failures++;
}

static void do_crash(const struct step *s)
{
    dw_harness_crash(h, 1 + s->a % (s->b % 2 ? 60 : 500));
}

/* ---- the sync's own ---- */

static void do_run(const struct step *s)
{
    static const char *const words[] = { "poll", "poll", "full", "full", "tickets", "window" };
    const char *word = words[s->a % 6];
    char json[200], ticket[16], since[32];
    const time_t when = (time_t)(now().us / 1000000) - 3600 * (1 + s->b % 40);
    struct tm tm;

    gmtime_r(&when, &tm);
    strftime(since, sizeof(since), "%Y-%m-%dT%H:%M:%SZ", &tm);
    ticket_of(s->desk, s->b % TICKETS, ticket);
    if (strcmp(word, "tickets") == 0)
        snprintf(json, sizeof(json), "{\"kind\":\"tickets\",\"tickets\":[\"%s\"]}", ticket);
    else if (strcmp(word, "window") == 0)
        snprintf(json, sizeof(json), "{\"kind\":\"window\",\"since\":\"%s\"}", since);
    else
        snprintf(json, sizeof(json), "{\"kind\":\"%s\",\"plan\":%s}", word,
                 s->c % 10 == 0 ? "true" : "false");
    ask("POST", json, NULL, API "/syncs/%s/runs", desks[s->desk].sync);
    server_revive();
    if (s->c / 16 % 5)
        run_jobs();
    tally.runs++;
}

static void do_jobs(const struct step *s)
{
    (void)s;
    run_jobs();
}

static void do_wait(const struct step *s)
{
    pass(s->a % 8 ? DW_SECONDS(1 + (int)(s->b % 200)) : DW_MINUTES(5 + (int)(s->b % 60)));
    if (s->c % 3)
        run_jobs();
}

/* Lost, in time, twice, or before its commit can be seen; the jobs come when they come. */
static void do_hook(const struct step *s)
{
    char json[160], ticket[16];

    ticket_of(s->desk, s->a % TICKETS, ticket);
    snprintf(json, sizeof(json),
             s->b % 6 ? "{\"connection\":\"%s\",\"ticket\":\"%s\"}" : "{\"connection\":\"%s\"}",
             desks[s->desk].connection, ticket);
    for (unsigned i = 0; i < s->c % 3; i++)
        dw_harness_tell(h, "core.connection.changed", json);
    if (s->c / 3 % 2)
        run_jobs();
}

/* ---- people who decide ---- */

/* Whose case is it? */
static inline struct booking *booking_of_case(struct desk *d, const json_t *one)
{
    const char *entry = text_of(one, "entry"), *id = "";
    const struct page *p = page_of(text_of(one, "sheet"));
    unsigned slot, desk = (unsigned)(d - desks);

    if (*entry)
        dw_harness_find(h, DW_TO(&id), "SELECT source_id FROM timesync_entries WHERE id = $1", entry);
    slot = (unsigned)strtoul(id, NULL, 10) - 1 - offset_of(desk);
    if (!*id)
        slot = p ? (unsigned)slot_of(p, &desk) : SLOTS;
    return slot < SLOTS ? &desks[desk].all[slot] : NULL;
}

static inline unsigned action_of(const char *name)
{
    unsigned a = 0;

    while (a < ACTIONS && strcmp(action_names[a], name) != 0)
        a++;
    return a;
}

/* One of those that its reason leaves open, or NULL. */
static inline const char *some_action(const json_t *one, unsigned chance)
{
    static struct {
        char reason[40];
        unsigned actions[ACTIONS], n;
    } known[40];
    static unsigned known_n;
    json_t *all, *r, *a;
    size_t i, k;

    if (!known_n) {
        all = json_object_get(ask("GET", NULL, NULL, API "/reasons").json, "items");
        json_array_foreach(all, i, r)
        {
            snprintf(known[i].reason, sizeof(known[i].reason), "%s", text_of(r, "reason"));
            json_array_foreach(json_object_get(r, "actions"), k, a) known[i].actions[known[i].n++] =
                action_of(json_string_value(a));
            known_n++;
        }
    }
    for (i = 0; i < known_n; i++)
        if (known[i].n && strcmp(known[i].reason, text_of(one, "reason")) == 0)
            return action_names[known[i].actions[chance % known[i].n]];
    return NULL;
}

/* What the case shows of its booking, which may be another one by now. */
static inline unsigned shown(const json_t *one, const char *name, const char *const *all, unsigned n,
                             unsigned otherwise)
{
    const char *text = text_of(json_object_get(one, "source"), name);

    for (unsigned i = 0; i < n; i++)
        if (strcmp(all[i], text) == 0)
            return i;
    return otherwise;
}

static inline void note_decision(struct desk *d, const json_t *one, const char *action)
{
    struct booking *b = booking_of_case(d, one);

    tally.decisions++;
    if (!b)
        return;
    b->decisions |= 1U << action_of(action);
    b->decided |= b->decisions;
    b->said.amount = shown(one, "amount", amounts, AMOUNTS, b->amount);
    b->said.work = shown(one, "activity_name", works, WORKS, b->work);
    b->said.decisions = b->decisions;
}

static inline const json_t *open_cases(const struct desk *d)
{
    return json_object_get(ask("GET", NULL, NULL, API "/cases?sync=%s&state=open&limit=100", d->sync).json,
                           "items");
}

static void do_decide(const struct step *s)
{
    struct desk *d = &desks[s->desk];
    const json_t *all = open_cases(d),
                 *one = json_array_get(all, json_array_size(all) ? s->a % json_array_size(all) : 0);
    const char *action = some_action(one, s->b);
    char json[200];
    int status;

    if (!action)
        return;
    if (strcmp(action, "map") == 0) {
        map_work(d, 2, true);
        return;
    }
    if (strcmp(action, "adopt") == 0 && *text_of(one, "sheet") && s->c % 2)
        snprintf(json, sizeof(json), "{\"action\":\"adopt\",\"sheet\":\"%s\"}", text_of(one, "sheet"));
    else
        snprintf(json, sizeof(json), "{\"action\":\"%s\",\"note\":\"so\"}", action);
    status = ask("POST", json, NULL, API "/cases/%s/decide", text_of(one, "id")).status;
    if (status < 400 || status >= 500)
        note_decision(d, one, action);
    server_revive();
    if (s->c / 2 % 3)
        run_jobs();
}

/* All of a reason at once. */
static void do_decide_all(const struct step *s)
{
    struct desk *d = &desks[s->desk];
    const json_t *all = open_cases(d),
                 *first = json_array_get(all, json_array_size(all) ? s->a % json_array_size(all) : 0), *one;
    const char *action = some_action(first, s->b);
    char json[200];
    size_t i;
    int status;

    if (!action || strcmp(action, "map") == 0)
        return;
    snprintf(json, sizeof(json), "{\"sync\":\"%s\",\"reason\":\"%s\",\"action\":\"%s\"}", d->sync,
             text_of(first, "reason"), action);
    status = ask("POST", json, NULL, API "/cases/decide").status;
    for (i = 0; (status < 400 || status >= 500) && (one = json_array_get(all, i)); i++)
        if (strcmp(text_of(one, "reason"), text_of(first, "reason")) == 0)
            note_decision(d, one, action);
    server_revive();
    run_jobs();
}

static void do_map(const struct step *s)
{
    map_work(&desks[s->desk], s->a % 2 ? 2 : s->b % WORKS, s->c % 2);
}

static void do_unmap(const struct step *s)
{
    const struct desk *d = &desks[s->desk];
    const json_t *all =
        json_object_get(ask("GET", NULL, NULL, API "/mappings?sync=%s&kind=activity", d->sync).json, "items");
    const json_t *one = json_array_get(all, json_array_size(all) ? s->a % json_array_size(all) : 0);

    if (one)
        ask("DELETE", NULL, NULL, API "/mappings/%s", text_of(one, "id"));
}

static void do_rule(const struct step *s)
{
    const unsigned rule = s->a % RULES_N, value = s->b % rule_values(rule);
    struct desk *d = &desks[s->desk];
    char json[200];

    snprintf(json, sizeof(json), "{\"rules\":{\"%s\":%s}}", rule_table[rule].name,
             rule_table[rule].values[value]);
    patch_sync(d, json);
    d->had[rule] |= 1U << value;
}

static void do_release(const struct step *s)
{
    ask("POST", NULL, NULL, API "/syncs/%s/release", desks[s->desk].sync);
    server_revive();
    run_jobs();
}

static void do_able(const struct step *s)
{
    patch_sync(&desks[s->desk], s->a % 2 ? "{\"enabled\":true}" : "{\"enabled\":false}");
}

static inline const json_t *some_run(const struct step *s)
{
    const json_t *all = json_object_get(
        ask("GET", NULL, NULL, API "/runs?sync=%s&limit=8&sort=-created_at", desks[s->desk].sync).json,
        "items");

    return json_array_get(all, json_array_size(all) ? s->a % json_array_size(all) : 0);
}

static void do_undo(const struct step *s)
{
    const json_t *run = some_run(s);
    char id[16];

    if (!run)
        return;
    for (unsigned i = 0; i < SLOTS; i++) {
        int64_t n = 0;

        id_of(s->desk, i, id);
        dw_harness_find(h, DW_TO(&n),
                        "SELECT count(*) FROM timesync_steps s JOIN timesync_entries e ON e.id = s.entry"
                        " WHERE s.run = $1 AND e.source_id = $2",
                        text_of(run, "id"), (const char *)id);
        if (n)
            desks[s->desk].all[i].deeds |= UNDONE;
    }
    ask("POST", s->b % 4 ? NULL : "{\"plan\":true}", NULL, API "/runs/%s/undo", text_of(run, "id"));
    server_revive();
    if (s->b / 4 % 3)
        run_jobs();
}

static void do_cancel(const struct step *s)
{
    const json_t *run = some_run(s);

    if (run)
        ask("POST", NULL, NULL, API "/runs/%s/cancel", text_of(run, "id"));
}

/* ---- all of them ---- */

static void (*const does[KINDS])(const struct step *s) = {
    [BOOK] = do_book,         [AMOUNT] = do_amount,
    [WORK] = do_work,         [DROP] = do_drop,
    [PUT_BACK] = do_put_back, [MOVE] = do_move,
    [MERGE] = do_merge,       [HAND_OVER] = do_hand_over,
    [RETITLE] = do_retitle,   [EXPORT] = do_export,
    [UNEXPORT] = do_unexport, [LOCK] = do_lock,
    [EDIT] = do_edit,         [REMOVE] = do_remove,
    [COPY] = do_copy,         [CUT] = do_cut,
    [CUT_MAKE] = do_cut_make, [CUT_LIST] = do_cut_list,
    [CUT_DESK] = do_cut_desk, [REFUSE] = do_refuse,
    [FAIL] = do_fail,         [CRASH] = do_crash,
    [RUN] = do_run,           [JOBS] = do_jobs,
    [WAIT] = do_wait,         [HOOK] = do_hook,
    [DECIDE] = do_decide,     [DECIDE_ALL] = do_decide_all,
    [MAP] = do_map,           [UNMAP] = do_unmap,
    [RULE] = do_rule,         [RELEASE] = do_release,
    [ABLE] = do_able,         [UNDO] = do_undo,
    [CANCEL] = do_cancel,
};

static const struct step *in_between;

static void do_in_between(void)
{
    does[in_between->kind](in_between);
}

/* What people do at either side, and what no promise can hold against: a page that is billed between a look and a write. */
static inline bool may_be_in_between(const struct step *s)
{
    return s->kind < CUT && s->kind != EXPORT && s->kind != UNEXPORT;
}

static inline void play_steps(const struct plan *p)
{
    for (unsigned i = 0; i < p->n && !*wrong; i++) {
        const struct step *s = &p->steps[i];

        if (getenv("DOWEL_MODEL_TALKS"))
            printf("%s desk %u slot %u (%u %u %u)\n", kinds[s->kind].name, s->desk, s->slot, s->a, s->b,
                   s->c);
        if (s->kind != DURING) {
            does[s->kind](s);
        } else if (i + 1 < p->n && may_be_in_between(s + 1)) {
            in_between = s + 1;
            books.during = 1 + s->a % 6;
            books.then = do_in_between;
            i++;
        }
        server_revive();
        if (s->c % 3 == 0)
            pass(DW_SECONDS(1));
    }
}

/* ---- rest ---- */

static inline void clear_up(void)
{
    dw_harness_fail(h, 0, DW_EINTERNAL);
    dw_harness_crash(h, 0);
    may_fail = false;
    books.cut.in = books.cut_make.in = books.cut_list.in = books.cut_list.times = books.during = 0;
    books.refuses = NULL;
    for (unsigned i = 0; i < books.n; i++)
        books.all[i].locked = false;
    for (unsigned d = 0; d < desks_n; d++)
        desks[d].cut.in = desks[d].cut.times = 0;
}

static inline bool is_at_rest(void)
{
    for (unsigned d = 0; d < desks_n; d++)
        if (count_of("SELECT count(*) FROM timesync_runs WHERE sync = $1 AND state IN ('waiting', 'reading', "
                     "'writing')",
                     desks[d].sync))
            return false;
    return !books.late_n && !books.late_places_n;
}

static inline void come_to_rest(void)
{
    for (unsigned i = 0; i < 60 && !*wrong; i++) {
        run_jobs();
        if (is_at_rest())
            return;
        pass(DW_SECONDS(i < 4 ? 31 : 150));
    }
    accuse("a run does not end");
}

static inline void run_full(void)
{
    for (unsigned d = 0; d < desks_n; d++) {
        const int status = ask("POST", "{\"kind\":\"full\",\"any_deletions\":true}", NULL,
                               API "/syncs/%s/runs", desks[d].sync)
                               .status;

        if (status != 202)
            accuse("a full run does not start: %d", status);
    }
    come_to_rest();
}

static inline void settle_down(void)
{
    server_revive();
    clear_up();
    come_to_rest();
    for (unsigned d = 0; d < desks_n && !*wrong; d++) {
        patch_sync(&desks[d], "{\"enabled\":true,\"schedule\":\"\"}");
        ask("POST", NULL, NULL, API "/syncs/%s/release", desks[d].sync);
    }
    come_to_rest();
}

#endif
