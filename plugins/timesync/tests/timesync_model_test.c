/* timesync_model_test.c - random histories of two desks and the books, of people at all of them, of faults on the way and of servers that
 * lose their power, against what must be true in the end.
 *
 * DOWEL_MODEL_SEED=N replays one history, DOWEL_MODEL_HISTORIES=N says how many there are, DOWEL_MODEL_FROM=N with which seed they
 * begin. DOWEL_MODEL_KEEP leaves only those steps of one. What fails is made small by leaving steps out, and printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#include "model_mistakes.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED
#endif
#endif

/* So many histories on one server. */
enum { OF_ONE_SERVER = 20, TRIES = 300, FEW = 5 };

/* ---- one history ---- */

static void add_strangers(void)
{
    static const char *const texts[] = { "Lunch", "ZID:12\nby hand" };
    struct page p = {
        .project = "p0", .activity = "a0", .user = "u0", .seconds = 600, .billable = DW_BILLABLE_YES
    };

    for (unsigned i = 0; i < 2; i++) {
        snprintf(p.text, sizeof(p.text), "%s", texts[i]);
        p.begin.us = now().us - (int64_t)MINUTE * 60 * (i + 1);
        p.end.us = p.begin.us + (int64_t)MINUTE * 10;
        p.changed = now();
        books.billed[books.billed_n++] = *page_new(&p);
    }
}

/* Done when all is over; whether it was possible. */
static bool (*planted)(void);
static bool was_planted;

static void last_passes(void)
{
    unsigned before;

    run_full();
    if (!*wrong)
        judge();
    before = books.writes;
    if (!*wrong)
        run_full();
    if (!*wrong && books.writes != before)
        accuse("a pass in which nothing had changed wrote %u times", books.writes - before);
    was_planted = !*wrong && planted && planted();
    if (!*wrong)
        judge();
}

/* True: all was well; else why not is in `wrong`. */
static bool play(const struct plan *p)
{
    if (!h || tenants_made % OF_ONE_SERVER == 0) {
        server_close();
        server_open();
    }
    tenant_open(p);
    add_strangers();
    play_steps(p);
    if (!*wrong)
        settle_down();
    if (!*wrong)
        last_passes();
    tally.writes += books.writes;
    if (*wrong && getenv("DOWEL_MODEL_TALKS"))
        printf("%s\n", dw_harness_log(h));
    for (unsigned d = 0; d < desks_n && !*wrong; d++)
        patch_sync(&desks[d], "{\"enabled\":false}");
    return !*wrong;
}

/* Nothing of what was before has a part in it. */
static bool play_alone(const struct plan *p)
{
    server_close();
    tenants_made = 0;
    const bool is_well = play(p);

    server_close();
    return is_well;
}

/* ---- a failure ---- */

/* Ids are made by chance, and so is the order of what is worked off beside each other. */
static bool is_well_alone(const struct plan *p, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        if (!play_alone(p))
            return false;
    return true;
}

static void leave_out(const struct plan *p, unsigned from, unsigned n, struct plan *out)
{
    *out = *p;
    memmove(out->steps + from, out->steps + from + n, (p->n - from - n) * sizeof(*out->steps));
    out->n = p->n - n;
}

/* The fewest steps after which something is wrong still: larger parts first, then one by one. */
static void make_small(struct plan *p)
{
    unsigned tries = TRIES;
    struct plan smaller;

    for (unsigned size = p->n / 2; size > 0; size = size > 1 ? size / 2 : 0)
        for (unsigned at = 0; at + size <= p->n && tries > 0;) {
            leave_out(p, at, size, &smaller);
            tries--;
            if (is_well_alone(&smaller, 2))
                at += size;
            else
                *p = smaller;
        }
}

static void print_steps(const struct plan *p)
{
    plan_print(p, stdout);
    printf("  DOWEL_MODEL_SEED=%llu DOWEL_MODEL_KEEP=", (unsigned long long)p->seed);
    for (unsigned i = 0; i < p->n; i++)
        printf("%s%u", i ? "," : "", p->steps[i].was);
    printf("\n");
    for (unsigned i = 0; i < p->n; i++) {
        const struct step *s = &p->steps[i];

        printf("  %s desk %u slot %u (%u %u %u)\n", kinds[s->kind].name, s->desk, s->slot, s->a, s->b, s->c);
    }
}

static void report(struct plan *p)
{
    char first[sizeof(wrong)];

    memcpy(first, wrong, sizeof(first));
    printf("\nDOWEL_MODEL_SEED=%llu replays it: %s\n", (unsigned long long)p->seed, first);
    if (is_well_alone(p, 5)) {
        printf("It is well where it is played alone.\n");
        return;
    }
    make_small(p);
    is_well_alone(p, 5);
    printf("So few steps are enough: %s\n", wrong);
    print_steps(p);
    fflush(stdout);
}

/* ---- many ---- */

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static double seconds_since(const struct timespec *since)
{
    struct timespec is;

    clock_gettime(CLOCK_MONOTONIC, &is);
    return (double)(is.tv_sec - since->tv_sec) + (double)(is.tv_nsec - since->tv_nsec) / 1e9;
}

/* Slow builds play fewer of them; ./dev test has a stage of its own with an optimised one for 2,000. */
static unsigned usual(void)
{
#ifdef IS_SANITIZED
    return 10;
#elif defined(__OPTIMIZE__)
    return 400;
#else
    return 100;
#endif
}

static void nothing_is_lost_and_nothing_doubled(void **state)
{
    const char *one = getenv("DOWEL_MODEL_SEED");
    const uint64_t n = one ? 1 : number_of("DOWEL_MODEL_HISTORIES", postgres ? FEW : usual());
    const uint64_t from = one ? strtoull(one, NULL, 10) : number_of("DOWEL_MODEL_FROM", 1000);
    const uint64_t most = number_of("DOWEL_MODEL_FAILURES", 1);
    struct timespec since;
    unsigned failed = 0;
    struct plan p;

    (void)state;
    tally = (struct tally){ 0 };
    clock_gettime(CLOCK_MONOTONIC, &since);
    for (uint64_t i = 0; i < n && failed < most; i++) {
        plan_make(&p, from + i);
        if (one && getenv("DOWEL_MODEL_KEEP"))
            plan_keep(&p, getenv("DOWEL_MODEL_KEEP"));
        tally.histories++;
        if (getenv("DOWEL_MODEL_TELLS") && tally.histories % 100 == 0) {
            printf("# %u histories\n", tally.histories);
            fflush(stdout);
        }
        if (play(&p))
            continue;
        failed++;
        report(&p);
    }
    server_close();
    if (*wrong && !failed)
        fail_msg("%s", wrong);
    const double took = seconds_since(&since);

    print_message("%u histories from seed %llu: %u crashes, %u cuts, %u failing steps, %u decisions, %u "
                  "runs, %u writes, "
                  "%.1f s, %.1f a second, %u failed\n",
                  tally.histories, (unsigned long long)from, tally.crashes, tally.cuts, tally.failures,
                  tally.decisions, tally.runs, tally.writes, took, tally.histories / took, failed);
    assert_int_equal(failed, 0);
}

/* ---- can the judge fail? ---- */

#ifdef IS_SANITIZED
enum { PLANT_EACH = 4 }; /* the judge is the same in all builds */
#else
enum { PLANT_EACH = 1 };
#endif
enum { TRIES_TO_CATCH = 60 };

static unsigned caught_after(enum mistake of_sides, bool (*at_the_end)(void))
{
    struct plan p;
    unsigned n = 0;
    bool is_caught = false;

    mistake = of_sides;
    planted = at_the_end;
    for (was_planted = false; n < TRIES_TO_CATCH && !is_caught && !was_planted; n++) {
        plan_make(&p, 1 + n);
        is_caught = !play(&p);
    }
    server_close();
    mistake = NO_MISTAKE;
    planted = NULL;
    return is_caught && was_planted == (at_the_end != NULL) ? n : 0;
}

static bool is_caught_one(const char *name, enum mistake of_sides, bool (*at_the_end)(void))
{
    const unsigned n = caught_after(of_sides, at_the_end);

    print_message("%s: %s after %u: %.160s\n", name, n ? "caught" : "MISSED", n, wrong);
    return n > 0;
}

static void every_mistake_is_caught(void **state)
{
    unsigned missed = 0;

    (void)state;
    for (unsigned i = 0; i < OF_SIDES; i += PLANT_EACH)
        missed += !is_caught_one(mistakes_of_sides[i].name, mistakes_of_sides[i].mistake, NULL);
    for (unsigned i = 0; i < AT_THE_END; i += PLANT_EACH)
        missed += !is_caught_one(mistakes_at_the_end[i].name, NO_MISTAKE, mistakes_at_the_end[i].act);
    assert_int_equal(missed, 0);
}

/* DOWEL_MODEL_ENGINE=sqlite|postgres: that one alone, as in the long run, which plants no mistakes. The judge is the same on both. */
int main(void)
{
    const struct CMUnitTest both[] = {
        cmocka_unit_test(every_mistake_is_caught),
        cmocka_unit_test(nothing_is_lost_and_nothing_doubled),
    };
    const struct CMUnitTest one[] = { cmocka_unit_test(nothing_is_lost_and_nothing_doubled) };
    const char *engine = getenv("DOWEL_MODEL_ENGINE");
    int failed = 0;

    if (!engine)
        failed += cmocka_run_group_tests_name("model on SQLite", both, NULL, NULL);
    else if (strcmp(engine, "sqlite") == 0)
        failed += cmocka_run_group_tests_name("model on SQLite", one, NULL, NULL);
    if (engine && strcmp(engine, "postgres") != 0)
        return failed;
    if (!on_postgres())
        return failed + (engine ? 1 : 0);
    return failed + cmocka_run_group_tests_name("model on PostgreSQL", one, NULL, NULL);
}
