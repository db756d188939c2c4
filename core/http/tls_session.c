#include "http/tls_session.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <stdint.h>
#include <string.h>

void tls_session_destroy(SSL *ssl)
{
    SSL_free(ssl);
}

/* What a failed call means, in terms of a socket. The queue of errors belongs to the thread: what stays in it would be
 * taken for the next connection's. */
static ssize_t failed(SSL *ssl, int returned, int socket_error)
{
    int what = SSL_get_error(ssl, returned);

    ERR_clear_error();
    switch (what) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: errno = EAGAIN; break;
    case SSL_ERROR_ZERO_RETURN: return 0;
    case SSL_ERROR_SYSCALL: errno = socket_error ? socket_error : ECONNRESET; break;
    default: errno = EPROTO; break;
    }
    return -1;
}

static int clamp(size_t n)
{
    return n < INT_MAX ? (int)n : INT_MAX;
}

ssize_t tls_recv(SSL *ssl, void *p, size_t n)
{
    size_t got = 0;

    /* OpenSSL gives at most a record a call; go on while it holds more. */
    do {
        ERR_clear_error();
        errno = 0;
        int returned = SSL_read(ssl, (char *)p + got, clamp(n - got));
        if (returned <= 0) {
            if (got)
                break; /* an end or an error shows itself again at the next call */
            return failed(ssl, returned, errno);
        }
        got += (size_t)returned;
    } while (got < n && SSL_has_pending(ssl));
    ERR_clear_error();
    return (ssize_t)got;
}

/* One record at most. */
static ssize_t send_some(SSL *ssl, const char *p, size_t n)
{
    ERR_clear_error();
    errno = 0;
    int returned = SSL_write(ssl, p, clamp(n));
    if (returned > 0)
        return returned;
    if (failed(ssl, returned, errno) == 0)
        errno = EPIPE;
    return -1;
}

/* Where the pieces are at. */
struct cursor {
    const struct iovec *piece;
    int left;
    size_t offset; /* in the first piece */
};

static void advance(struct cursor *c, size_t n)
{
    while (c->left > 0 && n >= c->piece->iov_len - c->offset) {
        n -= c->piece->iov_len - c->offset;
        c->piece++;
        c->left--;
        c->offset = 0;
    }
    c->offset += n;
}

/* Fills a record from the pieces, which stay where they are at. */
static size_t join(struct cursor c, char record[SSL3_RT_MAX_PLAIN_LENGTH])
{
    size_t n = 0;

    while (c.left > 0 && n < SSL3_RT_MAX_PLAIN_LENGTH) {
        size_t part = c.piece->iov_len - c.offset;
        if (part > SSL3_RT_MAX_PLAIN_LENGTH - n)
            part = SSL3_RT_MAX_PLAIN_LENGTH - n;
        if (part)
            memcpy(record + n, (const char *)c.piece->iov_base + c.offset, part);
        n += part;
        advance(&c, part);
    }
    return n;
}

/* A piece that fills a record alone, or that is the last, is sent from where it is. Joining the same pieces again after
 * EAGAIN gives the same bytes, which is what SSL_write wants. */
static ssize_t send_next(SSL *ssl, struct cursor c)
{
    char record[SSL3_RT_MAX_PLAIN_LENGTH];
    size_t first = c.piece->iov_len - c.offset;

    if (c.left == 1 || first >= sizeof(record))
        return send_some(ssl, (const char *)c.piece->iov_base + c.offset, first);
    return send_some(ssl, record, join(c, record));
}

ssize_t tls_sendv(SSL *ssl, const struct iovec *pieces, int n)
{
    struct cursor c = { .piece = pieces, .left = n };
    size_t sent = 0;

    advance(&c, 0); /* over empty pieces */
    while (c.left > 0) {
        ssize_t taken = send_next(ssl, c);
        if (taken < 0)
            return sent ? (ssize_t)sent : -1;
        sent += (size_t)taken;
        advance(&c, (size_t)taken);
    }
    return (ssize_t)sent;
}

ssize_t tls_send(SSL *ssl, const void *p, size_t n)
{
    /* iovec is not const, what it points to here is. */
    const struct iovec piece = { .iov_base = (void *)(uintptr_t)p, .iov_len = n };

    return tls_sendv(ssl, &piece, 1);
}

bool tls_wants_write(const SSL *ssl)
{
    return SSL_want_write(ssl);
}

bool tls_pending(const SSL *ssl)
{
    return SSL_has_pending(ssl) == 1;
}

void tls_close(SSL *ssl)
{
    ERR_clear_error();
    SSL_shutdown(ssl);
    ERR_clear_error();
}
