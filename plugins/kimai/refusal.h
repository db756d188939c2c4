/* refusal.h - what Kimai says when it refuses a form: {"errors": {"errors": [...], "children": {"project": {"errors": [...]},
 * "begin": {}}}}. Its texts are in the language of the token's owner, so only places are looked at. [any thread] */
#ifndef KIMAI_REFUSAL_H
#define KIMAI_REFUSAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Is it one? Else it says nothing about the form: malformed JSON, a bad parameter. */
bool refusal_is_form(const json_t *body);

/* Something is wrong with this member. */
bool refusal_names(const json_t *body, const char *member);

/* Something is wrong with the whole: also what lies at members that the form does not have, like the dates in some versions. */
bool refusal_is_whole(const json_t *body);

/* The token may set this member. One that it may not set makes a form refused as a whole. */
bool refusal_knows(const json_t *body, const char *member);

/* Its texts, as found, each once: "project: The budget is used up.; ...". Cut to size at a border of UTF-8; "" if there are none. */
void refusal_text(const json_t *body, char *out, size_t size);

#endif
