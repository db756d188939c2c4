/* Addresses to listen on, their sockets, and what systemd hands over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "folder.h"
#include "supervise/activation.h"
#include "supervise/lock.h"
#include "supervise/notify.h"
#include "supervise/owner.h"
#include "supervise/sockets.h"

static char folder[] = "/tmp/dowel-listen-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return folder_remove(folder);
}

static struct listen_spec parsed(const char *text)
{
    struct listen_spec spec;

    if (listen_parse(text, &spec))
        fail_msg("%s was not taken", text);
    return spec;
}

/* ---- texts ---- */

static void addresses_are_read_and_written(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        { "127.0.0.1:8000", "http://127.0.0.1:8000" },
        { "http://127.0.0.1:8000", "http://127.0.0.1:8000" },
        { "https://192.0.2.1:443", "https://192.0.2.1:443" },
        { "[::1]:8000", "http://[::1]:8000" },
        { "https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443" },
        { "unix:/run/dowel/http.sock", "unix:/run/dowel/http.sock" },
    };
    char text[LISTEN_TEXT_SIZE];
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        struct listen_spec spec = parsed(cases[i].in);
        listen_format(&spec, spec.port, text);
        assert_string_equal(text, cases[i].out);
    }
}

static void the_same_socket_is_known_again(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        { "127.0.0.1:8000", "https://127.0.0.1:8000", true },
        { "127.0.0.1:8000", "127.0.0.1:8001", false },
        { "127.0.0.1:8000", "127.0.0.2:8000", false },
        { "unix:/a", "unix:/a", true },
        { "unix:/a", "unix:/b", false },
        { "unix:/a", "127.0.0.1:8000", false },
    };
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        struct listen_spec a = parsed(cases[i].a), b = parsed(cases[i].b);
        assert_int_equal(listen_same(&a, &b), cases[i].same);
    }
}

/* ---- sockets ---- */

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof(value);
    assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

static void a_set_shares_one_port(void **state)
{
    struct listen_spec spec = parsed("127.0.0.1:0");
    struct socket_set set;
    struct buf why = BUF_INIT;
    (void)state;

    assert_int_equal(socket_set_open(&set, &spec, 3, &why), 0);
    assert_int_equal(set.n, 3);
    assert_int_not_equal(set.port, 0);
    for (unsigned i = 0; i < set.n; i++) {
        struct sockaddr_in at = { 0 };
        socklen_t size = sizeof(at);
        assert_int_equal(getsockname(set.fds[i], (struct sockaddr *)&at, &size), 0);
        assert_int_equal(ntohs(at.sin_port), set.port);
        assert_int_equal(option(set.fds[i], IPPROTO_TCP, TCP_NODELAY), 1);
        assert_int_equal(option(set.fds[i], SOL_SOCKET, SO_ACCEPTCONN), 1);
    }
    socket_set_close(&set);
}

static void a_port_in_use_is_refused_with_its_owner(void **state)
{
    struct listen_spec spec = parsed("127.0.0.1:0");
    struct socket_set set, second;
    struct buf why = BUF_INIT;
    char pid[24];
    (void)state;

    assert_int_equal(socket_set_open(&set, &spec, 2, &why), 0);
    spec.port = set.port;
    assert_int_equal(socket_set_open(&second, &spec, 2, &why), -1);
    snprintf(pid, sizeof(pid), "(pid %d)", (int)getpid());
    assert_non_null(strstr(buf_text(&why), pid));
    assert_non_null(strstr(buf_text(&why), "in use"));

    /* Shut down, the address is free although descriptors are still open: how an orphan makes room. */
    socket_set_shutdown(&set);
    buf_finish(&why);
    assert_int_equal(socket_set_open(&second, &spec, 2, &why), 0);
    socket_set_close(&second);
    socket_set_close(&set);
    buf_finish(&why);
}

static void the_owner_of_a_free_port_is_nobody(void **state)
{
    struct listen_spec spec = parsed("127.0.0.1:0");
    struct port_owner owner;
    struct socket_set set;
    struct buf why = BUF_INIT;
    (void)state;

    assert_int_equal(socket_set_open(&set, &spec, 1, &why), 0);
    spec.port = set.port;
    assert_true(port_owner_find(&spec, &owner));
    assert_int_equal(owner.pid, getpid());
    socket_set_close(&set);
    assert_false(port_owner_find(&spec, &owner));
}

static void an_address_of_another_machine_is_explained(void **state)
{
    struct listen_spec spec = parsed("192.0.2.1:0");
    struct socket_set set;
    struct buf why = BUF_INIT;
    (void)state;

    assert_int_equal(socket_set_open(&set, &spec, 1, &why), -1);
    assert_non_null(strstr(buf_text(&why), "no such address"));
    buf_finish(&why);
}

static struct listen_spec unix_spec(const char *name)
{
    char text[LISTEN_TEXT_SIZE];
    snprintf(text, sizeof(text), "unix:%.40s/%.40s", folder, name);
    return parsed(text);
}

static void a_stale_unix_socket_is_replaced(void **state)
{
    struct listen_spec spec = unix_spec("stale.sock");
    struct socket_set set;
    struct buf why = BUF_INIT;
    struct stat st;
    (void)state;

    assert_int_equal(socket_set_open(&set, &spec, 4, &why), 0);
    assert_int_equal(set.n, 1);
    assert_int_equal(stat(spec.path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    socket_set_close(&set); /* as a killed server leaves it */
    assert_int_equal(access(spec.path, F_OK), 0);

    assert_int_equal(socket_set_open(&set, &spec, 1, &why), 0);
    socket_set_shutdown(&set);
    assert_int_equal(access(spec.path, F_OK), -1);
    socket_set_close(&set);
}

static void a_unix_socket_that_answers_stays(void **state)
{
    struct listen_spec spec = unix_spec("alive.sock");
    struct socket_set set, second;
    struct buf why = BUF_INIT;
    (void)state;

    assert_int_equal(socket_set_open(&set, &spec, 1, &why), 0);
    assert_int_equal(socket_set_open(&second, &spec, 1, &why), -1);
    assert_non_null(strstr(buf_text(&why), "a running program answers there"));
    assert_int_equal(access(spec.path, F_OK), 0);
    socket_set_shutdown(&set);
    socket_set_close(&set);
    buf_finish(&why);
}

static void a_file_that_is_no_socket_stays(void **state)
{
    struct listen_spec spec = unix_spec("notes.txt");
    struct socket_set set;
    struct buf why = BUF_INIT;
    FILE *f = fopen(spec.path, "w");
    (void)state;

    assert_non_null(f);
    fclose(f);
    assert_int_equal(socket_set_open(&set, &spec, 1, &why), -1);
    assert_non_null(strstr(buf_text(&why), "no socket"));
    assert_int_equal(access(spec.path, F_OK), 0);
    buf_finish(&why);
}

static void a_replaced_unix_socket_is_not_removed(void **state)
{
    struct listen_spec spec = unix_spec("replaced.sock");
    struct socket_set set, theirs;
    struct buf why = BUF_INIT;
    (void)state;

    assert_int_equal(socket_set_open(&set, &spec, 1, &why), 0);
    unlink(spec.path);
    assert_int_equal(socket_set_open(&theirs, &spec, 1, &why), 0);
    if (theirs.inode != set.inode) { /* a file system may give the number again */
        socket_set_shutdown(&set);
        assert_int_equal(access(spec.path, F_OK), 0);
    }
    socket_set_close(&set);
    socket_set_shutdown(&theirs);
    socket_set_close(&theirs);
}

/* ---- systemd ---- */

static void activation_is_for_one_process(void **state)
{
    struct activation a;
    (void)state;

    assert_int_equal(activation_parse(&a, "42", "2", "http:https", 42), 0);
    assert_int_equal(a.n, 2);
    assert_true(str_equal(activation_name(&a, 1), STR_OF("https")));
    assert_int_equal(activation_name(&a, 2).n, 0);
    assert_int_equal(activation_parse(&a, "43", "2", NULL, 42), 0);
    assert_int_equal(a.n, 0);
    assert_int_equal(activation_parse(&a, NULL, "2", NULL, 42), 0);
    assert_int_equal(a.n, 0);
    assert_int_equal(activation_parse(&a, "42", "two", NULL, 42), -1);
    assert_int_equal(activation_parse(&a, "42", "1000000", NULL, 42), -1);
    assert_int_equal(activation_parse(&a, "-1", "1", NULL, 42), -1);
    assert_int_equal(activation_parse(&a, "42", "1", NULL, 42), 0);
    assert_int_equal(activation_name(&a, 0).n, 0);
}

static void a_socket_is_adopted(void **state)
{
    struct listen_spec spec = parsed("127.0.0.1:0");
    struct socket_set opened, adopted;
    struct buf why = BUF_INIT;
    (void)state;

    assert_int_equal(socket_set_open(&opened, &spec, 1, &why), 0);
    assert_int_equal(socket_set_adopt(&adopted, dup(opened.fds[0]), &why), 0);
    assert_int_equal(adopted.port, opened.port);
    assert_true(adopted.activated);
    socket_set_shutdown(&adopted); /* does nothing: not ours */
    assert_int_equal(option(opened.fds[0], SOL_SOCKET, SO_ACCEPTCONN), 1);
    socket_set_close(&adopted);
    socket_set_close(&opened);

    int datagram = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(socket_set_adopt(&adopted, datagram, &why), -1);
    assert_non_null(strstr(buf_text(&why), "ListenStream"));
    buf_finish(&why);
}

static int datagram_socket(const char *name, size_t length)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    memcpy(at.sun_path, name, length);
    assert_int_equal(
        bind(fd, (struct sockaddr *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)), 0);
    return fd;
}

static void check_notify(int fd, const char *name)
{
    struct notify n;
    char got[128] = { 0 };

    assert_int_equal(notify_init(&n, name, "30000000", "7", 7), 0);
    assert_int_equal(n.watchdog_us, 30000000);
    notify_send(&n, "READY=1\nSTATUS=generation %d", 3);
    assert_true(recv(fd, got, sizeof(got) - 1, 0) > 0);
    assert_string_equal(got, "READY=1\nSTATUS=generation 3");
    notify_finish(&n);
    close(fd);
}

static void systemd_is_told(void **state)
{
    char path[80], name[80];
    (void)state;

    snprintf(path, sizeof(path), "%s/notify", folder);
    check_notify(datagram_socket(path, strlen(path)), path);

    snprintf(name, sizeof(name), "@dowel-test-%d", (int)getpid());
    char abstract[80];
    memcpy(abstract, name, sizeof(abstract));
    abstract[0] = 0;
    check_notify(datagram_socket(abstract, strlen(name)), name);
}

static void nobody_is_told_when_nobody_asked(void **state)
{
    struct notify n;
    (void)state;

    assert_int_equal(notify_init(&n, NULL, "30000000", NULL, 7), 0);
    assert_int_equal(n.fd, -1);
    notify_send(&n, "READY=1");
    notify_finish(&n);
    assert_int_equal(notify_init(&n, "relative", NULL, NULL, 7), -1);
    assert_int_equal(notify_init(&n, "/run/x", "30000000", "8", 7), 0);
    assert_int_equal(n.watchdog_us, 0);
    notify_finish(&n);
}

/* ---- the data lock ---- */

static void the_lock_has_one_holder(void **state)
{
    struct buf why = BUF_INIT;
    char pid[24];
    int first, second;
    (void)state;

    assert_int_equal(data_lock_holder(folder), 0);
    assert_int_equal(data_lock(folder, &first, &why), 0);
    assert_int_equal(data_lock_holder(folder), getpid());
    assert_int_equal(data_lock(folder, &second, &why), -1);
    snprintf(pid, sizeof(pid), "pid %d", (int)getpid());
    assert_non_null(strstr(buf_text(&why), pid));
    close(first);
    assert_int_equal(data_lock_holder(folder), 0);
    buf_finish(&why);
    assert_int_equal(data_lock("/nowhere/at/all", &first, &why), -1);
    buf_finish(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_and_written),
        cmocka_unit_test(the_same_socket_is_known_again),
        cmocka_unit_test(a_set_shares_one_port),
        cmocka_unit_test(a_port_in_use_is_refused_with_its_owner),
        cmocka_unit_test(the_owner_of_a_free_port_is_nobody),
        cmocka_unit_test(an_address_of_another_machine_is_explained),
        cmocka_unit_test(a_stale_unix_socket_is_replaced),
        cmocka_unit_test(a_unix_socket_that_answers_stays),
        cmocka_unit_test(a_file_that_is_no_socket_stays),
        cmocka_unit_test(a_replaced_unix_socket_is_not_removed),
        cmocka_unit_test(activation_is_for_one_process),
        cmocka_unit_test(a_socket_is_adopted),
        cmocka_unit_test(systemd_is_told),
        cmocka_unit_test(nobody_is_told_when_nobody_asked),
        cmocka_unit_test(the_lock_has_one_holder),
    };
    return cmocka_run_group_tests_name("listen", tests, make_folder, remove_folder);
}
