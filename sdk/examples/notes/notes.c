/* notes - shared notes of a tenant: create, list, search, read, change, delete. */
#include <dowel/dowel.h>
#include <string.h>

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

/* ---- dowel notes ... ---- */

static int list_command(dw_call *c, dw_command_run *run)
{
    const char *author = NULL;
    int64_t limit = 50;
    dw_rows *notes;

    DW_TRY(dw_command_read(run, "author", &author, "limit", &limit));
    DW_TRY(dw_db_query(c, &notes,
                       "SELECT id, author, title, changed_at FROM notes WHERE author = coalesce($1, author)"
                       " ORDER BY author, title LIMIT $2",
                       author, limit));
    return dw_command_rows(run, notes);
}

/* "Milk<TAB>two bottles": a line without a tab is a title alone. Copied, for texts end with NUL. */
static int import_line(dw_call *c, const char *author, dw_str line)
{
    const char *tab = line.n > 0 ? memchr(line.p, '\t', line.n) : NULL;
    dw_str title = { line.p, tab ? (size_t)(tab - line.p) : line.n };
    dw_str body = { tab ? tab + 1 : "", tab ? line.n - title.n - 1 : 0 };

    if (title.n == 0)
        return 0;
    return dw_db_exec(c,
                      "INSERT INTO notes (tenant_id, id, author, title, body, created_at, changed_at)"
                      " VALUES (:tenant, $1, $2, $3, $4, :now, :now) ON CONFLICT DO NOTHING",
                      dw_id(c), author, title, body);
}

/* All of it or nothing: what is printed inside the transaction is shown when that has come to pass. */
static int import_command(dw_call *c, dw_command_run *run)
{
    dw_str text = dw_command_text(run);
    const char *at = text.p, *end = at + text.n, *author;
    int64_t lines = 0, added = 0;

    DW_TRY(dw_command_read(run, "author", &author));
    DW_TRY(dw_tx_begin(c));
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t n = (size_t)((newline ? newline : end) - at);
        int rc = import_line(c, author, (dw_str){ at, n });
        DW_TRY(rc);
        added += rc;
        lines++;
        at += n + 1;
        DW_TRY(dw_command_progress(run, lines, 0, "lines"));
    }
    DW_TRY(dw_command_print(run, "imported", "notes", added, "lines", lines));
    return dw_tx_commit(c);
}

static int clear_command(dw_call *c, dw_command_run *run)
{
    const char *author;
    int rc;

    DW_TRY(dw_command_read(run, "author", &author));
    DW_TRY(rc = dw_command_ask(run, dw_format(c, "Delete all notes of %s?", author)));
    if (rc == 0)
        return 0;
    DW_TRY(rc = dw_db_exec(c, "DELETE FROM notes WHERE author = $1", author));
    return dw_command_print(run, "deleted", "notes", rc);
}

static const dw_argument list_arguments[] = {
    { .name = "--author", .value = "NAME", .help = "only this author's" },
    { .name = "--limit", .value = "N", .help = "at most so many: 50", .type = DW_ARGUMENT_INT },
    { 0 },
};

static const dw_argument author_argument[] = {
    { .name = "author", .help = "whose notes they are" },
    { 0 },
};

static const dw_command commands[] = {
    { .name = "notes list",
      .summary = "Lists the notes of a tenant",
      .arguments = list_arguments,
      .flags = DW_COMMAND_TENANT,
      .run = list_command },
    { .name = "notes import",
      .summary = "Adds notes, a line each, from standard input",
      .help =
          "A line is a title, or a title, a tab and the body. Titles that are there already are left alone.\n"
          "\n"
          "    dowel notes import ann --tenant ID <notes.txt\n",
      .arguments = author_argument,
      .input = DW_INPUT_TEXT,
      .flags = DW_COMMAND_TENANT,
      .run = import_command },
    { .name = "notes clear",
      .summary = "Deletes all notes of an author",
      .arguments = author_argument,
      .flags = DW_COMMAND_TENANT | DW_COMMAND_ASKS,
      .run = clear_command },
    { 0 },
};

DOWEL_PLUGIN(.name = "notes", .version = "1.0.0", .summary = "Shared notes", .license = "MIT",
             .conf = DW_ITEMS(struct notes_conf, items), .operations = operations, .commands = commands);
