/* The schedules of a plugin: from its descriptor and its settings to rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "jobs_fixture.h"
#include "plugin/descriptor.h"
#include "plugin/schedules.h"

struct conf {
    const char *at;
    dw_span interval;
    bool flag;
};

static const dw_item items[] = {
    DW_ITEM(struct conf, at, .fallback = "off"),
    DW_ITEM(struct conf, interval, .fallback = "5m"),
    DW_ITEM(struct conf, flag, .fallback = "false"),
};

static struct jobs_fixture fixture;
static struct plugin_process process;
static struct conf conf;

static int setup(void **state)
{
    const struct schedules_options options = { .zone = "Europe/Berlin" };
    struct buf why = BUF_INIT;

    (void)state;
    conf = (struct conf){ .at = "30 4 * * *", .interval = DW_MINUTES(90) };
    struct schedules_options o = options;
    if (jobs_fixture_open(&fixture) != 0)
        return -1;
    o.db = fixture.db.db;
    return schedules_create(&process.schedules, &o, &why);
}

static int teardown(void **state)
{
    (void)state;
    schedules_destroy(process.schedules);
    jobs_fixture_close(&fixture);
    return 0;
}

/* As the registry does for a plugin "notes" that has these. */
static int add(const dw_schedule *schedules, size_t n, struct buf *why)
{
    const struct plugin_descriptor descriptor = {
        .name = "notes", .items = items, .items_n = 3, .schedules = schedules, .schedules_n = n
    };
    dw_instance instance = { .name = "notes", .descriptor = &descriptor, .process = &process, .conf = &conf };

    return plugin_schedules_add(&instance, why);
}

static void tick(void)
{
    struct buf why = BUF_INIT;
    int64_t next_us;

    if (schedules_tick(process.schedules, &next_us, &why) < 0)
        fail_msg("%s", buf_text(&why));
    buf_finish(&why);
}

static void assert_row(const char *name, const char *spec, const char *zone)
{
    if (JOBS_NUMBER(&fixture,
                    "SELECT count(*) FROM dowel_schedules WHERE name = $1 AND spec = $2 AND zone = $3 AND "
                    "job = 'notes.sweep'",
                    name, spec, zone) != 1)
        fail_msg("%s is not %s in %s", name, spec, zone);
}

static void assert_refused(dw_schedule s, const char *said)
{
    const dw_schedule both[] = {
        { .name = "good", .job = "sweep", .when = "@daily", .across_tenants = true },
        { .name = "poll",
          .job = "sweep",
          .when = s.when ? s.when : "@daily",
          .zone = s.zone,
          .misfire = s.misfire,
          .overlap = s.overlap,
          .jitter = s.jitter },
    };
    struct buf why = BUF_INIT;

    assert_int_equal(add(both, 2, &why), -1);
    if (strcmp(buf_text(&why), said) != 0)
        fail_msg("says <%s>, wanted <%s>", buf_text(&why), said);
    tick(); /* also the good one was not added */
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_schedules"), 0);
    buf_finish(&why);
}

static void the_plugin_or_the_admin_says_when(void **state)
{
    const dw_schedule schedules[] = {
        { .name = "plain", .job = "sweep", .when = "0 3 * * *", .across_tenants = true },
        { .name = "zoned", .job = "sweep", .when = "@daily", .zone = "Asia/Tokyo", .across_tenants = true },
        { .name = "text", .job = "sweep", .when = "conf:at", .across_tenants = true },
        { .name = "span",
          .job = "sweep",
          .when = "conf:interval",
          .misfire = "all",
          .jitter = "30s",
          .across_tenants = true },
    };
    struct buf why = BUF_INIT;

    (void)state;
    if (add(schedules, 4, &why) != 0)
        fail_msg("%s", buf_text(&why));
    tick();
    assert_row("notes.plain", "0 3 * * *", "Europe/Berlin");
    assert_row("notes.zoned", "@daily", "Asia/Tokyo");
    assert_row("notes.text", "30 4 * * *", "Europe/Berlin");
    assert_row("notes.span", "every 1h30m", "Europe/Berlin");
}

static void nothing_is_off(void **state)
{
    const dw_schedule schedules[] = {
        { .name = "text", .job = "sweep", .when = "conf:at", .across_tenants = true },
        { .name = "span", .job = "sweep", .when = "conf:interval", .across_tenants = true },
    };
    struct buf why = BUF_INIT;

    (void)state;
    conf = (struct conf){ .at = "off" };
    assert_int_equal(add(schedules, 2, &why), 0);
    tick();
    assert_int_equal(
        JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_schedules WHERE spec = 'off' AND next_at IS NULL"),
        2);
}

static void what_is_wrong_declines_the_plugin(void **state)
{
    (void)state;
    assert_refused((dw_schedule){ .when = "0 25 * * *" },
                   "its schedule poll cannot be carried out: the hour \"25\" is out of range; allowed are "
                   "0-23, *, lists, "
                   "ranges and steps");
    conf.at = "soon";
    assert_refused((dw_schedule){ .when = "conf:at" },
                   "its schedule poll cannot be carried out: \"soon\" has 1 field; five are wanted (minute, "
                   "hour, day of the "
                   "month, month, day of the week), or six with the second in front, or \"every 15m\"");
    assert_refused((dw_schedule){ .when = "conf:nothing" },
                   "its schedule poll says when by its item nothing, which it does not have");
    assert_refused((dw_schedule){ .when = "conf:flag" },
                   "its schedule poll says when by its item flag, which is neither a text nor a duration");
    assert_refused((dw_schedule){ .misfire = "later" },
                   "its schedule poll has the misfire \"later\"; there are coalesce, skip and all");
    assert_refused((dw_schedule){ .overlap = "both" },
                   "its schedule poll has the overlap \"both\"; there are skip and queue");
    assert_refused((dw_schedule){ .misfire = "all", .overlap = "skip" },
                   "its schedule poll has the misfire \"all\", which needs the overlap \"queue\": with "
                   "\"skip\" all that was "
                   "missed but one would be skipped");
    assert_refused((dw_schedule){ .zone = "Mars" }, "its schedule poll cannot be carried out: there is no "
                                                    "time zone \"Mars\"; it is a name of IANA's such as "
                                                    "Europe/Berlin, or UTC");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_plugin_or_the_admin_says_when),
        TEST(nothing_is_off),
        TEST(what_is_wrong_declines_the_plugin),
    };
    return cmocka_run_group_tests_name("plugin_schedules", tests, NULL, NULL);
}
