/* common.h - the passwords that everybody tries first. [any thread] */
#ifndef AUTH_COMMON_H
#define AUTH_COMMON_H

#include <stdbool.h>
#include <stddef.h>

/* Whether it is one of them, in whatever case. */
bool common_password(const char *password, size_t n);

#endif
