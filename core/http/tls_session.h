/* tls_session.h - one TLS connection with the face of a socket: recv and send, and errno as they set it.
 *
 * One difference a caller must know: what the session has decrypted is no longer in the socket, which will not become
 * readable for it. See tls_recv. All functions on one session: one thread at a time. */
#ifndef HTTP_TLS_SESSION_H
#define HTTP_TLS_SESSION_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

struct tls_context;

/* The server's side on a connected, non-blocking fd, which stays the caller's. The handshake is made by the first
 * calls of tls_recv. NULL when memory is out. Freed with tls_session_destroy. [any thread] */
SSL *tls_session_create(struct tls_context *tls, int fd);
void tls_session_destroy(SSL *ssl); /* NULL is safe */

/* As recv: > 0 bytes, 0 when the client will send no more, -1 with errno. EAGAIN: wait for the socket (see
 * tls_wants_write); EPROTO: broken TLS; else what the socket said. A result smaller than n, and EAGAIN, mean that
 * nothing is left inside the session; after a full buffer call again before you wait for the socket, or ask
 * tls_pending. */
ssize_t tls_recv(SSL *ssl, void *p, size_t n);

/* As send and writev: may take less than what is offered, as much as the socket takes. After EAGAIN or a short result the
 * next call must offer at least the rest of those bytes, in the same order; they may have moved. Small pieces are joined
 * to whole records. SIGPIPE must be ignored in this process. */
ssize_t tls_send(SSL *ssl, const void *p, size_t n);
ssize_t tls_sendv(SSL *ssl, const struct iovec *pieces, int n);

/* After EAGAIN, until the next call: what the socket must become, writable or else readable. */
bool tls_wants_write(const SSL *ssl);

/* Bytes that were received are still inside (perhaps not enough of them to be decrypted). */
bool tls_pending(const SSL *ssl);

/* Tells the client that nothing more will come, without waiting for its answer: so that an end is told from a cut. Once,
 * after the last tls_send has succeeded. Nothing happens on a session that failed. */
void tls_close(SSL *ssl);

#endif
