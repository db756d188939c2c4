/* form.h - a field of an HTML form, for pages that are no operations of the contract. [call] */
#ifndef AUTH_FORM_H
#define AUTH_FORM_H

#include <dowel/dowel.h>

/* Of application/x-www-form-urlencoded: the first field of that name, decoded, in the call's memory; NULL for one that is not
 * there, is longer than `most` bytes, or is no UTF-8 without NUL. */
const char *form_field(dw_call *c, dw_bytes body, const char *name, size_t most);

#endif
