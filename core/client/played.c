/* played.c - an attempt whose peer is played by a test: what it says takes the way that libcurl's callbacks take, so that
 * retries, limits, time-outs, pauses and cancelling are the real ones. Names are not looked up and no address is judged. */
#include <stdio.h>
#include <string.h>

#include "client/transfer.h"
#include "util/clock.h"

enum { FIELDS_MAX = 64 };

/* ---- what it is asked ---- */

static bool ask(struct transfer *t)
{
    const struct client_options *o = &t->client->options;
    struct str fields[FIELDS_MAX];
    size_t n = 0;

    for (size_t i = 0; i < t->fields_n && n < FIELDS_MAX; i++) {
        if (!t->fields[i].secret || !t->foreign)
            fields[n++] = str_from(t->fields[i].line);
    }
    const struct client_asked asked = {
        .method = t->method,
        .url = t->url.text,
        .fields = fields,
        .fields_n = n,
        .body = t->without_body ? str_make("", 0) : t->body,
    };
    t->played = (struct client_played){ 0 };
    t->played_at = 0;
    bool is_played = o->play(&asked, &t->played, o->play_ud);
    if (strcmp(t->method, "HEAD") == 0)
        t->played.pieces_n = 0;
    return is_played;
}

/* ---- what it answers ---- */

static bool take_head(struct transfer *t)
{
    const struct client_played *p = &t->played;
    char line[32];
    int n = snprintf(line, sizeof(line), "HTTP/1.1 %03d", p->status);

    if (!attempt_take_line(t, str_make(line, (size_t)n)))
        return false;
    for (size_t i = 0; i < p->fields_n; i++) {
        if (!attempt_take_line(t, p->fields[i]))
            return false;
    }
    return attempt_take_line(t, str_make("", 0));
}

/* `stopped`: the answer is not wanted, and why is noted. */
static void end(struct transfer *t, bool stopped)
{
    static const CURLcode codes[CLIENT_ERRORS] = {
        [CLIENT_UNREACHED] = CURLE_COULDNT_CONNECT,
        [CLIENT_UNKNOWN] = CURLE_RECV_ERROR,
    };
    const struct client_played *p = &t->played;

    if (p->silent && !stopped) {
        transfer_arm_timer(t);
        return;
    }
    if (p->message)
        snprintf(t->curl_error, sizeof(t->curl_error), "%s", p->message);
    transfer_attempt_over(t, stopped ? CURLE_WRITE_ERROR : codes[p->error]);
}

void played_resume(struct transfer *t)
{
    const struct client_played *p = &t->played;
    int taken = 1;

    while (taken > 0 && p->status && t->played_at < p->pieces_n) {
        taken = attempt_take_body(t, p->pieces[t->played_at]);
        t->played_at += taken > 0;
    }
    if (taken == 0)
        transfer_arm_timer(t);
    else
        end(t, taken < 0);
}

void played_begin(struct transfer *t)
{
    t->state = TRANSFER_RUNNING;
    t->to[0] = (struct address){ .size = 4, .bytes = { 192, 0, 2, 1 } }; /* RFC 5737: nobody's */
    t->to_n = 1;
    attempt_reset(t);
    if (!ask(t)) {
        transfer_fail(t, CLIENT_UNREACHED, "%s", t->played.message);
        transfer_finish(t);
        return;
    }
    t->sent = t->answer->reached = t->played.error != CLIENT_UNREACHED;
    t->buffer_bytes = 0; /* one piece at a time */
    if (t->sent && t->played.status && !take_head(t))
        end(t, true);
    else
        played_resume(t);
}
