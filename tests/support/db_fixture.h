/* db_fixture.h - a database of the test's own, on the engine that its group asks for. */
#ifndef TESTS_DB_FIXTURE_H
#define TESTS_DB_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "db/db.h"
#include "folder.h"

struct db_fixture {
    struct db *db;
    char folder[64];
    char url[128];
};

static inline int db_fixture_open(struct db_fixture *f)
{
    struct buf why = BUF_INIT;

    *f = (struct db_fixture){ .folder = "/tmp/dowel-db-XXXXXX" };
    if (!mkdtemp(f->folder))
        return -1;
    snprintf(f->url, sizeof(f->url), "sqlite:%s/test.db", f->folder);
    const struct db_options options = { .url = f->url };
    int rc = db_open(&f->db, &options, &why);
    if (rc != 0)
        fprintf(stderr, "%s\n", buf_text(&why));
    buf_finish(&why);
    return rc;
}

static inline void db_fixture_close(struct db_fixture *f)
{
    db_close(f->db);
    folder_remove(f->folder);
}

#endif
