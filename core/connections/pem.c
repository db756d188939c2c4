#include "connections/pem.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

static BIO *open_text(const char *text)
{
    size_t n = strlen(text);

    return n < INT_MAX ? BIO_new_mem_buf(text, (int)n) : NULL;
}

/* A key with a password: nobody is here to type it. */
static int no_password(char *room, int size, int for_writing, void *ud)
{
    (void)room;
    (void)size;
    (void)for_writing;
    (void)ud;
    return -1;
}

static X509 *read_first(const char *text)
{
    BIO *bio = open_text(text);
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, no_password, NULL) : NULL;

    BIO_free(bio);
    ERR_clear_error();
    return certificate;
}

static EVP_PKEY *read_key(const char *text)
{
    BIO *bio = open_text(text);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;

    BIO_free(bio);
    ERR_clear_error();
    return key;
}

const char *pem_certificates_wrong(const char *text)
{
    X509 *first = read_first(text);

    X509_free(first);
    return first ? NULL : "is no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----";
}

const char *pem_key_wrong(const char *text)
{
    EVP_PKEY *key = read_key(text);

    EVP_PKEY_free(key);
    return key ? NULL
               : "is no private key in PEM without a password, which begins with -----BEGIN PRIVATE KEY-----";
}

const char *pem_pair_wrong(const char *certificates, const char *key_text)
{
    X509 *certificate = read_first(certificates);
    EVP_PKEY *key = read_key(key_text);
    int fits = certificate && key && X509_check_private_key(certificate, key) == 1;

    ERR_clear_error();
    EVP_PKEY_free(key);
    X509_free(certificate);
    return fits ? NULL : "is not the key of the certificate client_cert";
}
