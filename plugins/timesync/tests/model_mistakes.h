/* model_mistakes.h - what is wrong on purpose, so that it is seen that the judge sees it: answers of the two sides that mislead any engine
 * (model_sides.h has them), and what is done to the books or to the sync's own tables when all is over. */
#ifndef TIMESYNC_MODEL_MISTAKES_H
#define TIMESYNC_MODEL_MISTAKES_H

#include "model_judge.h"

static const struct {
    enum mistake mistake;
    const char *name;
} mistakes_of_sides[] = {
    { LANDS_LATER, "nobody waits for requests that may come yet" },
    { HIDES_MARKERS, "nobody finds a marker" },
    { HIDES_EXPORTS, "nobody is told what is billed" },
    { LOSES_PAGES, "pages are lost" },
    { DOUBLES_PAGES, "pages are there twice" },
    { WRONG_LENGTH, "pages are a minute too long" },
    { HIDES_BOOKINGS, "bookings are never told" },
    { OLD_AMOUNTS, "edits are never told" },
    { CALLS_GONE, "what is there is called gone" },
    { WRITES_ALWAYS, "what is read is not what was written" },
};

/* ---- when all is over: false, there is nothing here that it could be done to ---- */

/* One that nobody has touched, which has its page. */
static inline struct page *untouched(void)
{
    for (unsigned d = 0; d < desks_n; d++)
        for (unsigned i = 0; i < SLOTS; i++) {
            const struct booking *b = &desks[d].all[i];
            struct page *p = page_for(d, i, 0);

            if (b->ever && !b->gone && !b->deeds && !b->decisions && p && !page_for(d, i, 1) &&
                count_of("SELECT count(*) FROM timesync_entries WHERE state = 'synced' AND sheet = $1 AND "
                         "tenant_id = :tenant",
                         p->id) == 1)
                return p;
        }
    return NULL;
}

static inline bool do_sql(const char *sql, const char *value)
{
    if (!value)
        return false;
    if (dw_harness_sql(h, sql, value) < 0)
        accuse("%s: %s", sql, dw_harness_why(h));
    return true;
}

static inline const char *its_sheet(void)
{
    const struct page *p = untouched();

    return p ? p->id : NULL;
}

static bool longer(void)
{
    struct page *p = untouched();

    if (p)
        p->seconds += 60;
    return p;
}

static bool elsewhere(void)
{
    struct page *p = untouched();

    if (p)
        snprintf(p->project, sizeof(p->project), "p99");
    return p;
}

static bool other_user(void)
{
    struct page *p = untouched();

    if (p)
        snprintf(p->user, sizeof(p->user), "u2");
    return p;
}

static bool lost(void)
{
    struct page *p = untouched();

    if (p)
        p->gone = true;
    return p;
}

static bool doubled(void)
{
    const struct page *p = untouched();

    if (p)
        page_new(p);
    return p;
}

static bool of_nothing(void)
{
    const struct page p = { .text = "ZAM:T1|TA:99|C:00000000" };

    page_new(&p);
    return true;
}

static bool billed_otherwise(void)
{
    if (books.billed_n < 3)
        return false;
    books.billed[2].tags[0] ^= 1;
    return true;
}

static bool strangers_edited(void)
{
    page_of(books.billed[0].id)->end.us += MINUTE;
    return true;
}

static bool not_gone(void)
{
    struct page *p = untouched();
    unsigned desk = 0;
    const int slot = p ? slot_of(p, &desk) : -1;

    if (slot >= 0)
        desks[desk].all[slot].gone = true;
    return p;
}

static bool forgotten(void)
{
    return do_sql("DELETE FROM timesync_entries WHERE sheet = $1 AND tenant_id = :tenant", its_sheet());
}

static bool failed_for_ever(void)
{
    return do_sql("UPDATE timesync_entries SET state = 'failed' WHERE sheet = $1 AND tenant_id = :tenant",
                  its_sheet());
}

static bool left_alone(void)
{
    return do_sql("UPDATE timesync_entries SET state = 'unfollowed' WHERE sheet = $1 AND tenant_id = :tenant",
                  its_sheet());
}

static bool under_way_for_ever(void)
{
    return do_sql("UPDATE timesync_entries SET intent = 'create' WHERE sheet = $1 AND tenant_id = :tenant",
                  its_sheet());
}

static bool case_for_nothing(void)
{
    return do_sql(
        "INSERT INTO timesync_cases (tenant_id, id, sync, key, entry, sheet, reason, detail, state, action, "
        "note, assigned,"
        " opened_at, found_at, resolved_by, version) SELECT tenant_id, id, sync, 'x', id, sheet, 'OTHER', "
        "'', 'open', '',"
        " '', '', seen_at, seen_at, '', 1 FROM timesync_entries WHERE sheet = $1 AND tenant_id = :tenant",
        its_sheet());
}

static bool silence(void)
{
    if (!count_of("SELECT count(*) FROM timesync_cases k JOIN timesync_entries e ON e.id = k.entry WHERE "
                  "k.sync = $1"
                  " AND k.state = 'open' AND k.reason IN ('UNMAPPED_ACTIVITY', 'INVALID_AMOUNT') AND e.sheet "
                  "IS NULL"
                  " AND e.state = 'deciding'",
                  desks[0].sync) ||
        desks[0].all[0].decisions)
        return false;
    return do_sql("UPDATE timesync_cases SET state = 'resolved' WHERE sync = $1 AND state = 'open'",
                  desks[0].sync);
}

static bool decided_for_ever(void)
{
    return count_of("SELECT count(*) FROM timesync_cases WHERE sync = $1 AND state = 'open'",
                    desks[0].sync) &&
           do_sql("UPDATE timesync_cases SET state = 'deciding' WHERE sync = $1 AND state = 'open'",
                  desks[0].sync);
}

static bool wrong_numbers(void)
{
    return do_sql("UPDATE timesync_runs SET examined = examined + 1 WHERE sync = $1", desks[0].sync);
}

static bool runs_for_ever(void)
{
    return do_sql("UPDATE timesync_runs SET state = 'reading' WHERE sync = $1", desks[0].sync);
}

static bool failed_run(void)
{
    return do_sql("UPDATE timesync_runs SET state = 'failed' WHERE sync = $1", desks[0].sync);
}

static bool two_customers(void)
{
    if (!books.customers.n || books.customers.n >= PLACES || !*books.customers.all[0].number)
        return false;
    books.customers.all[books.customers.n++] = books.customers.all[0];
    return true;
}

static const struct {
    bool (*act)(void);
    const char *name;
} mistakes_at_the_end[] = {
    { longer, "a page is longer" },
    { elsewhere, "a page is in another project" },
    { other_user, "a page is somebody else's" },
    { lost, "a page is not there" },
    { doubled, "a page is there twice" },
    { of_nothing, "a page is of nothing" },
    { billed_otherwise, "a billed page is another one" },
    { strangers_edited, "a stranger's page is another one" },
    { not_gone, "a deletion was missed" },
    { forgotten, "an entry is not known" },
    { failed_for_ever, "an entry has failed" },
    { left_alone, "an entry is not followed" },
    { under_way_for_ever, "an intent is not settled" },
    { case_for_nothing, "a case is about nothing" },
    { silence, "a case is closed, and nothing done" },
    { decided_for_ever, "a case is being decided" },
    { wrong_numbers, "numbers do not add up" },
    { runs_for_ever, "a run does not end" },
    { failed_run, "the last run has failed" },
    { two_customers, "a customer is there twice" },
};

enum {
    OF_SIDES = sizeof(mistakes_of_sides) / sizeof(*mistakes_of_sides),
    AT_THE_END = sizeof(mistakes_at_the_end) / sizeof(*mistakes_at_the_end)
};

#endif
