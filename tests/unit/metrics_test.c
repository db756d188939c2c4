#include "metrics/metrics.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/compiler.h"

static int reset(void **state)
{
    (void)state;
    metrics_reset();
    return 0;
}

static void assert_page(const char *wanted)
{
    struct buf page = BUF_INIT;

    metrics_write(&page);
    assert_string_equal(buf_text(&page), wanted);
    buf_finish(&page);
}

static void an_empty_page_is_empty(void **state)
{
    (void)state;
    assert_page("");
}

static int64_t forty_two(void *ud)
{
    return ud ? *(const int64_t *)ud : 42;
}

static void families_are_sorted_and_typed(void **state)
{
    (void)state;
    metric_add(metrics_counter("b_total", "Bs", "kind=\"y\""), 2);
    metric_add(metrics_counter("b_total", "Bs", "kind=\"x\""), 1);
    metric_add(metrics_counter("b_total", "Bs", "kind=\"y\""), 3); /* the same one */
    metric_set(metrics_gauge("c", "Cs", NULL), -7);
    metrics_gauge_read("a", "As", NULL, forty_two, NULL);
    assert_page("# HELP a As\n# TYPE a gauge\na 42\n"
                "# HELP b_total Bs\n# TYPE b_total counter\nb_total{kind=\"x\"} 1\nb_total{kind=\"y\"} 5\n"
                "# HELP c Cs\n# TYPE c gauge\nc -7\n");
}

static void gauges_move(void **state)
{
    static int64_t value = 1;
    struct metric *m = metrics_gauge("g", "g", NULL);

    (void)state;
    metric_add(m, 5);
    metric_add(m, -2);
    assert_int_equal(metric_value(m), 3);
    metric_set(m, 10);
    metric_add(m, 1);
    assert_int_equal(metric_value(m), 11);
    m = metrics_gauge_read("r", "r", NULL, forty_two, NULL);
    assert_int_equal(metric_value(m), 42);
    metrics_gauge_read("r", "r", NULL, forty_two, &value); /* replaces */
    assert_int_equal(metric_value(m), 1);
}

static void histograms_count_up(void **state)
{
    struct metric *m = metrics_histogram("h", "h", "a=\"b\"");

    (void)state;
    metric_observe_us(m, 0);
    metric_observe_us(m, 100); /* a bound belongs to its bucket */
    metric_observe_us(m, 101);
    metric_observe_us(m, 2600);
    metric_observe_us(m, 10000000);
    metric_observe_us(m, 10000001);
    metric_observe_us(m, -5); /* a clock's mistake, not a negative duration */
    assert_int_equal(metric_value(m), 7);
    assert_page("# HELP h h\n# TYPE h histogram\n"
                "h_bucket{a=\"b\",le=\"0.0001\"} 3\n"
                "h_bucket{a=\"b\",le=\"0.00025\"} 4\n"
                "h_bucket{a=\"b\",le=\"0.0005\"} 4\n"
                "h_bucket{a=\"b\",le=\"0.001\"} 4\n"
                "h_bucket{a=\"b\",le=\"0.0025\"} 4\n"
                "h_bucket{a=\"b\",le=\"0.005\"} 5\n"
                "h_bucket{a=\"b\",le=\"0.01\"} 5\n"
                "h_bucket{a=\"b\",le=\"0.025\"} 5\n"
                "h_bucket{a=\"b\",le=\"0.05\"} 5\n"
                "h_bucket{a=\"b\",le=\"0.1\"} 5\n"
                "h_bucket{a=\"b\",le=\"0.25\"} 5\n"
                "h_bucket{a=\"b\",le=\"0.5\"} 5\n"
                "h_bucket{a=\"b\",le=\"1\"} 5\n"
                "h_bucket{a=\"b\",le=\"2.5\"} 5\n"
                "h_bucket{a=\"b\",le=\"5\"} 5\n"
                "h_bucket{a=\"b\",le=\"10\"} 6\n"
                "h_bucket{a=\"b\",le=\"+Inf\"} 7\n"
                "h_sum{a=\"b\"} 20.002802\n"
                "h_count{a=\"b\"} 7\n");
}

static void a_histogram_may_have_no_labels(void **state)
{
    struct buf page = BUF_INIT;

    (void)state;
    metric_observe_us(metrics_histogram("h", "h", NULL), 1500000);
    metrics_write(&page);
    assert_non_null(strstr(buf_text(&page), "\nh_bucket{le=\"2.5\"} 1\n"));
    assert_non_null(strstr(buf_text(&page), "\nh_sum 1.500000\nh_count 1\n"));
    buf_finish(&page);
}

static void labels_are_escaped(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    metrics_label(&b, "path", STR_OF("/a\"b\\c\nd{e}\xc3\xa9"));
    assert_string_equal(buf_text(&b), "path=\"/a\\\"b\\\\c\\nd{e}\xc3\xa9\"");
    buf_finish(&b);
}

/* A histogram's cells are not a counter's: mixing them up must not write where nothing is. */
static void a_name_stands_for_one_kind(void **state)
{
    struct metric *counter = metrics_counter("n", "n", "a=\"2\"");

    (void)state;
    assert_non_null(counter);
    assert_null(metrics_histogram("n", "n", "a=\"2\""));
    assert_null(metrics_gauge("n", "n", "a=\"1\""));
    assert_null(metrics_gauge_read("n", "n", "a=\"3\"", forty_two, NULL));
    metric_observe_us(counter, 20000000);
    metric_add(NULL, 1);
    metric_set(NULL, 1);
    metric_observe_us(NULL, 1);
    assert_int_equal(metric_value(NULL), 0);
    assert_page("# HELP n n\n# TYPE n counter\nn{a=\"2\"} 0\n");
}

enum { THREADS = 20, ROUNDS = 5000 }; /* more threads than shards */

static void *add_often(void *ud)
{
    struct metric *h = metrics_histogram("h", "h", NULL);

    for (unsigned i = 0; i < ROUNDS; i++) {
        metric_add(ud, 1);
        metric_observe_us(h, i);
        if (i % 1000 == 0)
            metrics_gauge_read("r", "r", NULL, forty_two, NULL);
    }
    return NULL;
}

static void nothing_is_lost_between_threads(void **state)
{
    struct metric *m = metrics_counter("c_total", "c", NULL);
    pthread_t threads[THREADS];

    (void)state;
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_often, m), 0);
    for (unsigned i = 0; i < 50; i++) {
        struct buf page = BUF_INIT;
        metrics_write(&page);
        assert_false(buf_failed(&page));
        buf_finish(&page);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(metric_value(m), THREADS * ROUNDS);
    assert_int_equal(metric_value(metrics_histogram("h", "h", NULL)), THREADS * ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_page_is_empty, reset, reset),
        cmocka_unit_test_setup_teardown(families_are_sorted_and_typed, reset, reset),
        cmocka_unit_test_setup_teardown(gauges_move, reset, reset),
        cmocka_unit_test_setup_teardown(histograms_count_up, reset, reset),
        cmocka_unit_test_setup_teardown(a_histogram_may_have_no_labels, reset, reset),
        cmocka_unit_test_setup_teardown(labels_are_escaped, reset, reset),
        cmocka_unit_test_setup_teardown(a_name_stands_for_one_kind, reset, reset),
        cmocka_unit_test_setup_teardown(nothing_is_lost_between_threads, reset, reset),
    };
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
