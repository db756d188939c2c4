/* refresh.h - refresh tokens: each is good once, and brings the next one of its family, which is a session's.
 *
 * Who shows one a second time has either lost the answer, or two of him hold the same one: within a few seconds that is a
 * second tab, and gets what the first one got. Later it is taken for a thief, and the whole family ends, as nobody can tell
 * which of them he is. [call] */
#ifndef AUTH_REFRESH_H
#define AUTH_REFRESH_H

#include "session.h"

#define REFRESH_GRACE DW_SECONDS(10)

/* The first of a session's, in the caller's transaction. */
int refresh_begin(dw_call *c, const struct session *s, const char **token);

/* The next one for this one; in transactions of its own. client_id is who asks, or NULL: a session that belongs to a client
 * is renewed for that one only. 0 and both filled; DW_EAUTH: not (any longer) good. */
int refresh_rotate(dw_call *c, const char *token, const char *client_id, struct session *s,
                   const char **next);

/* The session that it belongs to, used or not: 1 and its id, 0, or an error. */
int refresh_session(dw_call *c, const char *token, const char **session);

#endif
