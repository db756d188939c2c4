/* timesync_load_test.c - a first pass, and one in which nothing has changed: what they cost. DOWEL_LOAD=100000 says how many entries; a few
 * thousand without. */
#define RIG_BOOKINGS 100000
#include "sync_rig.h"

#include <sys/resource.h>
#include <time.h>

static double cpu(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* In MiB, now. */
static double memory(void)
{
    char line[128] = "";
    const char *resident;
    FILE *f = fopen("/proc/self/statm", "r");

    if (!f)
        return 0;
    resident = fgets(line, sizeof(line), f) ? strchr(line, ' ') : NULL;
    fclose(f);
    return resident ? strtod(resident, NULL) * (double)sysconf(_SC_PAGESIZE) / 1048576 : 0;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { ROOM_MIB = 1000 }; /* a sanitizer keeps what was freed */
#else
enum { ROOM_MIB = 20 };
#endif

static void nothing_costs_nothing(void **state)
{
    const char *wanted = getenv("DOWEL_LOAD");
    const unsigned long given = wanted ? strtoul(wanted, NULL, 10) : 0;
    const unsigned n = given > 0 && given <= RIG_BOOKINGS ? (unsigned)given : 3000;
    double before, after_first, least = 0, most = 0;
    struct numbers done;
    int64_t requests;

    (void)state;
    rig_start("{\"parallel\":4}");
    for (unsigned i = 0; i < n; i++) {
        char id[16], ticket[16];
        struct booking *b;

        snprintf(id, sizeof(id), "%u", i);
        snprintf(ticket, sizeof(ticket), "%u", i / 5);
        b = book(id, ticket, "10");
        snprintf(b->customer, sizeof(b->customer), "C%u", i / 1000);
    }
    before = cpu();
    done = run("full");
    after_first = cpu();
    assert_string_equal(done.state, "done");
    assert_int_equal(done.created, n);
    assert_int_equal(pages(), n);
    requests = done.requests;
    for (int i = 0; i < 3; i++) {
        const double start = cpu();
        double took;

        done = run("full");
        took = cpu() - start;
        assert_int_equal(done.unchanged, n);
        assert_int_equal(done.requests, 2);
        print_message("%u entries, unchanged: %.2f s of CPU (both sides played included), %.0f MiB\n", n,
                      took, memory());
        if (i == 0)
            least = memory();
        most = memory();
        assert_true(took < 10.0 * n / 100000 + 1);
    }
    print_message("%u entries, first pass: %.2f s of CPU, %lld requests\n", n, after_first - before,
                  (long long)requests);
    assert_true(most < least + ROOM_MIB);
    assert_int_equal(count("SELECT count(*) FROM timesync_steps"), n);
    assert_int_equal(books.writes, n);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test_teardown(nothing_costs_nothing, rig_stop) };

    return ON_EVERY_ENGINE("load", tests);
}
