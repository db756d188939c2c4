#include "http/forwarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/compiler.h"

/* The proxies: 10.0.0.0/8, 2001:db8:1::/48, loopback. */
static struct network trusted[3];

static int set_up(void **state)
{
    static const char *const text[] = { "10.0.0.0/8", "2001:db8:1::/48", "127.0.0.1" };
    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(text); i++) {
        if (network_parse(str_from(text[i]), &trusted[i]) != 0)
            return -1;
    }
    return 0;
}

struct lines_of {
    const char *line[3];
};

struct row {
    const char *peer; /* NULL: a Unix socket */
    struct lines_of forwarded, x_for, x_proto, x_host;
    const char *client, *host;
    char known; /* y, n */
    char proto; /* s: https, h: http, -: not told */
};

static const struct row rows[] = {
    /* Nobody in between. */
    { .peer = "192.0.2.1", .client = "192.0.2.1", .known = 'y', .proto = '-' },
    { .peer = "10.1.1.1", .client = "10.1.1.1", .known = 'y', .proto = '-' },
    { .peer = NULL, .client = "unix", .known = 'y', .proto = '-' },

    /* A stranger's fields are not believed; but that he is not who he seems to be, is. */
    { .peer = "192.0.2.1", .x_for = { { "127.0.0.1" } }, .client = "192.0.2.1", .known = 'n', .proto = '-' },
    { .peer = "192.0.2.1",
      .forwarded = { { "for=127.0.0.1;proto=https;host=evil" } },
      .client = "192.0.2.1",
      .known = 'n',
      .proto = '-' },
    { .peer = NULL, .x_for = { { "127.0.0.1" } }, .client = "unix", .known = 'n', .proto = '-' },

    /* X-Forwarded-For: the right end counts. */
    { .peer = "10.0.0.1", .x_for = { { "192.0.2.7" } }, .client = "192.0.2.7", .known = 'y', .proto = '-' },
    { .peer = "10.0.0.1",
      .x_for = { { "127.0.0.1, 192.0.2.7" } },
      .client = "192.0.2.7",
      .known = 'y',
      .proto = '-' },
    { .peer = "10.0.0.1",
      .x_for = { { "127.0.0.1", "192.0.2.7" } },
      .client = "192.0.2.7",
      .known = 'y',
      .proto = '-' },
    { .peer = "10.0.0.1",
      .x_for = { { "1.1.1.1,192.0.2.7 ,10.0.0.2", "\t10.0.0.3" } },
      .client = "192.0.2.7",
      .known = 'y',
      .proto = '-' },
    { .peer = "10.0.0.1",
      .x_for = { { "10.0.0.3, 10.0.0.2" } },
      .client = "10.0.0.3",
      .known = 'y',
      .proto = '-' },
    { .peer = "10.0.0.1",
      .x_for = { { "192.0.2.7:4711" } },
      .client = "192.0.2.7",
      .known = 'y',
      .proto = '-' },
    { .peer = "10.0.0.1",
      .x_for = { { "2001:db8::7" } },
      .client = "2001:db8::7",
      .known = 'y',
      .proto = '-' },
    { .peer = "10.0.0.1",
      .x_for = { { "[2001:db8::7]:4711" } },
      .client = "2001:db8::7",
      .known = 'y',
      .proto = '-' },
    { .peer = "10.0.0.1",
      .x_for = { { "[2001:db8::7]" } },
      .client = "2001:db8::7",
      .known = 'y',
      .proto = '-' },
    { .peer = "10.0.0.1",
      .x_for = { { "192.0.2.9, 2001:db8:1::5" } },
      .client = "192.0.2.9",
      .known = 'y',
      .proto = '-' },
    { .peer = "10.0.0.1",
      .x_for = { { "::ffff:192.0.2.7" } },
      .client = "192.0.2.7",
      .known = 'y',
      .proto = '-' },
    { .peer = "127.0.0.1", .x_for = { { "127.0.0.1" } }, .client = "127.0.0.1", .known = 'y', .proto = '-' },

    /* Malformed: the last trusted hop, and nobody knows. */
    { .peer = "10.0.0.1", .x_for = { { "" } }, .client = "10.0.0.1", .known = 'n', .proto = '-' },
    { .peer = "10.0.0.1", .x_for = { { "192.0.2.7," } }, .client = "10.0.0.1", .known = 'n', .proto = '-' },
    { .peer = "10.0.0.1",
      .x_for = { { "192.0.2.7, unknown" } },
      .client = "10.0.0.1",
      .known = 'n',
      .proto = '-' },
    { .peer = "10.0.0.1",
      .x_for = { { "192.0.2.7, 010.0.0.1" } },
      .client = "10.0.0.1",
      .known = 'n',
      .proto = '-' },
    { .peer = "10.0.0.1",
      .x_for = { { "192.0.2.7, x, 10.0.0.2" } },
      .client = "10.0.0.2",
      .known = 'n',
      .proto = '-' },
    { .peer = "10.0.0.1",
      .x_for = { { "192.0.2.7:99999" } },
      .client = "10.0.0.1",
      .known = 'n',
      .proto = '-' },
    { .peer = "10.0.0.1", .x_for = { { "192.0.2.7:_p" } }, .client = "10.0.0.1", .known = 'n', .proto = '-' },
    { .peer = "10.0.0.1", .x_for = { { "[192.0.2.7]" } }, .client = "10.0.0.1", .known = 'n', .proto = '-' },
    { .peer = "10.0.0.1", .x_for = { { "[2001:db8::7" } }, .client = "10.0.0.1", .known = 'n', .proto = '-' },
    { .peer = "10.0.0.1",
      .x_for = { { "[2001:db8::7]x" } },
      .client = "10.0.0.1",
      .known = 'n',
      .proto = '-' },
    { .peer = "10.0.0.1", .x_for = { { "fe80::1%eth0" } }, .client = "10.0.0.1", .known = 'n', .proto = '-' },
    { .peer = "10.0.0.1",
      .x_for = { { "10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2,"
                   "10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2,"
                   "10.0.0.2" } },
      .client = "10.0.0.2",
      .known = 'n',
      .proto = '-' },

    /* Scheme and host of the outermost trusted hop. */
    { .peer = "10.0.0.1",
      .x_for = { { "192.0.2.7" } },
      .x_proto = { { "https" } },
      .x_host = { { "a.example:8443" } },
      .client = "192.0.2.7",
      .host = "a.example:8443",
      .known = 'y',
      .proto = 's' },
    { .peer = "10.0.0.1",
      .x_for = { { "192.0.2.7" } },
      .x_proto = { { "https, http" } },
      .x_host = { { "evil.example, a.example" } },
      .client = "192.0.2.7",
      .host = "a.example",
      .known = 'y',
      .proto = 'h' },
    { .peer = "10.0.0.1",
      .x_for = { { "192.0.2.7, 10.0.0.2" } },
      .x_proto = { { "HTTPS, http" } },
      .client = "192.0.2.7",
      .known = 'y',
      .proto = 's' },
    { .peer = "10.0.0.1",
      .x_for = { { "192.0.2.7, 10.0.0.2" } },
      .x_proto = { { "https" } },
      .client = "192.0.2.7",
      .known = 'y',
      .proto = 's' },
    { .peer = "10.0.0.1",
      .x_for = { { "192.0.2.7" } },
      .x_proto = { { "gopher" } },
      .x_host = { { "a b" } },
      .client = "192.0.2.7",
      .known = 'y',
      .proto = '-' },
    { .peer = "10.0.0.1", .x_proto = { { "https" } }, .client = "10.0.0.1", .known = 'n', .proto = 's' },
    { .peer = "192.0.2.1",
      .x_proto = { { "https" } },
      .x_host = { { "evil" } },
      .client = "192.0.2.1",
      .known = 'n',
      .proto = '-' },

    /* Forwarded. */
    { .peer = "10.0.0.1",
      .forwarded = { { "for=192.0.2.7" } },
      .client = "192.0.2.7",
      .known = 'y',
      .proto = '-' },
    { .peer = "10.0.0.1",
      .forwarded = { { "For=\"192.0.2.7:80\";PROTO=https;By=10.0.0.1;host=\"a.example:1\"" } },
      .client = "192.0.2.7",
      .host = "a.example:1",
      .known = 'y',
      .proto = 's' },
    { .peer = "10.0.0.1",
      .forwarded = { { "for=\"[2001:db8::7]:_port\"" } },
      .client = "2001:db8::7",
      .known = 'y',
      .proto = '-' },
    { .peer = "10.0.0.1",
      .forwarded = { { "for=127.0.0.1, for=192.0.2.7; proto=http , for=10.0.0.2;proto=https" } },
      .client = "192.0.2.7",
      .known = 'y',
      .proto = 'h' },
    { .peer = "10.0.0.1",
      .forwarded = { { "for=127.0.0.1", "for=192.0.2.7" } },
      .client = "192.0.2.7",
      .known = 'y',
      .proto = '-' },
    { .peer = "10.0.0.1",
      .forwarded = { { "secret=\"a,b;c=\\\"d\";for=192.0.2.7;" } },
      .client = "192.0.2.7",
      .known = 'y',
      .proto = '-' },
    { .peer = "10.0.0.1",
      .forwarded = { { "for=192.0.2.7" } },
      .x_for = { { "192.0.2.9" } },
      .x_proto = { { "https" } },
      .x_host = { { "x" } },
      .client = "192.0.2.7",
      .known = 'y',
      .proto = '-' },
    { .peer = "10.0.0.1",
      .forwarded = { { "for=192.0.2.7, for=10.0.0.3", "for=10.0.0.2" } },
      .client = "192.0.2.7",
      .known = 'y',
      .proto = '-' },

    /* Hidden or malformed. */
    { .peer = "10.0.0.1",
      .forwarded = { { "for=192.0.2.7, for=_hidden;proto=https" } },
      .client = "10.0.0.1",
      .known = 'n',
      .proto = 's' },
    { .peer = "10.0.0.1",
      .forwarded = { { "for=unknown" } },
      .client = "10.0.0.1",
      .known = 'n',
      .proto = '-' },
    { .peer = "10.0.0.1",
      .forwarded = { { "proto=https" } },
      .client = "10.0.0.1",
      .known = 'n',
      .proto = 's' },
    { .peer = "10.0.0.1", .forwarded = { { "" } }, .client = "10.0.0.1", .known = 'n', .proto = '-' },
    { .peer = "10.0.0.1",
      .forwarded = { { "for=\"127.0.0.1, for=192.0.2.7" } },
      .x_for = { { "192.0.2.7" } },
      .client = "10.0.0.1",
      .known = 'n',
      .proto = '-' },
    { .peer = "10.0.0.1",
      .forwarded = { { "for=\"x", "for=10.0.0.2" } },
      .client = "10.0.0.2",
      .known = 'n',
      .proto = '-' },
    { .peer = "10.0.0.1",
      .forwarded = { { "for=192.0.2.7;for=127.0.0.1" } },
      .client = "10.0.0.1",
      .known = 'n',
      .proto = '-' },
    { .peer = "10.0.0.1",
      .forwarded = { { "for=192.0.2.7:80" } },
      .client = "10.0.0.1",
      .known = 'n',
      .proto = '-' },
    { .peer = "10.0.0.1",
      .forwarded = { { "for=\"2001:db8::7\"" } },
      .client = "10.0.0.1",
      .known = 'n',
      .proto = '-' },
    { .peer = "10.0.0.1",
      .forwarded = { { "for = 192.0.2.7" } },
      .client = "10.0.0.1",
      .known = 'n',
      .proto = '-' },
    { .peer = "10.0.0.1", .forwarded = { { "for=" } }, .client = "10.0.0.1", .known = 'n', .proto = '-' },
    { .peer = "10.0.0.1", .forwarded = { { "for" } }, .client = "10.0.0.1", .known = 'n', .proto = '-' },
    { .peer = "10.0.0.1",
      .forwarded = { { "192.0.2.7" } },
      .client = "10.0.0.1",
      .known = 'n',
      .proto = '-' },
    { .peer = "10.0.0.1",
      .forwarded = { { "for=\"192.0.2\\.7\"" } },
      .client = "10.0.0.1",
      .known = 'n',
      .proto = '-' },
    { .peer = "10.0.0.1",
      .forwarded = { { "for=\"192.0.2.7\"x" } },
      .client = "10.0.0.1",
      .known = 'n',
      .proto = '-' },
    { .peer = "10.0.0.1",
      .forwarded = { { "for=\"192.0.2.7\\" } },
      .client = "10.0.0.1",
      .known = 'n',
      .proto = '-' },
};

static struct forwarded_lines lines(const struct lines_of *in, struct str out[3])
{
    struct forwarded_lines l = { .line = out };

    while (l.n < 3 && in->line[l.n]) {
        size_t n = strlen(in->line[l.n]);
        char *exact = malloc(n ? n : 1); /* not terminated, so that ASan sees a byte read too many */
        memcpy(exact, in->line[l.n], n);
        out[l.n++] = str_make(exact, n);
    }
    return l;
}

static void check(const struct row *row, size_t at, const struct network *nets, size_t nets_n)
{
    struct str text[4][3];
    struct forwarded_request r = { .trusted = nets, .trusted_n = nets_n };
    struct forwarded got;
    char client[ADDRESS_TEXT_SIZE];

    if (row->peer)
        assert_int_equal(address_parse(str_from(row->peer), &r.peer), 0);
    r.forwarded = lines(&row->forwarded, text[0]);
    r.x_for = lines(&row->x_for, text[1]);
    r.x_proto = lines(&row->x_proto, text[2]);
    r.x_host = lines(&row->x_host, text[3]);
    forwarded_resolve(&r, &got);
    address_format(&got.client, client);
    char proto = !got.has_proto ? '-' : got.is_https ? 's' : 'h';
    if (strcmp(client, row->client) != 0 || got.known != (row->known == 'y') || proto != row->proto ||
        !str_equal(got.host, str_from(row->host)))
        fail_msg("row %zu: got %s, %s, proto %c, host %.*s", at, client, got.known ? "known" : "not known",
                 proto, STR_ARG(got.host));
    const struct forwarded_lines *all[] = { &r.forwarded, &r.x_for, &r.x_proto, &r.x_host };
    for (size_t i = 0; i < 4; i++) {
        for (size_t k = 0; k < all[i]->n; k++)
            free((void *)(uintptr_t)all[i]->line[k].p);
    }
}

static void the_client_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(rows); i++)
        check(&rows[i], i, trusted, DW_COUNT_OF(trusted));
}

static void without_trusted_proxies_nothing_is_believed(void **state)
{
    const struct row row = { .peer = "127.0.0.1",
                             .x_for = { { "127.0.0.1" } },
                             .x_proto = { { "https" } },
                             .client = "127.0.0.1",
                             .known = 'n',
                             .proto = '-' };
    (void)state;
    check(&row, 0, NULL, 0);
}

static void a_unix_socket_can_be_trusted(void **state)
{
    const struct row row = {
        .x_for = { { "10.9.9.9, 192.0.2.7" } }, .client = "192.0.2.7", .known = 'y', .proto = '-'
    };
    const struct network sockets = { .bits = 0 };

    (void)state;
    check(&row, 0, &sockets, 1);
    const struct row other = {
        .peer = "192.0.2.1", .x_for = { { "127.0.0.1" } }, .client = "192.0.2.1", .known = 'n', .proto = '-'
    };
    check(&other, 1, &sockets, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_client_is_found),
        cmocka_unit_test(without_trusted_proxies_nothing_is_believed),
        cmocka_unit_test(a_unix_socket_can_be_trusted),
    };
    return cmocka_run_group_tests_name("forwarded", tests, set_up, NULL);
}
