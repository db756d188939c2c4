/* meter.h - what is counted and logged of an owner's SQL. [any thread] */
#ifndef DB_METER_H
#define DB_METER_H

#include "db/driver.h"

/* One an owner, kept until the database is closed. NULL, when memory is out: everything below then does nothing. */
struct db_meter *db_meter_of(struct db *db, const char *owner);
void db_meters_destroy(struct db *db);

enum db_transaction_end { DB_TX_COMMITTED, DB_TX_ROLLED_BACK, DB_TX_ENDS };

void db_meter_statement(struct db_meter *m, int64_t took_us);
void db_meter_failure(struct db_meter *m, int code);
void db_meter_repeat(struct db_meter *m);
void db_meter_transaction(struct db_meter *m, enum db_transaction_end how);

/* A line for a statement that took longer than it should: its SQL, never its values. */
void db_log_slow(const struct db_session *s, const char *sql, int64_t took_us);

#endif
