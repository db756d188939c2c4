/* webhook.h - who sent this webhook, and that nobody changed it: signatures made and checked. [any thread]
 *
 * Two schemes. Standard Webhooks (standardwebhooks.com, version 1.0): the id, the second of sending and the body are
 * signed together, so that what was overheard is worth nothing five minutes later. The hub's, of GitHub, Zammad and
 * others: the body alone. Both ways of checking take several secrets, because one is replaced while the other side still
 * signs with the older one.
 *
 * All of this is about bytes as they were sent: JSON that was read and written again has another signature. */
#ifndef SECURE_WEBHOOK_H
#define SECURE_WEBHOOK_H

#include "secure/base64.h"
#include "secure/digest.h"

/* ---- Standard Webhooks ---- */

enum {
    WEBHOOK_KEY_MIN = 24, /* bytes; the standard's limits */
    WEBHOOK_KEY_MAX = 64,
    WEBHOOK_KEY_MADE = 32,                                             /* of those that are made here */
    WEBHOOK_SECRET_SIZE = 6 + BASE64_PADDED_SIZE(WEBHOOK_KEY_MAX) + 1, /* of a secret's text, with the NUL */
    WEBHOOK_ID_MAX = 200,
    WEBHOOK_TOLERANCE_S = 300 /* the clocks of both sides and the way between them may differ by so much */
};

/* Wipe it with OPENSSL_cleanse() when it is no longer needed. */
struct webhook_key {
    unsigned char bytes[WEBHOOK_KEY_MAX];
    size_t n;
};

/* A new secret, "whsec_..." with 32 random bytes. 0, or -1 when there are no random bytes to be had. */
int webhook_secret_make(char out[WEBHOOK_SECRET_SIZE]) DW_MUST_CHECK;

/* The key that a secret's text stands for: base64, with or without "whsec_" before it and padding behind it. NULL, or
 * what is wrong with it in words that quote nothing of it. */
const char *webhook_secret_read(struct str text, struct webhook_key *out) DW_MUST_CHECK;

/* Appends what goes into the field webhook-signature, a signature of each key: "v1,... v1,...". The id has no '.', see
 * webhook_verify(). 0, or -1 when memory is out, there is no key or the id is none. */
int webhook_sign(struct buf *out, const struct webhook_key *keys, size_t keys_n, struct str id,
                 int64_t sent_s, struct str body) DW_MUST_CHECK;

/* Why a webhook is not believed. */
enum webhook_verdict {
    WEBHOOK_GENUINE,
    WEBHOOK_UNSIGNED,     /* a field is missing or empty */
    WEBHOOK_MALFORMED,    /* an id or a time that can be none */
    WEBHOOK_TOO_OLD,      /* sent longer ago than the tolerance: perhaps a recording */
    WEBHOOK_IN_FUTURE,    /* the clocks differ */
    WEBHOOK_FORGED,       /* no signature is of this body and one of these secrets */
    WEBHOOK_UNVERIFIABLE, /* there is no secret here, or memory was out: says nothing about the sender */
    WEBHOOK_VERDICTS
};

/* For the log and for the sender: "the signature does not fit the body and the secret". */
const char *webhook_verdict_text(enum webhook_verdict verdict);

/* The fields as they came; p NULL for one that did not. */
struct webhook_fields {
    struct str id, timestamp, signature;
};

/* Is one of the signatures of one of the keys? The others, and those of other versions, do not matter. An id with a '.'
 * is refused: with "a.1" for an id, "a" sent at second 1 and "a.1" have the same text to sign, and a receiver could be
 * told the one for the other. */
enum webhook_verdict webhook_verify(const struct webhook_fields *fields, struct str body,
                                    const struct webhook_key *keys, size_t keys_n, int64_t now_s,
                                    int64_t tolerance_s) DW_MUST_CHECK;

/* ---- the hub's: "sha1=..." in X-Hub-Signature, "sha256=..." in X-Hub-Signature-256 ---- */

enum { WEBHOOK_HUB_SIZE = 8 + DIGEST_HEX_SIZE };

/* DIGEST_SHA1 or DIGEST_SHA256; the secret is used as it is. 0, or -1 when memory is out or the kind is another. */
int webhook_hub_sign(char out[WEBHOOK_HUB_SIZE], enum digest_kind kind, struct str secret,
                     struct str body) DW_MUST_CHECK;

/* Lower case, as all who send it write it. An empty secret verifies nothing. Who wants a signature gets none for an empty
 * body from Zammad: such a one is WEBHOOK_UNSIGNED. */
enum webhook_verdict webhook_hub_verify(enum digest_kind kind, struct str signature, struct str body,
                                        const struct str *secrets, size_t secrets_n) DW_MUST_CHECK;

#endif
