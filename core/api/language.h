/* language.h - in which language a schema tells a client what was wrong. */
#ifndef API_LANGUAGE_H
#define API_LANGUAGE_H

#include "http/language.h"
#include "schema/schema.h"

_Static_assert((int)HTTP_GERMAN == (int)SCHEMA_GERMAN, "both count their languages alike");

static inline enum schema_language api_language_of(struct str accept_language)
{
    return (enum schema_language)http_language_of(accept_language);
}

#endif
