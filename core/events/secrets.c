#include "events/secrets.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "secure/uuid.h"

static const struct {
    const char *count, *insert, *select, *drop;
} sql[] = {
    [SECRETS_OF_WEBHOOK] = {
        .count = "SELECT count(*) FROM dowel_webhook_secrets WHERE webhook_id = $1",
        .insert = "INSERT INTO dowel_webhook_secrets (id, webhook_id, token, created_at) VALUES ($1, $2, $3, $4)",
        .select = "SELECT token FROM dowel_webhook_secrets WHERE webhook_id = $1 ORDER BY id DESC",
        .drop = "DELETE FROM dowel_webhook_secrets WHERE webhook_id = $1 AND id <>"
                " (SELECT id FROM dowel_webhook_secrets WHERE webhook_id = $1 ORDER BY id DESC LIMIT 1)",
    },
    [SECRETS_OF_SOURCE] = {
        .count = "SELECT count(*) FROM dowel_inbox_secrets WHERE source_id = $1",
        .insert = "INSERT INTO dowel_inbox_secrets (id, source_id, token, created_at) VALUES ($1, $2, $3, $4)",
        .select = "SELECT token FROM dowel_inbox_secrets WHERE source_id = $1 ORDER BY id DESC",
        .drop = "DELETE FROM dowel_inbox_secrets WHERE source_id = $1 AND id <>"
                " (SELECT id FROM dowel_inbox_secrets WHERE source_id = $1 ORDER BY id DESC LIMIT 1)",
    },
};

int secrets_add(struct db_session *s, const struct keyring *keyring, enum secrets_of of, const char *owner,
                struct str secret, int64_t now_us)
{
    char token[4 * SECRET_LENGTH_MAX], id[UUID_TEXT_SIZE];
    int64_t there = 0;
    struct uuid made;

    if (secret.n > SECRET_LENGTH_MAX || fernet_sealed_size(secret.n) >= sizeof(token))
        return DW_ETOOLARGE;
    int rc = db_find(s, DW_TO(&there), DB_BY_CORE, DW_LIST(sql[of].count, owner));
    if (rc < 0)
        return rc;
    if (there >= SECRETS_MAX)
        return DW_ECONFLICT;
    if (uuid_make(&made) != 0 || keyring_seal(keyring, secret, token) != 0)
        return DW_EINTERNAL;
    uuid_format(&made, id);
    int64_t added = db_exec(s, DB_BY_CORE, DW_LIST(sql[of].insert, id, owner, token, ((dw_time){ now_us })));
    return added < 0 ? (int)added : 0;
}

int secrets_drop_older(struct db_session *s, enum secrets_of of, const char *owner)
{
    return (int)db_exec(s, DB_BY_CORE, DW_LIST(sql[of].drop, owner));
}

/* Opens the token into memory of its own. */
static int open_token(struct secrets *out, const struct keyring *keyring, const char *token)
{
    struct str sealed = str_from(token);
    struct fernet_opened opened;
    char *room = malloc(sealed.n + 1);
    int rc;

    if (!room)
        return DW_ENOMEM;
    rc = keyring_unseal(keyring, sealed, -1, room, &opened);
    if (rc == 0) {
        memmove(room, opened.plain.p, opened.plain.n);
        room[opened.plain.n] = 0;
        out->v[out->n++] = str_make(room, opened.plain.n);
        return 0;
    }
    OPENSSL_cleanse(room, sealed.n);
    free(room);
    if (rc == FERNET_FAILED)
        return DW_ENOMEM;
    out->unreadable++;
    return 0;
}

int secrets_load(struct db_session *s, const struct keyring *keyring, enum secrets_of of, const char *owner,
                 struct secrets *out)
{
    const char *token;
    struct db_rows *rows;
    int rc;

    *out = (struct secrets){ .n = 0 };
    rc = db_query(s, &rows, DB_BY_CORE, DW_LIST(sql[of].select, owner));
    if (rc < 0)
        return rc;
    while (out->n < SECRETS_MAX && (rc = db_rows_next(rows)) > 0 &&
           (rc = db_rows_read(rows, DW_TO(&token))) == 0 && (rc = open_token(out, keyring, token)) == 0)
        continue;
    db_rows_close(rows);
    if (rc < 0)
        secrets_wipe(out);
    return rc < 0 ? rc : 0;
}

void secrets_wipe(struct secrets *all)
{
    for (size_t i = 0; i < all->n; i++) {
        OPENSSL_cleanse((char *)(uintptr_t)all->v[i].p, all->v[i].n);
        free((char *)(uintptr_t)all->v[i].p);
    }
    *all = (struct secrets){ .n = 0 };
}
