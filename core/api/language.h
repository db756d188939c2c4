/* language.h - in which language a client is told what was wrong. */
#ifndef API_LANGUAGE_H
#define API_LANGUAGE_H

#include "schema/schema.h"

/* What an Accept-Language field likes best of those that are spoken here; English when it says nothing of them. */
enum schema_language api_language_of(struct str accept_language);

#endif
