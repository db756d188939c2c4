/* timesync_actions_test.c - every reason with every action that its cases offer, for two cases at once and for one: each does what
 * docs/timesync.md says of it, and the next full comparison does not ask again. */
#include "sync_rig.h"

#include "../reasons.h"

enum { TWO = 2 };

static const char *const entries[TWO] = { "1", "2" };
static const char *const copies[TWO] = { "sheet:copy1", "sheet:copy2" };

/* Whoever checks this file by looking at it knows no n. */
static const char *entry_at(size_t i)
{
    return entries[i < TWO ? i : 0];
}

static char mark[16];
static struct page before[TWO]; /* the timesheets, as they are when a person decides */

/* ---- what leads to a case; of the entries 1 to n, each on a ticket of its own ---- */

static void booked(size_t n)
{
    for (size_t i = 0; i < n; i++)
        book(entry_at(i), entry_at(i), "10");
}

static void moved(size_t n)
{
    booked(n);
    run("full");
}

/* The target refuses, once for each. */
static void refused_with(size_t n, const char *reason)
{
    booked(n);
    for (size_t i = 0; i < n; i++) {
        books.fault = (struct fault){ .at = 1, .code = DW_ECONFLICT, .reason = reason };
        run_tickets(entry_at(i));
    }
}

static void lockdown(size_t n)
{
    refused_with(n, "LOCKDOWN");
}
static void overlap(size_t n)
{
    refused_with(n, "OVERLAP");
}
static void budget(size_t n)
{
    refused_with(n, "BUDGET");
}
static void future(size_t n)
{
    refused_with(n, "FUTURE");
}
static void creation(size_t n)
{
    refused_with(n, "CREATION_ERROR");
}
static void credentials(size_t n)
{
    refused_with(n, "AUTH_EXPIRED");
}
static void limited(size_t n)
{
    refused_with(n, "RATE_LIMITED");
}
static void other(size_t n)
{
    refused_with(n, "OTHER");
}

static void unmapped_activity(size_t n)
{
    booked(n);
    for (size_t i = 0; i < n; i++)
        snprintf(desk.all[i].activity, sizeof(desk.all[i].activity), "travel");
    run("full");
}

static void maps_activity(size_t n)
{
    (void)n;
    map("activity", "travel", "a5");
}

static void unmapped_user(size_t n)
{
    booked(n);
    for (size_t i = 0; i < n; i++)
        snprintf(desk.all[i].email, sizeof(desk.all[i].email), "bob@example.org");
    run("full");
}

static void maps_user(size_t n)
{
    (void)n;
    map("user", "7", "u1");
}

static void no_customer(size_t n)
{
    booked(n);
    run("full");
}

static void maps_customer(size_t n)
{
    (void)n;
    map("customer", "Acme", "c9");
}

static void amount_of(size_t n, const char *amount)
{
    booked(n);
    for (size_t i = 0; i < n; i++)
        snprintf(desk.all[i].amount, sizeof(desk.all[i].amount), "%s", amount);
    run("full");
}

static void invalid(size_t n)
{
    amount_of(n, "1,5");
}
static void negative(size_t n)
{
    amount_of(n, "-5");
}

static void copied(size_t n)
{
    char id[32];

    moved(n);
    for (size_t i = 0; i < n; i++) {
        snprintf(id, sizeof(id), "copy%zu", i + 1);
        copy_of(entry_at(i), id);
    }
}

/* The database knows nothing of what it made, and of each there are two. */
static void two_of_each(size_t n)
{
    copied(n);
    sql_ok(dw_harness_sql(h, "DELETE FROM timesync_steps"));
    sql_ok(dw_harness_sql(h, "DELETE FROM timesync_entries"));
    for (size_t i = 0; i < n; i++)
        run_tickets(entry_at(i));
}

static void one_too_many(size_t n)
{
    copied(n);
    run("full");
}

static void of_unknown_entries(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char text[64];

        snprintf(text, sizeof(text), "ZAM:T1|TA:%zu|C:%s", 77 + i, mark);
        snprintf(old_page(text, "", 0, 600)->id, 32, "copy%zu", i + 1);
    }
    run("full");
}

static void of_another_time(size_t n)
{
    booked(n);
    for (size_t i = 0; i < n; i++) {
        char text[32];

        snprintf(text, sizeof(text), "ZAM:T%s|TA:%s", entry_at(i), entry_at(i));
        old_page(text, "", 0, 7200);
    }
    run("full");
}

static void edited_there(size_t n)
{
    moved(n);
    for (size_t i = 0; i < n; i++)
        edit_page(page_for(entry_at(i)), 900);
    run("full");
}

static void edited_twice(size_t n)
{
    moved(n);
    for (size_t i = 0; i < n; i++) {
        edit_page(page_for(entry_at(i)), 900);
        edit(&desk.all[i], "20");
    }
    run("full");
}

static void billed(size_t n)
{
    moved(n);
    for (size_t i = 0; i < n; i++) {
        page_for(entry_at(i))->exported = true;
        edit(&desk.all[i], "20");
    }
    run("full");
}

static void takes_the_bill_back(size_t n)
{
    for (size_t i = 0; i < n; i++)
        page_for(entry_at(i))->exported = false;
}

static void bill_comes(void)
{
    for (unsigned i = 0; i < books.n; i++)
        books.all[i].exported = books.all[i].seconds == 1200;
}

static void billed_meanwhile(size_t n)
{
    moved(n);
    for (size_t i = 0; i < n; i++)
        edit(&desk.all[i], "20");
    books.meanwhile = bill_comes;
    run("full");
    books.meanwhile = NULL;
}

static void gone_at_the_source(size_t n)
{
    moved(n);
    for (size_t i = 0; i < n; i++)
        desk.all[i].gone = true;
    run("full");
}

static void gone_and_edited(size_t n)
{
    moved(n);
    for (size_t i = 0; i < n; i++) {
        edit_page(page_for(entry_at(i)), 900);
        desk.all[i].gone = true;
    }
    run("full");
}

static void gone_at_the_target(size_t n)
{
    moved(n);
    for (size_t i = 0; i < n; i++)
        page_for(entry_at(i))->gone = true;
    run("full");
}

static void merged(size_t n)
{
    moved(n);
    for (size_t i = 0; i < n; i++) {
        snprintf(desk.all[i].merged, sizeof(desk.all[i].merged), "9");
        edit(&desk.all[i], "20");
    }
    run("full");
}

static const struct scene {
    const char *name;
    enum reason reason;
    const char *rules;
    void (*happens)(size_t n);
    void (*mends)(size_t n); /* before somebody tries again; NULL: it is as it is */
    bool is_of_sheets;       /* its cases are about timesheets that no entry has */
    bool heals;              /* who tries again finds that it works */
} scenes[] = {
    { .name = "unmapped activity",
      .reason = REASON_UNMAPPED_ACTIVITY,
      .happens = unmapped_activity,
      .mends = maps_activity,
      .heals = true },
    { .name = "unmapped user",
      .reason = REASON_UNMAPPED_USER,
      .happens = unmapped_user,
      .mends = maps_user,
      .heals = true },
    { .name = "no customer",
      .reason = REASON_PROJECT_OR_CUSTOMER_MISSING,
      .rules = "{\"customer\":\"find\"}",
      .happens = no_customer,
      .mends = maps_customer,
      .heals = true },
    { .name = "two of each", .reason = REASON_DUPLICATE, .happens = two_of_each },
    { .name = "one too many", .reason = REASON_DUPLICATE, .happens = one_too_many, .is_of_sheets = true },
    { .name = "of another time", .reason = REASON_TIME_MISMATCH, .happens = of_another_time },
    { .name = "edited there", .reason = REASON_TARGET_CHANGED, .happens = edited_there },
    { .name = "edited twice", .reason = REASON_BOTH_CHANGED, .happens = edited_twice },
    { .name = "billed",
      .reason = REASON_LOCKED_OR_EXPORTED,
      .happens = billed,
      .mends = takes_the_bill_back,
      .heals = true },
    { .name = "billed meanwhile", .reason = REASON_EXPORTED_MEANWHILE, .happens = billed_meanwhile },
    { .name = "lockdown", .reason = REASON_LOCKDOWN, .happens = lockdown, .heals = true },
    { .name = "overlap", .reason = REASON_OVERLAP, .happens = overlap, .heals = true },
    { .name = "budget", .reason = REASON_BUDGET, .happens = budget, .heals = true },
    { .name = "future", .reason = REASON_FUTURE, .happens = future, .heals = true },
    { .name = "gone at the source", .reason = REASON_DELETED_SOURCE, .happens = gone_at_the_source },
    { .name = "gone and edited", .reason = REASON_DELETED_SOURCE, .happens = gone_and_edited },
    { .name = "of unknown entries",
      .reason = REASON_DELETED_SOURCE,
      .happens = of_unknown_entries,
      .is_of_sheets = true },
    { .name = "gone at the target", .reason = REASON_DELETED_TARGET, .happens = gone_at_the_target },
    { .name = "merged",
      .reason = REASON_MERGED_TICKET,
      .rules = "{\"merged\":\"decide\"}",
      .happens = merged },
    { .name = "invalid", .reason = REASON_INVALID_AMOUNT, .happens = invalid },
    { .name = "negative", .reason = REASON_NEGATIVE_AMOUNT, .happens = negative },
    { .name = "creation", .reason = REASON_CREATION_ERROR, .happens = creation, .heals = true },
    { .name = "credentials", .reason = REASON_AUTH_EXPIRED, .happens = credentials, .heals = true },
    { .name = "limited", .reason = REASON_RATE_LIMITED, .happens = limited, .heals = true },
    { .name = "other", .reason = REASON_OTHER, .happens = other, .heals = true },
};

/* ---- what is to come of it ---- */

static int64_t in_state(const char *what)
{
    char sql[100];

    snprintf(sql, sizeof(sql), "SELECT count(*) FROM timesync_cases WHERE state = '%s'", what);
    return count(sql);
}

static void are_in_state(size_t n, const char *state)
{
    for (size_t i = 0; i < n; i++)
        assert_string_equal(state_of(entry_at(i)), state);
}

static void have_seconds(size_t n, int64_t seconds)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(page_for(entry_at(i))->seconds, seconds);
}

static void are_as_before(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct page *is = page_of(before[i].id);

        assert_false(is->gone);
        assert_int_equal(is->seconds, before[i].seconds);
        assert_string_equal(is->project, before[i].project);
    }
}

/* How many cases are about something else, and still open after it. */
static int64_t others_of(const struct scene *s, enum action action, size_t n)
{
    if (s->reason == REASON_DUPLICATE && action == ACTION_ADOPT)
        return (int64_t)n; /* the other one of the two */
    if (s->reason == REASON_DUPLICATE && !s->is_of_sheets &&
        (action == ACTION_KEEP || action == ACTION_DISMISS))
        return (int64_t)n;
    return 0;
}

static void has_come_of_it(const struct scene *s, enum action action, size_t n)
{
    const bool is_gone = s->happens == gone_at_the_source || s->happens == gone_and_edited;

    if (s->is_of_sheets && action != ACTION_ADOPT && action != ACTION_REMOVE) {
        are_as_before(n);
        return;
    }
    switch (action) {
    case ACTION_RETRY:
    case ACTION_MAP:
        if (s->heals)
            are_in_state(n, "synced");
        break;
    case ACTION_UPDATE:
        are_in_state(n, "synced");
        have_seconds(n, s->happens == edited_twice || s->happens == merged ? 1200 : 600);
        break;
    case ACTION_KEEP:
        are_in_state(n, is_gone ? "unfollowed" : "synced");
        are_as_before(n);
        break;
    case ACTION_UNFOLLOW:
        are_in_state(n, "unfollowed");
        are_as_before(n);
        break;
    case ACTION_CREATE:
        are_in_state(n, "synced");
        have_seconds(n, 600);
        break;
    case ACTION_REMOVE: assert_int_equal(pages(), s->reason == REASON_DUPLICATE ? n : 0); break;
    case ACTION_ADOPT:
        are_in_state(n, "synced");
        if (s->is_of_sheets)
            assert_int_equal(count("SELECT count(*) FROM timesync_entries WHERE sheet LIKE 'copy%'"), n);
        break;
    case ACTION_SKIP: are_in_state(n, "skipped"); break;
    case ACTION_DISMISS: break;
    }
}

static void one(const struct scene *s, enum action action, size_t n)
{
    const char *word = action == ACTION_MAP ? "retry" : action_name(action);
    const bool asks_again = action == ACTION_RETRY && !s->heals;
    unsigned writes;
    struct numbers was;

    rig_start(s->rules ? s->rules : "{}");
    snprintf(mark, sizeof(mark), "%s", source + strlen(source) - 8);
    s->happens(n);
    if (in_state("open") != (int64_t)n)
        fail_msg("%s: %d cases are open, not %zu", s->name, (int)in_state("open"), n);
    for (size_t i = 0; i < n; i++) {
        const char *sheet = NULL, *reason = "";

        sql_ok(dw_harness_find(h, DW_TO(&sheet, &reason),
                               "SELECT sheet, reason FROM timesync_cases WHERE state = 'open' ORDER BY id"
                               " LIMIT 1 OFFSET $1",
                               (int64_t)i));
        assert_string_equal(reason, reason_name(s->reason));
        if (sheet)
            before[i] = *page_of(sheet);
    }
    if (action == ACTION_MAP || action == ACTION_RETRY)
        if (s->mends)
            s->mends(n);
    was = choose_all(s->is_of_sheets ? copies : entries, n, word, NULL);
    print_message("%-20s %-9s of %zu: %s, %d to decide\n", s->name, action_name(action), n, was.state,
                  (int)was.to_decide);
    assert_string_equal(was.state, "done");
    assert_int_equal(was.examined, n);
    assert_int_equal(in_state("deciding"), 0);
    assert_int_equal(was.to_decide, asks_again ? n : 0);
    if (!asks_again) {
        assert_int_equal(in_state("resolved"), n);
        has_come_of_it(s, action, n);
    }
    writes = books.writes;
    run("full");
    assert_int_equal(in_state("open"), asks_again ? (int64_t)n : others_of(s, action, n));
    if (!asks_again && action != ACTION_DISMISS &&
        !(action == ACTION_REMOVE && s->reason == REASON_DUPLICATE)) {
        has_come_of_it(s, action, n);
        assert_int_equal(books.writes, writes);
    }
    rig_stop(NULL);
}

static void every_action_does_something(void **state)
{
    unsigned seen[REASONS] = { 0 }, alone = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(scenes) / sizeof(*scenes); i++) {
        const struct scene *s = &scenes[i];

        for (unsigned bit = 1; bit <= ACTION_DISMISS; bit <<= 1)
            if (reason_actions(s->reason) & bit) {
                if (!(alone & bit)) /* what is carried out for one is carried out for each */
                    one(s, (enum action)bit, 1);
                if (!postgres ||
                    !(alone & bit)) /* a database for each is slow to make: of each action one there */
                    one(s, (enum action)bit, TWO);
                alone |= bit;
            }
        seen[s->reason]++;
    }
    for (int r = REASON_NONE; r < REASONS; r++)
        assert_true(seen[r] > 0 || reason_actions((enum reason)r) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { ON(every_action_does_something) };

    return ON_EVERY_ENGINE("actions", tests);
}
