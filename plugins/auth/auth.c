/* auth - who somebody is, and what that proves: passwords, keys, tokens. */
#include <dowel/dowel.h>

DOWEL_PLUGIN(.name = "auth", .version = "0.1.0", .summary = "Users, passwords and tokens", .license = "MIT");
