#include "cli/database.h"

#include <stdio.h>
#include <unistd.h>

void database_find(struct database_place *out, const struct core_config *core, const char *data_dir)
{
    const char *url = core->database_url.hidden;

    snprintf(out->own_url, sizeof(out->own_url), "sqlite:%s/dowel.db", data_dir);
    url = *url ? url : out->own_url;
    out->options = (struct db_options){
        .url = url,
        .connections = (unsigned)core->database_connections,
        .mmap_bytes = core->database_mmap.bytes,
        .through_pooler = core->database_pooler,
        .statement_timeout_us = core->statement_timeout.us,
        .transaction_timeout_us = core->transaction_timeout.us,
        .slow_us = core->slow_query.us,
    };
    out->path = core_database_is_postgres(str_from(url)) ? NULL : url + strlen("sqlite:");
}

/* postgres://USER:PASSWORD@HOST/NAME?...: what stands between @ and ?. Nothing when a password could be in it, as one
 * with an @ or ? that should have been percent-encoded. */
static struct str without_secrets(const char *url)
{
    const char *begin = strstr(url, "://") + strlen("://"), *at = strrchr(begin, '@');
    const char *end = begin + strcspn(begin, "?");

    if (at && at > end)
        return STR_OF("");
    begin = at ? at + 1 : begin;
    return str_make(begin, (size_t)(end - begin));
}

void database_describe(struct buf *out, const struct database_place *place)
{
    if (place->path)
        buf_add_format(out, "SQLite, %s", place->path);
    else
        buf_add_format(out, "PostgreSQL, %.*s", STR_ARG(without_secrets(place->options.url)));
}

bool database_exists(const struct database_place *place)
{
    return !place->path || access(place->path, F_OK) == 0;
}
