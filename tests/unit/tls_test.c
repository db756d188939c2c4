#include "http/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/tls_session.h"
#include "log/log.h"
#include "util/compiler.h"

enum { DAY = 86400, PATH_SIZE = 96, WHY_SIZE = 512 };

static char folder[32];
static char good_cert[PATH_SIZE], good_key[PATH_SIZE], other_key[PATH_SIZE], rsa_key[PATH_SIZE];
static char locked_key[PATH_SIZE], expired_cert[PATH_SIZE], future_cert[PATH_SIZE], junk[PATH_SIZE];
static char empty[PATH_SIZE], missing[PATH_SIZE], live_cert[PATH_SIZE], live_key[PATH_SIZE];

/* ---- certificates ---- */

static void in_folder(char out[PATH_SIZE], const char *name)
{
    snprintf(out, PATH_SIZE, "%s/%s", folder, name);
}

static void write_key(const char *path, EVP_PKEY *key, const char *passphrase)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(PEM_write_PrivateKey(f, key, passphrase ? EVP_aes_128_cbc() : NULL, NULL, 0, NULL,
                                          (void *)(uintptr_t)passphrase),
                     1);
    fclose(f);
}

/* Signed by itself, valid from and until so many seconds from now. */
static void write_certificate(const char *path, EVP_PKEY *key, const char *name, long from, long until)
{
    X509 *x = X509_new();
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), from);
    X509_gmtime_adj(X509_getm_notAfter(x), until);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)name, -1,
                               -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_X509(f, x), 1);
    fclose(f);
    X509_free(x);
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int make_files(void **state)
{
    EVP_PKEY *key, *other, *rsa;

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_ERROR);
    strcpy(folder, "/tmp/tls_test.XXXXXX");
    assert_non_null(mkdtemp(folder));
    in_folder(good_cert, "good.crt");
    in_folder(good_key, "good.key");
    in_folder(other_key, "other.key");
    in_folder(rsa_key, "rsa.key");
    in_folder(locked_key, "locked.key");
    in_folder(expired_cert, "expired.crt");
    in_folder(future_cert, "future.crt");
    in_folder(junk, "junk");
    in_folder(empty, "empty");
    in_folder(missing, "missing");
    in_folder(live_cert, "live.crt");
    in_folder(live_key, "live.key");
    key = EVP_EC_gen("P-256");
    other = EVP_EC_gen("P-256");
    rsa = EVP_RSA_gen(2048);
    assert_true(key && other && rsa);
    write_key(good_key, key, NULL);
    write_key(other_key, other, NULL);
    write_key(rsa_key, rsa, NULL);
    write_key(locked_key, key, "secret");
    write_certificate(good_cert, key, "good", -DAY, 30 * DAY + 60);
    write_certificate(expired_cert, key, "expired", -30 * DAY, -2 * DAY - 60);
    write_certificate(future_cert, key, "future", DAY, 30 * DAY);
    write_text(junk, "this is not PEM\n");
    write_text(empty, "");
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    EVP_PKEY_free(rsa);
    return 0;
}

static int remove_files(void **state)
{
    const char *const files[] = { good_cert,   good_key, other_key, rsa_key,   locked_key, expired_cert,
                                  future_cert, junk,     empty,     live_cert, live_key };

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(files); i++)
        unlink(files[i]);
    return rmdir(folder);
}

static void copy_file(const char *from, const char *to)
{
    char bytes[8192];
    FILE *in = fopen(from, "r"), *out = fopen(to, "w");

    assert_true(in && out);
    size_t n = fread(bytes, 1, sizeof(bytes), in);
    assert_int_equal(fwrite(bytes, 1, n, out), n);
    fclose(in);
    fclose(out);
}

static struct tls_context *make_context(const char *certificate, const char *key)
{
    struct tls_context *tls;
    char why[WHY_SIZE] = "";

    if (tls_context_create(&tls, certificate, key, why, sizeof(why)) != 0)
        fail_msg("%s", why);
    return tls;
}

/* ---- a client and a server on a pair of sockets ---- */

struct pair {
    int fd[2];
    SSL_CTX *client_settings;
    SSL *client, *server;
};

static void open_pair(struct pair *p, struct tls_context *tls, int version, const char *alpn)
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p->fd), 0);
    p->client_settings = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(p->client_settings, 0);
    if (version) {
        SSL_CTX_set_min_proto_version(p->client_settings, version);
        SSL_CTX_set_max_proto_version(p->client_settings, version);
    }
    if (alpn)
        SSL_CTX_set_alpn_protos(p->client_settings, (const unsigned char *)alpn, (unsigned)strlen(alpn));
    p->client = SSL_new(p->client_settings);
    SSL_set_fd(p->client, p->fd[0]);
    SSL_set_connect_state(p->client);
    p->server = tls_session_create(tls, p->fd[1]);
    assert_non_null(p->server);
}

static void close_pair(struct pair *p)
{
    SSL_free(p->client);
    SSL_CTX_free(p->client_settings);
    tls_session_destroy(p->server);
    close(p->fd[0]);
    close(p->fd[1]);
    ERR_clear_error();
}

/* 0 when both are ready, else the server's errno. Nothing is waited for: what one side writes the other can read. */
static int shake_hands(struct pair *p)
{
    char byte;

    for (unsigned i = 0; i < 20; i++) {
        int client = SSL_do_handshake(p->client);
        ERR_clear_error();
        ssize_t server = tls_recv(p->server, &byte, 1);
        if (server < 0 && errno != EAGAIN)
            return errno;
        assert_int_equal(server, -1);
        if (client == 1 && SSL_is_init_finished(p->server))
            return 0;
    }
    return ETIMEDOUT;
}

static void connect_pair(struct pair *p, struct tls_context *tls)
{
    open_pair(p, tls, 0, NULL);
    assert_int_equal(shake_hands(p), 0);
}

static void assert_would_block(struct pair *p)
{
    char byte;

    errno = 0;
    assert_int_equal(tls_recv(p->server, &byte, 1), -1);
    assert_int_equal(errno, EAGAIN);
    assert_false(tls_wants_write(p->server));
    assert_int_equal(ERR_peek_error(), 0);
}

static void assert_client_reads(struct pair *p, const char *text)
{
    char bytes[256];
    int n = SSL_read(p->client, bytes, sizeof(bytes));

    assert_int_equal(n, strlen(text));
    assert_memory_equal(bytes, text, strlen(text));
}

/* ---- sessions ---- */

static void bytes_go_both_ways(void **state)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
    struct tls_context *tls = make_context(good_cert, good_key);
    char bytes[64];

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(versions); i++) {
        struct pair p;
        open_pair(&p, tls, versions[i], NULL);
        assert_int_equal(shake_hands(&p), 0);
        assert_int_equal(SSL_version(p.server), versions[i]);
        assert_would_block(&p);
        assert_int_equal(SSL_write(p.client, "hello", 5), 5);
        assert_int_equal(tls_recv(p.server, bytes, sizeof(bytes)), 5);
        assert_memory_equal(bytes, "hello", 5);
        assert_false(tls_pending(p.server));
        assert_would_block(&p);
        assert_int_equal(tls_send(p.server, "good day", 8), 8);
        assert_int_equal(tls_send(p.server, NULL, 0), 0);
        assert_client_reads(&p, "good day");
        close_pair(&p);
    }
    tls_context_destroy(tls);
}

static void old_versions_are_refused(void **state)
{
    struct tls_context *tls = make_context(good_cert, good_key);
    struct pair p;

    (void)state;
    open_pair(&p, tls, TLS1_1_VERSION, NULL);
    assert_int_equal(shake_hands(&p), EPROTO);
    assert_int_equal(ERR_peek_error(), 0);
    close_pair(&p);
    tls_context_destroy(tls);
}

static void protocols_are_negotiated(void **state)
{
    static const struct {
        const char *offered, *chosen;
    } cases[] = {
        { NULL, "" },
        { "\x08http/1.1", "http/1.1" },
        { "\x02h2\x08http/1.1", "http/1.1" },
        { "\x08http/1.0\x08http/1.1", "http/1.1" },
        { "\x08http/1.0", "http/1.0" },
        { "\x02h2", NULL },
        { "\x04smtp\x03"
          "ftp",
          NULL },
    };
    struct tls_context *tls = make_context(good_cert, good_key);

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        struct pair p;
        const unsigned char *chosen;
        unsigned n;
        open_pair(&p, tls, 0, cases[i].offered);
        int result = shake_hands(&p);
        if (cases[i].chosen) {
            assert_int_equal(result, 0);
            SSL_get0_alpn_selected(p.client, &chosen, &n);
            assert_int_equal(n, strlen(cases[i].chosen));
            assert_memory_equal(chosen, cases[i].chosen, n);
        } else {
            assert_int_equal(result, EPROTO);
            assert_int_equal(SSL_do_handshake(p.client), -1);
            assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
        }
        close_pair(&p);
    }
    tls_context_destroy(tls);
}

static void an_end_is_an_end(void **state)
{
    struct tls_context *tls = make_context(good_cert, good_key);
    struct pair p;
    char bytes[16];

    (void)state;
    connect_pair(&p, tls);
    SSL_write(p.client, "bye", 3);
    SSL_shutdown(p.client);
    /* What came before the end is not lost, and the answer can still be sent. */
    assert_int_equal(tls_recv(p.server, bytes, sizeof(bytes)), 3);
    assert_int_equal(tls_recv(p.server, bytes, sizeof(bytes)), 0);
    assert_int_equal(tls_recv(p.server, bytes, sizeof(bytes)), 0);
    assert_int_equal(tls_send(p.server, "answer", 6), 6);
    assert_client_reads(&p, "answer");
    close_pair(&p);

    connect_pair(&p, tls);
    shutdown(p.fd[0], SHUT_WR); /* no close_notify */
    assert_int_equal(tls_recv(p.server, bytes, sizeof(bytes)), 0);
    close_pair(&p);
    tls_context_destroy(tls);
}

static void our_end_is_told(void **state)
{
    struct tls_context *tls = make_context(good_cert, good_key);
    struct pair p;
    char byte;

    (void)state;
    connect_pair(&p, tls);
    tls_close(p.server);
    int n = SSL_read(p.client, &byte, 1);
    assert_int_equal(n, 0);
    assert_int_equal(SSL_get_error(p.client, n), SSL_ERROR_ZERO_RETURN);
    close_pair(&p);
    open_pair(&p, tls, 0, NULL);
    tls_close(p.server); /* before the handshake */
    assert_int_equal(ERR_peek_error(), 0);
    close_pair(&p);
    tls_context_destroy(tls);
}

static void plain_http_is_an_error(void **state)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    struct tls_context *tls = make_context(good_cert, good_key);
    struct pair p;
    char bytes[16];

    (void)state;
    open_pair(&p, tls, 0, NULL);
    assert_int_equal(write(p.fd[0], request, sizeof(request) - 1), sizeof(request) - 1);
    assert_int_equal(tls_recv(p.server, bytes, sizeof(bytes)), -1);
    assert_int_equal(errno, EPROTO);
    assert_int_equal(ERR_peek_error(), 0);
    tls_close(p.server);
    assert_int_equal(ERR_peek_error(), 0);
    close_pair(&p);
    tls_context_destroy(tls);
}

static void a_forged_record_is_an_error(void **state)
{
    struct tls_context *tls = make_context(good_cert, good_key);
    struct pair p;
    char bytes[64], forged[40] = "\x17\x03\x03\x00\x23 no key of ours made this";

    (void)state;
    connect_pair(&p, tls);
    SSL_write(p.client, "real", 4);
    assert_int_equal(write(p.fd[0], forged, sizeof(forged)), sizeof(forged));
    assert_int_equal(tls_recv(p.server, bytes, sizeof(bytes)), 4);
    errno = 0;
    assert_int_equal(tls_recv(p.server, bytes, sizeof(bytes)), -1);
    assert_int_not_equal(errno, EAGAIN);
    assert_int_equal(ERR_peek_error(), 0);
    close_pair(&p);
    tls_context_destroy(tls);
}

static void a_client_that_is_gone_is_an_error(void **state)
{
    struct tls_context *tls = make_context(good_cert, good_key);
    struct pair p;

    (void)state;
    connect_pair(&p, tls);
    close(p.fd[0]);
    errno = 0;
    assert_int_equal(tls_send(p.server, "anybody?", 8), -1);
    assert_int_equal(errno, EPIPE);
    p.fd[0] = -1;
    close_pair(&p);
    tls_context_destroy(tls);
}

/* Nothing must be left inside when less was returned than was asked for: nobody would come to fetch it. */
static void small_buffers_lose_nothing(void **state)
{
    struct tls_context *tls = make_context(good_cert, good_key);
    static char sent[100000], got[100000];
    struct pair p;
    size_t at = 0, n = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(sent); i++)
        sent[i] = (char)(i * 7 + i / 251);
    connect_pair(&p, tls);
    while (at < sizeof(sent)) {
        size_t piece = sizeof(sent) - at < 30000 ? sizeof(sent) - at : 30000;
        assert_int_equal(SSL_write(p.client, sent + at, (int)piece), piece);
        at += piece;
        for (;;) {
            size_t room = sizeof(got) - n < 1000 ? sizeof(got) - n : 1000;
            ssize_t r = room ? tls_recv(p.server, got + n, room) : 0;
            n += (size_t)(r > 0 ? r : 0);
            if (r < (ssize_t)room || room == 0)
                break;
        }
        assert_false(tls_pending(p.server));
        assert_int_equal(n, at);
    }
    assert_memory_equal(sent, got, sizeof(sent));
    close_pair(&p);
    tls_context_destroy(tls);
}

/* ---- sending much ---- */

enum { MUCH = 400000 };

static size_t drain_client(struct pair *p, char *out, size_t room)
{
    size_t n = 0;

    for (;;) {
        int r = SSL_read(p->client, out + n, (int)(room - n < 65536 ? room - n : 65536));
        if (r <= 0)
            break;
        n += (size_t)r;
    }
    ERR_clear_error();
    return n;
}

/* The rest of the pieces after `done` bytes, in memory that has moved since the last time. */
static int rest_of(const char *bytes, const size_t *sizes, int n, size_t done, char *moved, struct iovec *out)
{
    size_t at = 0;
    int pieces = 0;

    memcpy(moved, bytes, MUCH);
    for (int i = 0; i < n; at += sizes[i++]) {
        if (at < done && at + sizes[i] <= done)
            continue;
        size_t skip = done > at ? done - at : 0;
        out[pieces++] = (struct iovec){ moved + at + skip, sizes[i] - skip };
    }
    return pieces;
}

static void a_slow_client_gets_every_byte(void **state)
{
    static const size_t sizes[] = { 200, 0, 30, 20000, 1, 16384, 16383, 16385, 100, 0, MUCH - 69483 };
    static char bytes[MUCH], got[MUCH], moved[2][MUCH];
    struct tls_context *tls = make_context(good_cert, good_key);
    struct pair p;
    size_t sent = 0, received = 0;
    unsigned waits = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 13 + i / 255);
    connect_pair(&p, tls);
    for (unsigned turn = 0; received < MUCH && turn < 1000; turn++) {
        struct iovec pieces[DW_COUNT_OF(sizes)];
        int n = rest_of(bytes, sizes, DW_COUNT_OF(sizes), sent, moved[turn % 2], pieces);
        memset(moved[1 - turn % 2], 'x', MUCH);
        ssize_t r = sent < MUCH ? tls_sendv(p.server, pieces, n) : 0;
        if (r < 0) {
            assert_int_equal(errno, EAGAIN);
            assert_true(tls_wants_write(p.server));
            waits++;
            received += drain_client(&p, got + received, MUCH - received);
        } else {
            sent += (size_t)r;
        }
        if (sent == MUCH)
            received += drain_client(&p, got + received, MUCH - received);
    }
    assert_int_equal(received, MUCH);
    assert_memory_equal(bytes, got, MUCH);
    assert_true(waits > 0);
    close_pair(&p);
    tls_context_destroy(tls);
}

/* ---- resumption, renegotiation ---- */

static void sessions_are_resumed_by_ticket(void **state)
{
    struct tls_context *tls = make_context(good_cert, good_key);
    struct pair p;
    char byte;

    (void)state;
    open_pair(&p, tls, TLS1_3_VERSION, NULL);
    assert_int_equal(shake_hands(&p), 0);
    tls_send(p.server, "x", 1);
    SSL_read(p.client, &byte, 1); /* the tickets come before it */
    SSL_SESSION *session = SSL_get1_session(p.client);
    SSL_shutdown(p.client);
    close_pair(&p);
    open_pair(&p, tls, TLS1_3_VERSION, NULL);
    SSL_set_session(p.client, session);
    assert_int_equal(shake_hands(&p), 0);
    assert_true(SSL_session_reused(p.server));
    SSL_SESSION_free(session);
    close_pair(&p);
    tls_context_destroy(tls);
}

static void renegotiation_is_refused(void **state)
{
    struct tls_context *tls = make_context(good_cert, good_key);
    struct pair p;
    char byte;

    (void)state;
    open_pair(&p, tls, TLS1_2_VERSION, NULL);
    assert_int_equal(shake_hands(&p), 0);
    assert_int_equal(SSL_renegotiate(p.client), 1);
    SSL_do_handshake(p.client);
    tls_recv(p.server, &byte, 1);
    assert_true(SSL_is_init_finished(p.server));
    ERR_clear_error();
    assert_int_equal(SSL_do_handshake(p.client), -1);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
    close_pair(&p);
    tls_context_destroy(tls);
}

/* ---- certificates ---- */

static void assert_peer_name(struct pair *p, const char *wanted)
{
    char name[64];
    X509 *x = SSL_get1_peer_certificate(p->client);

    assert_non_null(x);
    X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, name, sizeof(name));
    X509_free(x);
    assert_string_equal(name, wanted);
}

static void reload_changes_new_sessions_only(void **state)
{
    struct pair before, after;
    char why[WHY_SIZE] = "", bytes[8];
    EVP_PKEY *key = EVP_EC_gen("P-256");

    (void)state;
    copy_file(good_cert, live_cert);
    copy_file(good_key, live_key);
    struct tls_context *tls = make_context(live_cert, live_key);
    connect_pair(&before, tls);
    write_key(live_key, key, NULL);
    write_certificate(live_cert, key, "renewed", -DAY, 60 * DAY + 60);
    EVP_PKEY_free(key);
    assert_int_equal(tls_context_reload(tls, why, sizeof(why)), 0);
    assert_int_equal(tls_context_days_left(tls), 60);
    connect_pair(&after, tls);
    assert_peer_name(&after, "renewed");
    assert_peer_name(&before, "good");
    assert_int_equal(SSL_write(before.client, "still", 5), 5);
    assert_int_equal(tls_recv(before.server, bytes, sizeof(bytes)), 5);
    close_pair(&after);
    tls_context_destroy(tls);
    /* A session outlives its context. */
    assert_int_equal(tls_send(before.server, "alive", 5), 5);
    assert_client_reads(&before, "alive");
    close_pair(&before);
}

static void a_failed_reload_changes_nothing(void **state)
{
    struct pair p;
    char why[WHY_SIZE] = "";

    (void)state;
    copy_file(good_cert, live_cert);
    copy_file(good_key, live_key);
    struct tls_context *tls = make_context(live_cert, live_key);
    copy_file(other_key, live_key); /* the new key is here, the new certificate not yet */
    assert_int_equal(tls_context_reload(tls, why, sizeof(why)), -1);
    assert_non_null(strstr(why, live_key));
    copy_file(good_key, live_key);
    copy_file(expired_cert, live_cert);
    assert_int_equal(tls_context_reload(tls, why, sizeof(why)), -1);
    assert_non_null(strstr(why, "expired"));
    assert_non_null(strstr(why, live_cert));
    assert_int_equal(tls_context_days_left(tls), 30);
    connect_pair(&p, tls);
    assert_peer_name(&p, "good");
    close_pair(&p);
    tls_context_destroy(tls);
}

static void errors_say_which_file_and_what_to_do(void **state)
{
    const struct {
        const char *certificate, *key, *file, *says;
    } cases[] = {
        { missing, good_key, missing, "No such file" },
        { folder, good_key, folder, "Is a directory" },
        { empty, good_key, empty, "empty" },
        { junk, good_key, junk, "-----BEGIN CERTIFICATE-----" },
        { good_key, good_key, good_key, "-----BEGIN CERTIFICATE-----" },
        { good_cert, missing, missing, "No such file" },
        { good_cert, empty, empty, "empty" },
        { good_cert, junk, junk, "-----BEGIN PRIVATE KEY-----" },
        { good_cert, good_cert, good_cert, "-----BEGIN PRIVATE KEY-----" },
        { good_cert, locked_key, locked_key, "passphrase" },
        { good_cert, other_key, other_key, "does not belong" },
        { good_cert, rsa_key, rsa_key, "does not belong" },
    };
    struct tls_context *tls;

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        char why[WHY_SIZE] = "";
        assert_int_equal(tls_context_create(&tls, cases[i].certificate, cases[i].key, why, sizeof(why)), -1);
        assert_null(tls);
        if (strncmp(why, cases[i].file, strlen(cases[i].file)) != 0 || !strstr(why, cases[i].says))
            fail_msg("case %zu: \"%s\" does not begin with %s or say \"%s\"", i, why, cases[i].file,
                     cases[i].says);
        assert_int_equal(ERR_peek_error(), 0);
    }
    tls_context_destroy(NULL);
    tls_session_destroy(NULL);
}

/* A server that would not start because of a date helps nobody. */
static void wrong_dates_do_not_keep_it_from_starting(void **state)
{
    struct tls_context *tls = make_context(expired_cert, good_key);

    (void)state;
    assert_int_equal(tls_context_days_left(tls), -2);
    tls_context_destroy(tls);
    tls = make_context(future_cert, good_key);
    assert_in_range(tls_context_days_left(tls), 29, 30);
    tls_context_destroy(tls);
}

static void *reload_often(void *ud)
{
    char why[WHY_SIZE];

    for (unsigned i = 0; i < 50; i++) {
        if (tls_context_reload(ud, why, sizeof(why)) != 0)
            return ud;
    }
    return NULL;
}

static void reload_and_accept_at_once(void **state)
{
    struct tls_context *tls = make_context(good_cert, good_key);
    pthread_t thread;
    void *failed;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, reload_often, tls), 0);
    for (unsigned i = 0; i < 50; i++) {
        struct pair p;
        connect_pair(&p, tls);
        assert_true(tls_context_days_left(tls) >= 0);
        close_pair(&p);
    }
    pthread_join(thread, &failed);
    assert_null(failed);
    tls_context_destroy(tls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_go_both_ways),
        cmocka_unit_test(old_versions_are_refused),
        cmocka_unit_test(protocols_are_negotiated),
        cmocka_unit_test(an_end_is_an_end),
        cmocka_unit_test(our_end_is_told),
        cmocka_unit_test(plain_http_is_an_error),
        cmocka_unit_test(a_forged_record_is_an_error),
        cmocka_unit_test(a_client_that_is_gone_is_an_error),
        cmocka_unit_test(small_buffers_lose_nothing),
        cmocka_unit_test(a_slow_client_gets_every_byte),
        cmocka_unit_test(sessions_are_resumed_by_ticket),
        cmocka_unit_test(renegotiation_is_refused),
        cmocka_unit_test(reload_changes_new_sessions_only),
        cmocka_unit_test(a_failed_reload_changes_nothing),
        cmocka_unit_test(errors_say_which_file_and_what_to_do),
        cmocka_unit_test(wrong_dates_do_not_keep_it_from_starting),
        cmocka_unit_test(reload_and_accept_at_once),
    };
    return cmocka_run_group_tests_name("tls", tests, make_files, remove_files);
}
