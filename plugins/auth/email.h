/* email.h - when two e-mail addresses are one, and two names alike. [any thread] */
#ifndef AUTH_EMAIL_H
#define AUTH_EMAIL_H

#include <stddef.h>

enum { EMAIL_MAX = 254, EMAIL_KEY_SIZE = 1024, FOLDED_SIZE = 4096 };

/* Unicode's NFKC with case folded: "STRASSE" and "straße" are alike. 0; or -1 for what is not UTF-8 or does not fit. */
int fold_text(const char *text, char out[FOLDED_SIZE]);

/* What all spellings of an address have in common: of its name Unicode's NFKC with case folded, of its domain the ASCII
 * form. So ANN@Example.org is ann@example.org, and nobody gets a second account that looks like another one's.
 * (Mail servers may tell case apart; none that matters does.) 0; or -1 for what is no address of at most EMAIL_MAX bytes.
 *
 * Mail must go to the address that is stored, never to what was typed to find it: their keys are equal, they are not. */
int email_key(const char *email, char out[EMAIL_KEY_SIZE]);

#endif
