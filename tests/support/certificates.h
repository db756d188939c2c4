/* certificates.h - a CA, a server and two clients that it knows, and a stranger: made by openssl in a temporary folder. Include
 * cmocka before it. */
#ifndef CERTIFICATES_H
#define CERTIFICATES_H

#include <ftw.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "util/compiler.h"
#include "util/str.h"

static char certificates_dir[64];

static inline const char *file(char out[128], const char *name)
{
    snprintf(out, 128, "%s/%s", certificates_dir, name);
    return out;
}

static inline void make(const char *name, const char *signer, const char *extra)
{
    char command[1024], sign[256] = "";

    if (signer)
        snprintf(sign, sizeof(sign), "-CA %s/%s.pem -CAkey %s/%s.key", certificates_dir, signer,
                 certificates_dir, signer);
    snprintf(command, sizeof(command),
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=%s "
             "-keyout %s/%s.key -out %s/%s.pem %s %s 2>%s/log",
             name, certificates_dir, name, certificates_dir, name, sign, extra, certificates_dir);
    /* NOLINTNEXTLINE(cert-env33-c): a fixed command in our own folder */
    if (system(command) != 0)
        fail_msg("%s failed", command);
}

static inline int make_certificates(void **state)
{
    (void)state;
    snprintf(certificates_dir, sizeof(certificates_dir), "/tmp/dowel-client-tls-XXXXXX");
    assert_non_null(mkdtemp(certificates_dir));
    make("ca", NULL, "");
    make("stranger", NULL, "");
    make("server", "ca",
         "-addext subjectAltName=IP:127.0.0.1,DNS:tls.example -addext basicConstraints=CA:false");
    make("client", "ca", "-addext basicConstraints=CA:false");
    make("other", "ca", "-addext basicConstraints=CA:false");
    return 0;
}

static inline int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static inline int remove_certificates(void **state)
{
    (void)state;
    return nftw(certificates_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Whole; good until eight others were read. */
static inline struct str text_of(const char *name)
{
    static char texts[8][4096];
    static unsigned at;
    char path[128], *text = texts[at++ % DW_COUNT_OF(texts)];
    FILE *in = fopen(file(path, name), "r");

    assert_non_null(in);
    size_t n = fread(text, 1, sizeof(texts[0]) - 1, in);
    fclose(in);
    text[n] = 0;
    return str_make(text, n);
}

/* Of a server that shows its certificate, and asks for the client's. */
static inline SSL_CTX *server_context(int verify)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    char path[128];

    assert_non_null(tls);
    assert_int_equal(SSL_CTX_use_certificate_file(tls, file(path, "server.pem"), SSL_FILETYPE_PEM), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(tls, file(path, "server.key"), SSL_FILETYPE_PEM), 1);
    assert_int_equal(SSL_CTX_load_verify_locations(tls, file(path, "ca.pem"), NULL), 1);
    SSL_CTX_set_session_id_context(tls, (const unsigned char *)"test", 4);
    SSL_CTX_set_verify(tls, verify, NULL);
    return tls;
}

/* Of the client's certificate, or "nobody". */
static inline void client_name(SSL *ssl, char out[64])
{
    X509 *cert = ssl ? SSL_get1_peer_certificate(ssl) : NULL;

    snprintf(out, 64, "nobody");
    if (cert)
        X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, out, 64);
    X509_free(cert);
}

#endif
