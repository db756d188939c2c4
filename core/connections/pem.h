/* pem.h - are these certificates and keys, before anybody waits for a connection that they spoil? [any thread] */
#ifndef CONNECTIONS_PEM_H
#define CONNECTIONS_PEM_H

/* NULL, or why the text is none of these. */
const char *pem_certificates_wrong(const char *text);
const char *pem_key_wrong(const char *text);

/* NULL, or why the key is not the one of the first certificate; both are right by themselves. */
const char *pem_pair_wrong(const char *certificates, const char *key);

#endif
