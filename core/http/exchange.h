/* exchange.h - one request and its reply: what a handler gets.
 *
 * A handler reads the request and stages one reply; the reply is sent when the handler returns. It runs on a loop
 * (HTTP_ON_LOOP: must not block) or on a worker thread (HTTP_ON_WORKER: may block), as its route says. Unless noted
 * otherwise functions are called on the handler's thread, while the handler runs, and what they return is borrowed
 * until the exchange ends. */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include <sys/types.h>

#include "http/language.h"
#include "http/message.h"
#include "util/address.h"
#include "util/arena.h"
#include "util/buf.h"

struct http_exchange;
struct http_route;
struct http_stream;
struct problem_error;
struct trace;

/* ---- the request ---- */

const struct http_head *http_request_head(const struct http_exchange *x);
enum http_method http_request_method(const struct http_exchange *x);

/* Percent-decoded, UTF-8, begins with '/', without "." and ".." segments and NUL. */
struct str http_request_path(const struct http_exchange *x);

/* As sent, after the '?'. */
struct str http_request_query(const struct http_exchange *x);
struct str http_request_header(const struct http_exchange *x, const char *name);

/* A path parameter of the route's template, decoded: "id" of "/users/{id}". p is NULL when the route has none such. */
struct str http_request_param(const struct http_exchange *x, const char *name);

/* The content, in one piece. Empty for routes that spool (then see http_request_body_fd) or stream. */
struct str http_request_body(const struct http_exchange *x);

/* The spooled content at offset 0 and its size, when it was larger than the route's memory; else -1. Borrowed. */
int http_request_body_fd(const struct http_exchange *x, off_t *size);

/* The folder for files that live no longer than the request. */
const char *http_spool_dir(const struct http_exchange *x);

/* Streamed content (HTTP_BODY_STREAM): blocks the worker until some is there. > 0 bytes, 0 the end, -1 when the client
 * is gone, too slow, or sent bad framing; also when a stream was opened before all of it had come: read first, then
 * answer. */
ssize_t http_request_read(struct http_exchange *x, void *p, size_t n);

/* Who asks, seen through trusted proxies; a Unix socket's peer has no address. */
const struct address *http_request_client(const struct http_exchange *x);

/* False when the headers say that somebody stands behind that address whom we cannot or may not see: then its being
 * loopback or on a list is no permission. */
bool http_request_client_is_known(const struct http_exchange *x);
bool http_request_is_tls(const struct http_exchange *x); /* also when a trusted proxy says so */
struct str http_request_host(const struct http_exchange *x);

/* 32 hex digits, or what a trusted proxy named it: up to 128 characters. */
struct str http_request_id(const struct http_exchange *x);

/* The W3C trace this request belongs to; its span is ours, the parent of what we ask others. Made when first asked
 * for, unless the client brought one. */
const struct trace *http_request_trace(struct http_exchange *x);

/* Monotonic microseconds by which the reply must be there. [any thread while the exchange lives] */
int64_t http_request_deadline(const struct http_exchange *x);

/* Moves it, also to an earlier time. */
void http_set_deadline(struct http_exchange *x, int64_t deadline_us);

/* The client has left or the deadline passed: the reply will reach nobody. [any thread while the exchange lives] */
bool http_request_gone(const struct http_exchange *x);

/* Calls notice(ud) once when that happens; at once, on this thread, when it has happened. A new watch takes the place of
 * the old one, NULL ends it: after the return the old notice does not run and will not. End it before the handler returns
 * or http_complete().
 *
 * notice runs under a lock that this function takes, mostly on a loop: it must not block, nor call anything of this
 * exchange. [who has the exchange] */
void http_watch_gone(struct http_exchange *x, void (*notice)(void *ud), void *ud);

struct arena *http_arena(struct http_exchange *x);
const struct http_route *http_request_route(const struct http_exchange *x);

/* ---- the reply; all return 0, or -1 when a reply was already staged or memory is out (a 500 then goes out) ----
 *
 * content_type may be NULL; it is borrowed as a borrowed body is, and has at most 1024 characters. A status is 200 to 599.
 * What breaks these rules is -1, too. */

/* A field of the reply, before or after the reply itself is staged, but before a stream is opened. -1 also for a name or
 * value that could split the head, for more than 16 KiB of fields, and for what is the transport's to say: Content-Length,
 * Transfer-Encoding, Connection, Keep-Alive, Trailer, Upgrade, Date. Both are copied. */
int http_reply_header(struct http_exchange *x, const char *name, struct str value);

/* body is copied into the arena; _borrow sends it from where it is: it must live until the process ends, or be in the
 * exchange's arena. */
int http_reply(struct http_exchange *x, int status, const char *content_type, struct str body);
int http_reply_borrow(struct http_exchange *x, int status, const char *content_type, struct str body);

/* Takes the buffer's memory; *body is empty afterwards, also on failure. */
int http_reply_take(struct http_exchange *x, int status, const char *content_type, struct buf *body);
int http_reply_empty(struct http_exchange *x, int status);

/* Bytes [offset, offset + size) of an open regular file; takes fd, also on failure. */
int http_reply_file(struct http_exchange *x, int status, const char *content_type, int fd, off_t offset,
                    off_t size);

/* In what language the client is answered; of one that answers for another, that one's. */
enum http_language http_request_language(const struct http_exchange *x);

/* Whose words they are: the server's own are said in the client's language (language.h), a plugin's as they stand,
 * in whatever language or, SAID, in the client's. */
enum http_words { HTTP_WORDS_OURS, HTTP_WORDS_OF_OTHERS, HTTP_WORDS_SAID };

/* application/problem+json, RFC 9457. `detail` says what was wrong and what to do, or NULL. Replaces a reply that was
 * staged before, with those of its fields that described the content. Without memory only the status goes out. */
int http_reply_problem(struct http_exchange *x, int status, const char *detail);
int http_reply_problem_format(struct http_exchange *x, int status, const char *format, ...) DW_PRINTF(3, 4);

int http_reply_problem_with(struct http_exchange *x, int status, const char *detail, enum http_words words,
                            const struct problem_error *errors, size_t errors_n);

/* True once a reply was staged or a stream opened. */
bool http_replied(const struct http_exchange *x);

/* Takes back a staged reply and the fields that were added since the mark. A stream that was opened stays. */
size_t http_reply_mark(const struct http_exchange *x);
void http_reply_rollback(struct http_exchange *x, size_t mark);

/* ---- later, and over time ---- */

/* The handler will return without a reply; http_complete() or http_resume() is then called exactly once, on any thread,
 * complete after staging the reply there (the functions above may be used by that thread until then). resume goes on with
 * another handler, which runs on a worker once the first has returned, and may detach in its turn. While the server is
 * destroyed it runs where it is called. */
void http_detach(struct http_exchange *x);
void http_complete(struct http_exchange *x);
void http_resume(struct http_exchange *x, void (*handler)(struct http_exchange *x), void *ud);

/* What the handler was resumed with. */
void *http_resumed_with(const struct http_exchange *x);

/* A reply of unknown length. The stream outlives the handler: the exchange ends when it is closed. write blocks while
 * the client is slower (at most the server's write timeout), 0 or -1 when the client is gone, too slow, or memory is out:
 * the stream is then cut, whatever close says. close once, from any thread; `whole` false cuts the connection so that half
 * an answer is not taken for a whole one. NULL when memory is out, or for a status that has no content (204, 205, 304).
 * [any one thread at a time] */
struct http_stream *http_stream_open(struct http_exchange *x, int status, const char *content_type);
int http_stream_write(struct http_stream *s, struct str bytes);

/* The same, waiting no longer than until then (monotonic) either, nor once http_stream_hurry() was called, which any
 * thread that keeps the stream may do. */
int http_stream_write_until(struct http_stream *s, struct str bytes, int64_t until_us);
void http_stream_hurry(struct http_stream *s);
void http_stream_close(struct http_stream *s, bool whole);

/* Server-sent events. send never blocks: a client that is more than its buffer behind is cut off (it reconnects with
 * Last-Event-ID). name and id may be empty; data is split into lines. 0, or -1 when the client is gone. Heartbeats are
 * the server's work. Close with http_stream_close. [any thread] */
struct http_stream *http_events_open(struct http_exchange *x);
int http_events_send(struct http_stream *s, struct str id, struct str name, struct str data);

/* Will nothing that is sent reach anybody? For those who have nothing to send for a long time. [any thread] */
bool http_stream_is_gone(struct http_stream *s);

/* Waits until an event of n bytes can be sent without being cut off for it, at most to `until_us` (monotonic). 0, or -1
 * when it cannot. For those who send much at once, on a thread that may wait. */
int http_events_wait(struct http_stream *s, size_t n, int64_t until_us);

/* Several threads may hold one stream: each takes a reference and gives it back. _open gives the first one, which
 * http_stream_close gives back. [any thread] */
void http_stream_hold(struct http_stream *s);
void http_stream_drop(struct http_stream *s);

/* The Last-Event-ID that the client sent, or empty. */
struct str http_request_last_event(const struct http_exchange *x);

#endif
