#include "http/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/tls_session.h"
#include "log/log.h"

/* A reload replaces `ctx`; sessions that are open hold a reference to the old one. */
struct tls_context {
    pthread_mutex_t lock; /* guards ctx */
    SSL_CTX *ctx;
    char *certificate, *key;
};

struct why {
    char *text;
    size_t size;
};

/* What OpenSSL noticed first is the cause, what came later its consequences. */
static const char *openssl_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    return reason ? reason : "no reason given";
}

/* ---- the settings ---- */

/* TLS 1.2 with forward secrecy and authenticated encryption only; 1.3 has no other. */
static const char ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

/* HTTP/1.0 is offered by `curl --http1.0`, and the reader speaks it. A client that offers only something else, h2 for
 * instance, is refused with no_application_protocol, as RFC 7301 3.2 wants and nginx does since 1.21.4: going on would
 * let an attacker send one protocol's bytes to another's server (the ALPACA attack). Without ALPN anything goes. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_n,
                           const unsigned char *offered, unsigned offered_n, void *ud)
{
    static const unsigned char spoken[] = "\x08http/1.1\x08http/1.0";
    unsigned char *chosen;

    (void)ssl;
    (void)ud;
    if (SSL_select_next_proto(&chosen, out_n, spoken, sizeof(spoken) - 1, offered, offered_n) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* Without it OpenSSL would ask for the passphrase on the terminal, and the server would hang. */
static int no_passphrase(char *out, int size, int writing, void *ud)
{
    (void)out;
    (void)size;
    (void)writing;
    *(bool *)ud = true;
    return -1;
}

static SSL_CTX *make_settings(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (!ctx)
        return NULL;
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    /* An end without close_notify counts as an end: browsers do it, and a message that was cut shows by its framing. */
    SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                 SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_IGNORE_UNEXPECTED_EOF);
    /* An idle connection gives its 34 kB of buffers back. */
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* One recv for a record instead of one for its head and one for the rest. */
    SSL_CTX_set_read_ahead(ctx, 1);
    /* Sessions are resumed by tickets, which the client keeps; nothing is kept here. */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    if (SSL_CTX_set_cipher_list(ctx, ciphers) != 1) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

/* ---- the files ---- */

/* OpenSSL's own words for a missing file name neither the file nor the cause. */
static int check_readable(const char *what, const char *path, struct why why)
{
    char first;
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(&first, 1, 1, f) : 0;
    int error = f && !ferror(f) ? 0 : errno;

    if (f)
        fclose(f);
    if (error) {
        snprintf(why.text, why.size,
                 "%s: cannot read the %s: %s; check the path and that this user may read it", path, what,
                 strerror(error));
        return -1;
    }
    if (n == 0) {
        snprintf(why.text, why.size, "%s: the %s file is empty; put it there in PEM form", path, what);
        return -1;
    }
    return 0;
}

static int load_chain(SSL_CTX *ctx, const char *path, struct why why)
{
    if (check_readable("certificate", path, why) != 0)
        return -1;
    if (SSL_CTX_use_certificate_chain_file(ctx, path) == 1)
        return 0;
    snprintf(why.text, why.size,
             "%s: no usable certificate (%s); the file must begin with the server's certificate in PEM form "
             "(-----BEGIN CERTIFICATE-----), then those that signed it",
             path, openssl_reason());
    return -1;
}

/* A key of the certificate's type is compared when it is loaded, one of another type only by the check. */
static int load_key(SSL_CTX *ctx, const char *path, const char *certificate, struct why why)
{
    bool encrypted = false;

    if (check_readable("key", path, why) != 0)
        return -1;
    SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
    SSL_CTX_set_default_passwd_cb_userdata(ctx, &encrypted);
    int done = SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM);
    SSL_CTX_set_default_passwd_cb_userdata(ctx, NULL);
    SSL_CTX_set_default_passwd_cb(ctx, NULL);
    if (done == 1 && SSL_CTX_check_private_key(ctx) == 1)
        return 0;
    if (encrypted)
        snprintf(why.text, why.size,
                 "%s: the key is protected by a passphrase; write it without one (openssl pkey -in %s -out "
                 "NEW) and "
                 "protect the file",
                 path, path);
    else if (done == 1 || ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_X509)
        snprintf(why.text, why.size,
                 "%s: this key does not belong to the first certificate in %s; use the key that the "
                 "certificate was "
                 "requested with, and put the server's own certificate first",
                 path, certificate);
    else
        snprintf(why.text, why.size,
                 "%s: no usable private key (%s); it must be in PEM form (-----BEGIN PRIVATE KEY-----)", path,
                 openssl_reason());
    return -1;
}

static int load(const struct tls_context *tls, SSL_CTX **out, struct why why)
{
    SSL_CTX *ctx;

    ERR_clear_error();
    ctx = make_settings();
    if (!ctx) {
        snprintf(why.text, why.size, "cannot prepare TLS: %s", openssl_reason());
        ERR_clear_error();
        return -1;
    }
    if (load_chain(ctx, tls->certificate, why) != 0 || load_key(ctx, tls->key, tls->certificate, why) != 0) {
        SSL_CTX_free(ctx);
        ERR_clear_error();
        return -1;
    }
    ERR_clear_error();
    *out = ctx;
    return 0;
}

/* ---- validity ---- */

static long days_left(SSL_CTX *ctx)
{
    int days = 0, seconds = 0;
    X509 *certificate = SSL_CTX_get0_certificate(ctx);

    if (!certificate || !ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)))
        return -1;
    return days == 0 && seconds < 0 ? -1 : days;
}

static bool not_yet_valid(SSL_CTX *ctx)
{
    X509 *certificate = SSL_CTX_get0_certificate(ctx);

    return certificate && X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0;
}

/* A server that does not start because its certificate ran out is worse than one that browsers warn of. */
static void warn_of_dates(const struct tls_context *tls, SSL_CTX *ctx)
{
    if (days_left(ctx) < 0)
        log_warn("the TLS certificate has expired: clients will refuse it; renew it and reload",
                 LOG_TEXT("file", tls->certificate), LOG_NUMBER("days_ago", -days_left(ctx)));
    else if (not_yet_valid(ctx))
        log_warn("the TLS certificate is not valid yet: clients will refuse it; check this machine's clock",
                 LOG_TEXT("file", tls->certificate));
}

/* ---- the context ---- */

int tls_context_create(struct tls_context **out, const char *certificate, const char *key, char *why,
                       size_t why_size)
{
    struct tls_context *tls = calloc(1, sizeof(*tls));

    *out = NULL;
    if (!tls) {
        snprintf(why, why_size, "cannot prepare TLS: out of memory");
        return -1;
    }
    pthread_mutex_init(&tls->lock, NULL);
    tls->certificate = strdup(certificate);
    tls->key = strdup(key);
    if (!tls->certificate || !tls->key) {
        snprintf(why, why_size, "cannot prepare TLS: out of memory");
        tls_context_destroy(tls);
        return -1;
    }
    if (load(tls, &tls->ctx, (struct why){ why, why_size }) != 0) {
        tls_context_destroy(tls);
        return -1;
    }
    warn_of_dates(tls, tls->ctx);
    *out = tls;
    return 0;
}

void tls_context_destroy(struct tls_context *tls)
{
    if (!tls)
        return;
    SSL_CTX_free(tls->ctx);
    free(tls->certificate);
    free(tls->key);
    pthread_mutex_destroy(&tls->lock);
    free(tls);
}

int tls_context_reload(struct tls_context *tls, char *why, size_t why_size)
{
    SSL_CTX *fresh;

    if (load(tls, &fresh, (struct why){ why, why_size }) != 0)
        return -1;
    if (days_left(fresh) < 0 && tls_context_days_left(tls) >= 0) {
        snprintf(why, why_size,
                 "%s: this certificate has expired; the one in use is still valid and stays. Renew it "
                 "and reload",
                 tls->certificate);
        SSL_CTX_free(fresh);
        return -1;
    }
    warn_of_dates(tls, fresh);
    pthread_mutex_lock(&tls->lock);
    SSL_CTX *old = tls->ctx;
    tls->ctx = fresh;
    pthread_mutex_unlock(&tls->lock);
    SSL_CTX_free(old);
    return 0;
}

/* A reference, to be given back with SSL_CTX_free: another thread may replace the context at any time. */
static SSL_CTX *hold(const struct tls_context *tls)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&tls->lock;

    pthread_mutex_lock(lock);
    SSL_CTX *ctx = tls->ctx;
    SSL_CTX_up_ref(ctx);
    pthread_mutex_unlock(lock);
    return ctx;
}

long tls_context_days_left(const struct tls_context *tls)
{
    SSL_CTX *ctx = hold(tls);
    long days = days_left(ctx);

    SSL_CTX_free(ctx);
    return days;
}

SSL *tls_session_create(struct tls_context *tls, int fd)
{
    SSL_CTX *ctx = hold(tls);
    SSL *ssl = SSL_new(ctx);

    SSL_CTX_free(ctx);
    if (ssl && SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        ssl = NULL;
    }
    if (ssl)
        SSL_set_accept_state(ssl);
    ERR_clear_error();
    return ssl;
}
