/* pattern.h - the names of events, and which of them somebody wants. [any thread]
 *
 * A name is at least two words between dots, "timesync.entry.pushed", the first of them the plugin's that tells it. A
 * pattern is a name, or the beginning of names with a star for the rest: "timesync.entry.*", "timesync.*"; "*" is all. */
#ifndef EVENTS_PATTERN_H
#define EVENTS_PATTERN_H

#include "util/str.h"

enum { EVENT_NAME_MAX = 128 };

/* Words of a-z, 0-9 and _ that begin with a letter; at most EVENT_NAME_MAX characters. */
bool event_name_is_valid(struct str name);
bool event_name_is_of(struct str name, const char *plugin);
bool event_pattern_is_valid(struct str pattern);

/* Both valid. */
bool event_pattern_matches(struct str pattern, struct str name);

/* Does one of these, separated by spaces? */
bool event_patterns_match(struct str patterns, struct str name);

#endif
