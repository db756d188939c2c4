/* sources.c - /inbox/sources: who may send to plugins, for a tenant. */
#include <openssl/crypto.h>
#include <string.h>

#include "events/inbox.h"
#include "operations/core_page.h"
#include "operations/tables.h"

static const struct core_member members[] = {
    { .column = "plugin" },     { .column = "name" },
    { .column = "inbox" },      { .column = "verify" },
    { .column = "id_header" },  { .column = "enabled" },
    { .column = "secrets" },    { .column = "waiting" },
    { .column = "created_at" }, { 0 },
};

static struct inbox_source which(const struct core_request *r)
{
    return (struct inbox_source){ r->tenant, core_text(r, "plugin"), core_text(r, "source") };
}

static int list_sources(struct core_request *r)
{
    struct inbox_source_filter filter = { .tenant = r->tenant, .by_id = true };
    struct core_page page;
    struct db_rows *rows;

    DW_TRY(core_page_read(r, &page));
    filter.after = page.after;
    filter.limit = page.limit + 1;
    DW_TRY(inbox_source_query(r->s, &rows, &filter));
    return core_page_reply(r, &page, rows, members);
}

/* ---- made ---- */

static int check_name(struct core_request *r, const char *name, const char *pointer)
{
    struct str text = str_from(core_text(r, name));

    if (inbox_name_is_valid(text) && !inbox_name_is_connection(text))
        return 0;
    return core_fail_at(r, pointer, "is no name: a-z, 0-9, - and _, a letter first, at most 64 characters");
}

static int check_names(struct core_request *r)
{
    DW_TRY(check_name(r, "plugin", "#/plugin"));
    DW_TRY(check_name(r, "name", "#/name"));
    return check_name(r, "inbox", "#/inbox");
}

static int add(struct core_request *r, const struct inbox_source_new *source, char secret[INBOX_SECRET_SIZE])
{
    const char *path = arena_format(http_arena(r->x), "/hooks/%s/%s", source->plugin, source->name);
    char id[UUID_TEXT_SIZE];

    if (!path)
        return DW_ENOMEM;
    DW_TRY(db_begin(r->s));
    DW_TRY(inbox_source_add(r->s, r->process->keyring, source, r->now_us, id, secret, &r->why));
    DW_TRY(core_note(r, "core.inbox.source_added", id,
                     DW_LIST("plugin", source->plugin, "source", source->name, "inbox", source->inbox)));
    DW_TRY(core_reply_secret(r, "path", path, source->secret || !*secret ? NULL : secret));
    return db_commit(r->s);
}

static int create_source(struct core_request *r)
{
    const char *verify = core_text(r, "verify"), *id_header = core_text(r, "id_header");
    char secret[INBOX_SECRET_SIZE] = "";
    const struct inbox_source_new source = {
        .tenant = r->tenant,
        .plugin = core_text(r, "plugin"),
        .name = core_text(r, "name"),
        .inbox = core_text(r, "inbox"),
        .verify = verify ? inbox_verify_from(verify) : INBOX_STANDARD_WEBHOOKS,
        .id_header = id_header ? id_header : "",
        .secret = core_text(r, "secret"),
    };

    DW_TRY(check_names(r));
    int rc = add(r, &source, secret);
    OPENSSL_cleanse(secret, sizeof(secret));
    return rc;
}

/* ---- changed, removed ---- */

static int note(struct core_request *r, const char *action, const struct inbox_source *source)
{
    return core_note(r, action, NULL, DW_LIST("plugin", source->plugin, "source", source->name));
}

/* Its secrets may be changed; but whether it is there and open, the connection says. */
static int refuse_connections(struct core_request *r)
{
    if (!inbox_name_is_connection(str_from(core_text(r, "source"))))
        return 0;
    return core_fail(r, DW_ECONFLICT,
                     "this source belongs to a connection, and is opened, closed and removed with it");
}

static int change_source(struct core_request *r)
{
    const struct inbox_source source = which(r);
    bool enabled = true;

    core_flag(r, "enabled", &enabled);
    DW_TRY(refuse_connections(r));
    DW_TRY(db_begin(r->s));
    DW_TRY(inbox_source_enable(r->s, &source, enabled));
    DW_TRY(note(r, enabled ? "core.inbox.source_enabled" : "core.inbox.source_disabled", &source));
    DW_TRY(core_reply(r, 204, NULL));
    return db_commit(r->s);
}

static int delete_source(struct core_request *r)
{
    const struct inbox_source source = which(r);

    DW_TRY(refuse_connections(r));
    DW_TRY(db_begin(r->s));
    DW_TRY(inbox_source_remove(r->s, &source));
    DW_TRY(note(r, "core.inbox.source_removed", &source));
    DW_TRY(core_reply(r, 204, NULL));
    return db_commit(r->s);
}

/* ---- secrets ---- */

static int rotate_and_reply(struct core_request *r, const struct inbox_rotate *rotate,
                            char secret[INBOX_SECRET_SIZE])
{
    DW_TRY(db_begin(r->s));
    DW_TRY(inbox_source_rotate(r->s, r->process->keyring, rotate, secret, &r->why));
    DW_TRY(note(r, "core.inbox.source_rotated", &rotate->of));
    DW_TRY(core_reply_secret(r, NULL, NULL, rotate->given ? NULL : secret));
    return db_commit(r->s);
}

static int add_secret(struct core_request *r)
{
    const struct inbox_rotate rotate = {
        .of = which(r),
        .given = core_text(r, "secret"),
        .now_us = r->now_us,
    };
    char secret[INBOX_SECRET_SIZE] = "";

    int rc = rotate_and_reply(r, &rotate, secret);

    OPENSSL_cleanse(secret, sizeof(secret));
    return rc;
}

static int drop_older_secrets(struct core_request *r)
{
    const struct inbox_source source = which(r);

    DW_TRY(db_begin(r->s));
    DW_TRY(inbox_source_drop_secrets(r->s, &source));
    DW_TRY(note(r, "core.inbox.secrets_dropped", &source));
    DW_TRY(core_reply(r, 204, NULL));
    return db_commit(r->s);
}

const struct core_operation core_source_operations[] = {
    { "listInboxSources", list_sources },
    { "createInboxSource", create_source },
    { "changeInboxSource", change_source },
    { "deleteInboxSource", delete_source },
    { "addInboxSecret", add_secret },
    { "dropOlderInboxSecrets", drop_older_secrets },
    { 0 },
};
