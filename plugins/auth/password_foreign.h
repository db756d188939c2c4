/* password_foreign.h - hashes that other systems have made: verified, never written. Inside of password.c only. */
#ifndef AUTH_PASSWORD_FOREIGN_H
#define AUTH_PASSWORD_FOREIGN_H

#include "password.h"

/* As password_verify(), for all but argon2; the lengths were checked. */
enum password_result password_foreign_verify(const char *stored, const void *password, size_t n);

/* bcrypt's rule: what follows these bytes has never counted. */
enum { PASSWORD_BCRYPT_SEEN = 72 };
bool password_is_bcrypt(const char *stored);

#endif
