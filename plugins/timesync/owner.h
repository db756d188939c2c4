/* owner.h - is a timesheet, as it was read just now, the one of this entry? Ids alone prove nothing: the system behind a connection may be another
 * one, or a database restored. So nothing is written to or removed before its first line was seen. [call] */
#ifndef TIMESYNC_OWNER_H
#define TIMESYNC_OWNER_H

#include "work.h"

/* Does its first line, or another tool's tags, name this entry? */
bool owner_is_named(const struct work *w, const struct entry *e, const struct sheet *s);

/* Does its first line name another entry than this one? */
bool owner_is_another(const struct work *w, const struct entry *e, const struct sheet *s);

/* May it be written to or removed? Its first line is the entry's marker; or it has none, as when it was adopted, and nothing of it
 * has changed since; or it has none any more, and who saw it so says that it is to be written to. 1, 0, or an error. */
int owner_lets(dw_call *c, const struct work *w, const struct entry *e, const struct sheet *s);

/* May one that no entry has be removed? Its marker is of this sync's source, or of the old form. */
bool owner_is_ours(const struct work *w, const struct sheet *s);

#endif
