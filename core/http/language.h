/* language.h - in which language a client is told what was wrong, and the server's own sentences in it.
 *
 * A sentence stands in the code in English, and once more in the table of language.c in German: so what says it looks as if
 * there were one language. What is not in the table stays English; a test sees to it that nothing is missing there. */
#ifndef HTTP_LANGUAGE_H
#define HTTP_LANGUAGE_H

#include "util/str.h"

/* The numbers of enum schema_language. */
enum http_language { HTTP_ENGLISH, HTTP_GERMAN };

/* What an Accept-Language field likes best of those that are spoken here; English when it says nothing of them. [any thread] */
enum http_language http_language_of(struct str accept_language);

/* The sentence, or a format with the same conversions in the same order; `english` itself where there is no other, and
 * NULL for NULL. [any thread] */
const char *http_say(enum http_language language, const char *english);

/* The table: an English sentence and its German one, NULL after the last. */
const char *http_sentence_at(size_t i, const char **german);

#endif
