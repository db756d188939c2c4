/* postgres.h - what the ways that use libpq alone have in common. Whatever fails aborts. */
#ifndef BENCH_DATA_POSTGRES_H
#define BENCH_DATA_POSTGRES_H

#include <libpq-fe.h>
#include <stdint.h>

#include "util/buf.h"

/* As the role that logs in, behind row security; or as the owner of the tables, who sees all tenants. */
PGconn *postgres_connect(const char *url, bool as_owner);

/* For what is not measured: not one of those that postgres_find_backends() finds. */
PGconn *postgres_connect_aside(const char *url);

void postgres_prepare(PGconn *conn, const char *name, const char *sql);

/* Aborts unless it is what a statement gives that went well. */
void postgres_must(PGconn *conn, const PGresult *result);
void postgres_clear(PGconn *conn, PGresult *result);

/* ---- statements: "tenant" and "read" of a guarded connection ---- */

#define POSTGRES_TENANT "SELECT set_config('dowel.tenant', $1, true)"

void postgres_send_tenant(PGconn *conn, const char *tenant);

/* $1 the id, $2 the tenant unless it is NULL; answers in binary. */
void postgres_send_keyed(PGconn *conn, const char *name, int64_t id, const char *tenant);

/* Into `entries`, by the statement "insert". */
void postgres_send_insert(PGconn *conn, const char *tenant, int64_t id, const char *title, int64_t at_us);

/* A row of `cases` in binary as JSON. */
void postgres_add_row(struct buf *json, const PGresult *result, int row);

/* ---- time that the server takes ---- */

/* Until those who were measured before have gone. */
void postgres_wait_for_others(PGconn *conn);

/* Finds the processes that serve the database's connections: those that are there now. */
void postgres_find_backends(const char *url);

/* How long they have run on a CPU so far, in microseconds. */
double postgres_backends_us(void);

#endif
