/* explain.h - what Zammad's refusals mean, and what to do about them. */
#ifndef ZAMMAD_EXPLAIN_H
#define ZAMMAD_EXPLAIN_H

#include "desk.h"

/* rc: what came of the request; answer: NULL where none came, which the host has explained already. Fills d->said and
 * d->is_own. Returns the error:
 *   DW_EAUTH          the credentials are no good, whatever they would be allowed to
 *   DW_EDENIED        they are good, but a permission is lacking
 *   DW_ENOTFOUND      Zammad's own "there is none"; that of somebody else, a proxy's say, is DW_EUPSTREAM
 *   DW_EUNAVAILABLE   it is in maintenance
 *   DW_ERATE, DW_EUPSTREAM... as of dw_fetch() */
DW_MUST_CHECK int explain_refusal(struct desk *d, int rc, dw_answer *answer, const struct ask *ask);

/* It is not to be asked any more for a while (DW_ERATE). */
DW_MUST_CHECK int explain_rate(struct desk *d);

/* It did not work, and nobody knows why. */
DW_MUST_CHECK int explain_broken(struct desk *d, int rc, const char *path, int status, const char *said);

/* It went well, but is no JSON. */
DW_MUST_CHECK int explain_no_json(struct desk *d, dw_answer *answer, const struct ask *ask);

#endif
