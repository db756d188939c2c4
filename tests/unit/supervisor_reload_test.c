/* The supervisor told to do something while it serves: reloads, and what else comes to its control socket. */
#include "supervised.h"

/* ---- reload ---- */

static void a_reload_loses_no_connection(void **state)
{
    struct server *s = *state;
    struct asker asker = { .server = s };
    pthread_t thread;

    start(s, "listen 127.0.0.1:0\n");
    assert_int_equal(pthread_create(&thread, NULL, ask_all_the_time, &asker), 0);
    for (unsigned long long i = 2; i <= 21; i++) {
        assert_true(control_ok(s, "reload"));
        WAIT_FOR(s, serves_generation(s, i));
    }
    asker.stop = true;
    pthread_join(thread, NULL);
    assert_true(asker.asked > 20);
    assert_int_equal(asker.lost, 0);
    WAIT_FOR(s, living(s) == 1);
}

static void a_reload_is_answered_when_the_old_generation_accepts_no_more(void **state)
{
    struct server *s = *state;
    struct answer a;

    start(s, "listen 127.0.0.1:0\nlinger 300\n");
    int64_t begin_us = clock_monotonic_us();
    assert_true(control_ok(s, "reload"));
    assert_true(clock_monotonic_us() - begin_us >= 300 * CLOCK_MS);
    for (int i = 0; i < 20; i++) {
        assert_true(ask(s, &a));
        assert_int_equal(a.generation, 2);
    }
    configure(s, "listen 127.0.0.1:0\nlinger 60000\n");
    assert_true(control_ok(s, "reload"));
    assert_true(control_ok(s, "reload")); /* one that does not come to it is not waited for */
    assert_true(clock_monotonic_us() - begin_us < SOON_US);
}

static void a_reload_by_signal(void **state)
{
    struct server *s = *state;

    start(s, "listen 127.0.0.1:0\n");
    kill(s->pid, SIGHUP);
    WAIT_FOR(s, serves_generation(s, 2));
}

static void a_refused_reload_keeps_the_old(void **state)
{
    struct server *s = *state;

    start(s, "listen 127.0.0.1:0\n");
    configure(s, "load 3 config:1: no good\n");
    assert_refused(s, "reload", 3, "config:1: no good");
    configure(s, "listen 127.0.0.1:0\nfail 3 certificate missing\n");
    assert_refused(s, "reload", 3, "certificate missing");
    configure(s, "listen 127.0.0.1:0\ncrash\n");
    assert_refused(s, "reload", 1, "killed by signal");
    configure(s, "listen 127.0.0.1:0\nslow 10000\n");
    assert_refused(s, "reload", 1, "not ready in time");
    configure(s, "listen 127.0.0.1:0\nlisten 192.0.2.1:1\n");
    assert_refused(s, "reload", 1, "no such address");
    assert_true(serves_generation(s, 1));
    assert_false(logged(s, "did not start"));
    WAIT_FOR(s, living(s) == 1);

    configure(s, "listen 127.0.0.1:0\n");
    assert_true(control_ok(s, "reload"));
}

/* As with a migration that takes its time: who asks for it gets it, and no more than that. */
static void a_start_that_asks_for_time_gets_it(void **state)
{
    struct server *s = *state;

    start(s, "listen 127.0.0.1:0\n");
    configure(s, "listen 127.0.0.1:0\npatience 10000\nslow 2500\n"); /* above START_LIMIT_US */
    assert_true(control_ok(s, "reload"));
    assert_true(serves_generation(s, 2));
    configure(s, "listen 127.0.0.1:0\npatience 1\nslow 10000\n");
    assert_refused(s, "reload", 1, "not ready in time");
}

/* As with an offline migration. A connection of the time between waits for who comes. */
static void one_that_has_to_be_alone_waits_for_the_others_end(void **state)
{
    struct server *s = *state;
    struct answer a;

    start(s, "listen 127.0.0.1:0\n");
    configure(s, "listen 127.0.0.1:0\nalone\nslow 300\n");
    assert_true(control_ok(s, "reload"));
    assert_int_equal(living(s), 1);
    assert_true(serves_generation(s, 2));

    /* Also when it then fails: there is no way back, but the next attempt is made. */
    configure(s, "listen 127.0.0.1:0\nalone\nfail 3 it was in vain\n");
    assert_refused(s, "reload", 3, "it was in vain");
    WAIT_FOR(s, ask(s, &a) && a.generation > 3);
    assert_int_equal(living(s), 1);
}

static void overlapping_reloads_are_all_answered(void **state)
{
    struct server *s = *state;
    int fds[8];
    static const char request[] = "{\"verb\":\"reload\"}\n";
    char reply[256];

    start(s, "listen 127.0.0.1:0\n");
    configure(s, "listen 127.0.0.1:0\nslow 500\n");
    for (size_t i = 0; i < DW_COUNT_OF(fds); i++) {
        struct buf why = BUF_INIT;
        fds[i] = remote_connect(s->folder, &why);
        assert_true(fds[i] >= 0);
        assert_int_equal(send(fds[i], request, sizeof(request) - 1, 0), sizeof(request) - 1);
        buf_finish(&why);
    }
    for (size_t i = 0; i < DW_COUNT_OF(fds); i++) {
        struct pollfd p = { .fd = fds[i], .events = POLLIN };
        assert_int_equal(poll(&p, 1, LIMIT_US / CLOCK_MS), 1);
        ssize_t n = recv(fds[i], reply, sizeof(reply) - 1, 0);
        assert_true(n > 0);
        reply[n] = 0;
        assert_non_null(strstr(reply, "\"ok\":true"));
        close(fds[i]);
    }
    struct answer a;
    WAIT_FOR(s, ask(s, &a) && a.generation >= 2);
    assert_true(a.generation <= 4); /* eight requests were not eight reloads */
}

static void an_old_generation_ends_its_connections_first(void **state)
{
    struct server *s = *state;
    struct answer a;
    int held;

    start(s, "listen 127.0.0.1:0\n");
    assert_true(ask_on(s->port, 'h', &a, &held));
    assert_true(control_ok(s, "reload"));
    WAIT_FOR(s, serves_generation(s, 2));
    assert_int_equal(living(s), 2);
    assert_false(is_gone(a.pid));
    close(held);
    WAIT_FOR(s, living(s) == 1);
    assert_true(is_gone(a.pid));
}

static void addresses_come_and_go(void **state)
{
    struct server *s = *state;
    struct answer a;
    char path[100], config[300];
    json_t *status;

    start(s, "listen 127.0.0.1:0\n");
    uint16_t first = s->port;
    snprintf(path, sizeof(path), "%s/http.sock", s->folder);
    snprintf(config, sizeof(config), "listen 127.0.0.1:0\nlisten unix:%s\n", path);
    configure(s, config);
    assert_true(control_ok(s, "reload"));
    assert_int_equal(access(path, F_OK), 0);
    assert_true(ask(s, &a));

    snprintf(config, sizeof(config), "listen 127.0.0.2:0\n");
    configure(s, config);
    assert_true(control_ok(s, "reload"));
    WAIT_FOR(s, access(path, F_OK) != 0);
    WAIT_FOR(s, !ask_on(first, 'q', &a, NULL));
    status = control(s, "status");
    assert_int_equal(json_array_size(json_object_get(status, "addresses")), 1);
    json_decref(status);
}

static void port_0_may_stand_there_twice(void **state)
{
    struct server *s = *state;
    struct answer a;

    start(s, "listen 127.0.0.1:0\nlisten 127.0.0.1:0\n");
    uint16_t first = s->port;
    wait_ready(s);
    assert_int_not_equal(first, s->port);
    assert_true(control_ok(s, "reload"));
    assert_true(control_ok(s, "upgrade"));
    assert_true(ask_on(first, 'q', &a, NULL) && ask_on(s->port, 'q', &a, NULL));
    configure(s, "listen 127.0.0.1:0\n");
    assert_true(control_ok(s, "reload"));
    WAIT_FOR(s, !ask_on(s->port, 'q', &a, NULL));
    assert_true(ask_on(first, 'q', &a, NULL));
    configure(s, "listen unix:/nowhere/a\nlisten unix:/nowhere/a\n");
    assert_refused(s, "reload", 1, "/nowhere/a");
}

static void unknown_verbs_and_broken_requests_are_answered(void **state)
{
    struct server *s = *state;
    static const char *const requests[] = { "nonsense\n", "{\"verb\":7}\n", "[]\n" };
    char reply[256];

    start(s, "listen 127.0.0.1:0\n");
    assert_refused(s, "dance", 1, "does not know that verb");
    for (size_t i = 0; i < DW_COUNT_OF(requests); i++) {
        struct buf why = BUF_INIT;
        int fd = remote_connect(s->folder, &why);
        assert_true(fd >= 0);
        send(fd, requests[i], strlen(requests[i]), 0);
        ssize_t n = recv(fd, reply, sizeof(reply) - 1, 0);
        assert_true(n > 0);
        reply[n] = 0;
        assert_non_null(strstr(reply, "\"ok\":false"));
        close(fd);
    }
    assert_true(control_ok(s, "status"));
}

static void a_request_that_is_too_long_is_cut_off(void **state)
{
    struct server *s = *state;
    struct buf why = BUF_INIT;
    static char junk[CLOCK_MS * 20];
    char reply[256];

    start(s, "listen 127.0.0.1:0\n");
    int fd = remote_connect(s->folder, &why);
    memset(junk, 'x', sizeof(junk));
    send(fd, junk, sizeof(junk), MSG_NOSIGNAL);
    ssize_t n = recv(fd, reply, sizeof(reply) - 1, 0);
    assert_true(n > 0);
    reply[n] = 0;
    assert_non_null(strstr(reply, "too long"));
    close(fd);
    assert_true(control_ok(s, "status"));
}

static void the_control_socket_is_private(void **state)
{
    struct server *s = *state;
    struct stat st;
    char path[100];

    start(s, "listen 127.0.0.1:0\n");
    snprintf(path, sizeof(path), "%s/dowel.sock", s->folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    kill(s->pid, SIGTERM);
    assert_int_equal(wait_end(s), 0);
    assert_int_equal(access(path, F_OK), -1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SUPERVISED(a_reload_loses_no_connection),
        SUPERVISED(a_reload_is_answered_when_the_old_generation_accepts_no_more),
        SUPERVISED(a_reload_by_signal),
        SUPERVISED(a_refused_reload_keeps_the_old),
        SUPERVISED(a_start_that_asks_for_time_gets_it),
        SUPERVISED(one_that_has_to_be_alone_waits_for_the_others_end),
        SUPERVISED(overlapping_reloads_are_all_answered),
        SUPERVISED(an_old_generation_ends_its_connections_first),
        SUPERVISED(addresses_come_and_go),
        SUPERVISED(port_0_may_stand_there_twice),
        SUPERVISED(unknown_verbs_and_broken_requests_are_answered),
        SUPERVISED(a_request_that_is_too_long_is_cut_off),
        SUPERVISED(the_control_socket_is_private),
    };
    int result;

    if (is_other_role(argc, argv, &result))
        return result;
    return cmocka_run_group_tests_name("supervisor_reload", tests, NULL, NULL);
}
