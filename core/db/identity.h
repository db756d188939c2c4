/* identity.h - which database this is: an id that it gets when it is first used, and keeps. [any thread] */
#ifndef DB_IDENTITY_H
#define DB_IDENTITY_H

#include "db/db.h"
#include "secure/uuid.h"

/* After core's migrations: the id, which is made where there is none yet. 0, or -1 with a sentence in why. */
int db_identify(struct db *db, char id[UUID_TEXT_SIZE], struct buf *why);

#endif
