/* tls.h - certificates and the settings of TLS listeners. */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include <stddef.h>

struct tls_context;

/* TLS 1.2 and 1.3, ALPN "http/1.1" or "http/1.0" or none, server preference, no compression or renegotiation, sessions
 * by ticket. Reads the chain and the key from PEM files; both names are copied. 0, or -1 with a sentence in why: which
 * file, what was found, what to do. A certificate out of date is taken, with a warning in the log. */
int tls_context_create(struct tls_context **out, const char *certificate, const char *key, char *why,
                       size_t why_size);
void tls_context_destroy(struct tls_context *tls);

/* Reads the files again; connections that are open keep what they have. On failure the old certificate stays, as it does
 * when the new one has expired and the old one has not. [any thread] */
int tls_context_reload(struct tls_context *tls, char *why, size_t why_size);

/* Days until the certificate expires; negative when it has. [any thread] */
long tls_context_days_left(const struct tls_context *tls);

#endif
