/* json_safe.h - jansson where memory may be out. [any thread]
 *
 * When memory is out while jansson (2.14) collects a text, it leaves characters out, goes on, and says that all is well: a
 * document that is read has other claims than were signed, and one that is written is not what was meant. Tests that let
 * each allocation fail have found both. */
#ifndef AUTH_JSON_SAFE_H
#define AUTH_JSON_SAFE_H

#include <jansson.h>

enum json_safe { JSON_SAFE_OK = 0, JSON_SAFE_MALFORMED, JSON_SAFE_MEMORY };

/* An object with each member once, as a new reference; or NULL. */
enum json_safe json_safe_read(const char *text, size_t n, json_t **out);

/* Compact and terminated, to be freed with free(); `flags` are jansson's further ones. NULL when memory is out. */
char *json_safe_write(const json_t *json, size_t flags, size_t *n);

#endif
