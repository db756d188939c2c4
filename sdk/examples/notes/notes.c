/* notes - shared notes of a tenant: create, list, search, read, change, delete. */
#include <dowel/dowel.h>

struct notes_conf {
    int64_t per_author;
};

static const dw_item items[] = {
    DW_ITEM(struct notes_conf, per_author, .fallback = "1000", .min = 1, .max = 100000,
            .help = "How many notes one author may keep"),
    { 0 },
};

/* What a note is shown as; a literal, so that the compiler joins it to the statement around it. */
#define NOTE "id, author, title, body, version, created_at, changed_at"

/* Counted in the transaction that inserts, or two requests could both be the last one that is allowed. */
static int check_quota(dw_call *c)
{
    const struct notes_conf *conf = dw_conf(c);
    int64_t kept;

    DW_TRY(dw_db_get(c, DW_TO(&kept), "SELECT count(*) FROM notes WHERE author = :me"));
    if (kept >= conf->per_author)
        return dw_fail(c, DW_ECONFLICT, "you keep as many notes as you may", "kept", kept);
    return 0;
}

/* An error's own words are for whoever writes plugins: what a client should read, the plugin says. */
static int insert_note(dw_call *c, dw_rows **note, const char *title, const char *body)
{
    int rc = dw_db_query(c, note,
                         "INSERT INTO notes (tenant_id, id, author, title, body, created_at, changed_at)"
                         " VALUES (:tenant, $1, :me, $2, $3, :now, :now)"
                         " RETURNING " NOTE,
                         dw_id(c), title, body);

    if (rc == DW_ECONFLICT)
        return dw_fail(c, rc, "you have a note with this title", "title", title);
    return rc;
}

/* The reply first, the commit last: nobody hears 201 of what was not kept. If the database wants it all repeated, this
 * runs again from its start, and only the last reply counts. */
static int create_note(dw_call *c, dw_request *req)
{
    const char *title, *body = "";
    dw_rows *note;

    DW_TRY(dw_request_read(req, "title", &title, "body", &body));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(check_quota(c));
    DW_TRY(insert_note(c, &note, title, body));
    DW_TRY(dw_reply_row(req, 201, note));
    return dw_tx_commit(c);
}

/* limit, cursor, sort and author: the host's, see x-list in api.yaml. */
static int list_notes(dw_call *c, dw_request *req)
{
    return dw_reply_list(c, req, "SELECT " NOTE " FROM notes");
}

/* What a person typed is no SQL: nothing of it can be wrong. */
static int search_notes(dw_call *c, dw_request *req)
{
    const char *typed;
    dw_rows *notes;

    DW_TRY(dw_request_read(req, "q", &typed));
    DW_TRY(dw_db_search(
        c, &notes, "notes", typed,
        "SELECT n.id, n.title FROM found f JOIN notes n ON n.id = f.id ORDER BY f.place LIMIT 20"));
    return dw_reply_rows(req, 200, notes);
}

static int get_note(dw_call *c, dw_request *req)
{
    const char *id;
    dw_rows *note;

    DW_TRY(dw_request_read(req, "id", &id));
    DW_TRY(dw_db_query(c, &note, "SELECT " NOTE " FROM notes WHERE id = $1", id));
    return dw_reply_row(req, 200, note);
}

/* Who has seen another version finds no row: a 412. */
static int change_note(dw_call *c, dw_request *req)
{
    const char *id, *title = NULL, *body = NULL;
    int64_t version;
    dw_rows *note;

    DW_TRY(dw_request_read(req, "id", &id, "if_match", &version, "title", &title, "body", &body));
    DW_TRY(dw_db_query(c, &note,
                       "UPDATE notes SET title = coalesce($3, title), body = coalesce($4, body),"
                       "                 version = version + 1, changed_at = :now"
                       " WHERE id = $1 AND version = $2"
                       " RETURNING " NOTE,
                       id, version, title, body));
    return dw_reply_row(req, 200, note);
}

static int delete_note(dw_call *c, dw_request *req)
{
    const char *id;

    DW_TRY(dw_request_read(req, "id", &id));
    DW_TRY(dw_db_change(c, "DELETE FROM notes WHERE id = $1", id));
    return dw_reply(req, 204);
}

static const dw_operation operations[] = {
    { "createNote", create_note },
    { "listNotes", list_notes },
    { "getNote", get_note },
    { "searchNotes", search_notes },
    { "changeNote", change_note },
    { "deleteNote", delete_note },
    { 0 },
};

DOWEL_PLUGIN(.name = "notes", .version = "1.0.0", .summary = "Shared notes", .license = "MIT",
             .conf = DW_ITEMS(struct notes_conf, items), .operations = operations);
