/* compress.h - content codings: what the client takes, what is worth it, and gzip.
 *
 *   if (compress_is_candidate(status, type, as_is, n)) {
 *       add "Vary: Accept-Encoding", also when the answer stays as it is;
 *       if (compress_choose(&accepted, 1u << CODING_GZIP) == CODING_GZIP && compress_gzip(body, &out) == 0)
 *           send out with "Content-Encoding: gzip", and a strong ETag made weak;
 *   }
 *
 * BREACH: compressing a secret together with text that an attacker chooses tells the secret by the length, if the
 * attacker can make a browser repeat the request with the user's cookies and watch the wire. Our API is called with
 * bearer tokens, which a foreign page cannot make a browser send; whoever answers a cookie's owner with a secret and
 * his input in one body must send Cache-Control: no-transform with it, which is never compressed. */
#ifndef HTTP_COMPRESS_H
#define HTTP_COMPRESS_H

#include "util/buf.h"

enum http_coding { CODING_IDENTITY, CODING_GZIP, CODING_BR, CODINGS };

/* Weights in thousandths; 0: not acceptable. */
struct accept_encoding {
    uint16_t weight[CODINGS];
};

/* p NULL (no such field): only identity, since many clients that say nothing cannot decode anything. Members that are
 * malformed are skipped. [any thread] */
void accept_encoding_parse(struct str field, struct accept_encoding *out);

/* The best of those that are there (a bit for each; identity always is), br before gzip before identity when they
 * weigh the same. Identity also where it was refused and there is nothing else: an answer is better than a 406, and
 * RFC 9110 allows it. [any thread] */
enum http_coding compress_choose(const struct accept_encoding *accepted, unsigned available);

/* "gzip", "br", "identity". */
const char *coding_name(enum http_coding coding);

enum { COMPRESS_MIN = 1000 };

/* Whether it pays to send a body as gzip: text, JSON, XML and the like from COMPRESS_MIN bytes, never an event stream
 * (it would wait in the compressor), and no part of something (206). `as_is`: the answer has a Content-Encoding
 * already, or says Cache-Control: no-transform. [any thread] */
bool compress_is_candidate(int status, struct str content_type, bool as_is, size_t size);

/* The part of it that concerns the content type: text, JSON, XML and the like. [any thread] */
bool compress_type_shrinks(struct str content_type);

/* Appends body as one gzip member. -1 when it would not be smaller, or memory is out: send it as it is; out is then
 * as it was. Keeps 268 kB for each thread that called it, until the thread ends. [any thread] */
int compress_gzip(struct str body, struct buf *out);

#endif
