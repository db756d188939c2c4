/* connections.c - /connections: the systems that a tenant is connected to, as they are kept. connection_asking.c has what asks
 * them. */
#include <openssl/crypto.h>
#include <stdlib.h>

#include "operations/connection_request.h"
#include "operations/connection_view.h"
#include "operations/core_page.h"
#include "operations/tables.h"
#include "util/clock.h"

/* ---- seen ---- */

static int add_etag(struct core_request *r, int64_t version)
{
    char etag[32];
    int n = snprintf(etag, sizeof(etag), "\"%lld\"", (long long)version);

    return http_reply_header(r->x, "ETag", str_make(etag, (size_t)n)) == 0 ? 0 : DW_ENOMEM;
}

static int find_version(struct db_rows *rows, int64_t *version)
{
    struct db_cell cell;

    for (size_t i = 0; i < db_rows_columns(rows); i++) {
        if (strcmp(db_rows_name(rows, i), "version") != 0)
            continue;
        DW_TRY(db_rows_cell(rows, i, &cell));
        *version = cell.i;
        return 0;
    }
    return DW_EINTERNAL;
}

/* The connection and its version; DW_ENOTFOUND. */
static int write_one(struct core_request *r, const char *id, struct buf *out, int64_t *version)
{
    const struct connection_filter filter = { .tenant = r->tenant, .id = id };
    struct db_rows *rows;

    DW_TRY(connections_query(r->s, &rows, &filter));
    int rc = db_rows_next(rows);
    if (rc == 0)
        rc = DW_ENOTFOUND;
    if (rc > 0)
        rc = connection_view_row(out, rows, r->process->connectors);
    if (rc >= 0)
        rc = find_version(rows, version);
    db_rows_close(rows);
    return rc;
}

/* `more` is members in JSON, each with a comma before it; "" for none. */
static int reply_one(struct core_request *r, int status, const char *id, struct str more)
{
    struct buf body = BUF_INIT;
    int64_t version = 0;
    int rc = write_one(r, id, &body, &version);

    if (rc == 0)
        rc = add_etag(r, version);
    if (rc == 0 && more.n > 0) {
        body.n--; /* the brace at its end */
        buf_add_str(&body, more);
        buf_add_char(&body, '}');
    }
    if (rc == 0)
        return core_reply(r, status, &body);
    buf_finish(&body);
    return rc;
}

static int get_connection(struct core_request *r)
{
    const char *id = core_id(r, "id");

    return id ? reply_one(r, 200, id, STR_OF("")) : DW_ENOMEM;
}

/* ---- lists ---- */

/* Those that are asked for, in the exchange's memory; NULL: all. */
static int choose_kinds(struct core_request *r, const char *const **out)
{
    const struct connectors *all = r->process->connectors;
    const char *name = core_text(r, "kind"), *role = core_text(r, "role");
    const struct connector_kind *kind;
    const char **list;
    size_t n = 0;

    *out = NULL;
    if (!name && !role)
        return 0;
    while (connectors_at(all, n))
        n++;
    *out = list = arena_calloc(http_arena(r->x), (n + 2) * sizeof(*list));
    if (!list)
        return DW_ENOMEM;
    if (name && !role) { /* also of a kind whose plugin is gone */
        list[0] = name;
        return 0;
    }
    for (size_t i = 0; (kind = connectors_at(all, i)); i++) {
        if (connector_plays(kind, role) && (!name || strcmp(name, kind->name) == 0))
            *list++ = kind->name;
    }
    return 0;
}

static int write_items(struct core_request *r, const struct core_page *page, struct db_rows *rows,
                       struct buf *out, char last[UUID_TEXT_SIZE])
{
    struct db_cell cell;
    int rc;

    buf_add_char(out, '[');
    for (int64_t n = 0; (rc = db_rows_next(rows)) > 0 && n < page->limit; n++) {
        if (n > 0)
            buf_add_char(out, ',');
        DW_TRY(connection_view_row(out, rows, r->process->connectors));
        DW_TRY(db_rows_cell(rows, 0, &cell)); /* its id */
        if (cell.text.n >= UUID_TEXT_SIZE)
            return DW_EINTERNAL;
        memcpy(last, cell.text.p, cell.text.n);
        last[cell.text.n] = '\0';
    }
    buf_add_char(out, ']');
    return rc;
}

static int list_connections(struct core_request *r)
{
    struct connection_filter filter = { .tenant = r->tenant };
    char last[UUID_TEXT_SIZE] = "";
    struct buf items = BUF_INIT;
    struct core_page page;
    struct db_rows *rows;

    DW_TRY(core_page_read(r, &page));
    DW_TRY(choose_kinds(r, &filter.kinds));
    core_flag(r, "enabled", &filter.enabled_only);
    filter.after = page.after;
    filter.limit = page.limit + 1;
    DW_TRY(connections_query(r->s, &rows, &filter));
    int rc = write_items(r, &page, rows, &items, last);
    db_rows_close(rows);
    if (rc >= 0)
        rc = core_page_reply_items(r, buf_str(&items), rc > 0 ? last : "");
    buf_finish(&items);
    return rc;
}

/* ---- made and changed ---- */

/* ,"tested":{...} and, of what was made, ,"webhook_secret":"..." */
static int write_more(struct buf *out, const struct connection_change *c)
{
    json_t *tested = c->was_tested ? connection_view_answer(&c->answer) : json_null();
    char *text = tested ? json_dumps(tested, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

    json_decref(tested);
    if (!text)
        return DW_ENOMEM;
    buf_add_format(out, ",\"tested\":%s", text);
    free(text);
    if (c->before)
        return buf_failed(out) ? DW_ENOMEM : 0;
    buf_add_text(out, ",\"webhook_secret\":");
    if (*c->secret)
        buf_add_json(out, str_from(c->secret));
    else
        buf_add_text(out, "null");
    return buf_failed(out) ? DW_ENOMEM : 0;
}

static int reply_change(struct core_request *r, const struct connection_change *c)
{
    struct buf more = BUF_INIT;
    int rc = write_more(&more, c);

    if (rc == 0 && *c->secret)
        http_reply_header(r->x, "Cache-Control", STR_OF("no-store"));
    if (rc == 0)
        rc = reply_one(r, c->before ? 200 : 201, c->draft->is->id, buf_str(&more));
    if (more.p)
        OPENSSL_cleanse(more.p, more.n);
    buf_finish(&more);
    return rc;
}

static int store(struct core_request *r, struct connection_work *w, struct connection_change *c)
{
    DW_TRY(db_begin(r->s));
    DW_TRY(connection_change_store(w, c));
    DW_TRY(reply_change(r, c));
    DW_TRY(db_commit(r->s));
    connection_change_committed(c);
    return 0;
}

static int change_and_reply(struct core_request *r, const struct connection_given *given)
{
    struct connection_work w = connection_request_work(r);
    struct connection_change change;
    bool untested = false;

    core_flag(r, "untested", &untested);
    int rc = connection_change_prepare(&w, given, untested, &change);
    rc = rc == 0 ? store(r, &w, &change) : connection_request_refuse(r, rc, &change);
    connection_change_finish(&change);
    return rc;
}

static int create_connection(struct core_request *r)
{
    const struct connection_given given = connection_request_given(r, NULL);

    return change_and_reply(r, &given);
}

/* What stands in If-Match, without its quotes: a number as in our ETags, or nothing that was ever there. */
static int read_version(struct core_request *r, int64_t *version)
{
    *version = 0;
    if (core_number(r, "if_match", version))
        return *version > 0 ? 0 : DW_EPRECONDITION;
    return core_text(r, "if_match") ? DW_EPRECONDITION : 0;
}

static int enable_and_reply(struct core_request *r, const struct connection_ref *ref, bool enabled)
{
    struct connection_work w = connection_request_work(r);

    DW_TRY(db_begin(r->s));
    int64_t version = connection_work_enable(&w, ref, enabled);
    DW_TRY(version < 0 ? (int)version : 0);
    DW_TRY(reply_one(r, 200, ref->id, STR_OF(",\"tested\":null")));
    return db_commit(r->s);
}

/* Then it works without its plugin too. */
static bool is_only_enabled(const struct connection_given *g)
{
    return g->enabled >= 0 && !g->name && !g->settings && !g->ca && !g->client_cert && !g->client_key &&
           !g->proxy && g->allow_private < 0 && g->parallel < 0;
}

static int change_connection(struct core_request *r)
{
    const char *id = core_id(r, "id");
    struct connection_given given = connection_request_given(r, id);

    if (!id)
        return DW_ENOMEM;
    DW_TRY(read_version(r, &given.version));
    if (!is_only_enabled(&given))
        return change_and_reply(r, &given);
    const struct connection_ref ref = { r->tenant, id, given.version };
    return enable_and_reply(r, &ref, given.enabled == 1);
}

/* ---- removed ---- */

/* A problem as any other, with what would be left hanging beside. */
static int reply_used(struct core_request *r, const json_t *uses)
{
    static const char detail[] =
        "it is still used; `uses` says by what, and with_uses=true removes it all the same";
    enum http_language language = http_request_language(r->x);
    char *text = json_dumps(uses, JSON_COMPACT);
    struct buf body = BUF_INIT;

    if (!text)
        return DW_ENOMEM;
    problem_write_in(&body, language, 409, str_from(http_say(language, detail)), http_request_id(r->x), NULL,
                     0);
    body.n--; /* the brace at its end */
    buf_add_format(&body, ",\"uses\":%s}", text);
    free(text);
    r->answer = ANSWER_STAGED;
    return http_reply_take(r->x, 409, PROBLEM_CONTENT_TYPE, &body) == 0 ? 0 : DW_ENOMEM;
}

static int remove_and_reply(struct core_request *r, struct connection_work *w, const char *id, json_t *uses)
{
    const struct connection_ref ref = { r->tenant, id, 0 };

    DW_TRY(db_begin(r->s));
    DW_TRY(connection_work_remove(w, &ref, uses));
    DW_TRY(core_reply(r, 204, NULL));
    return db_commit(r->s);
}

/* Where nobody can tell what uses it, it is only removed for who wants that whatever it is. */
static int delete_connection(struct core_request *r)
{
    struct connection_work w = connection_request_work(r);
    const char *id = core_id(r, "id");
    bool with_uses = false;
    json_t *uses = NULL;

    if (!id)
        return DW_ENOMEM;
    core_flag(r, "with_uses", &with_uses);
    DW_TRY(connection_work_find(&w, r->tenant, id));
    int rc = connection_work_uses(&w, id, &uses);
    if (rc < 0 && !with_uses)
        return rc;
    if (json_array_size(uses) > 0 && !with_uses)
        rc = reply_used(r, uses);
    else
        rc = remove_and_reply(r, &w, id, uses);
    json_decref(uses);
    return rc;
}

/* ---- secrets of its webhooks ---- */

static int rotate_and_reply(struct core_request *r, const char *id, const char *given,
                            char secret[INBOX_SECRET_SIZE])
{
    struct connection_work w = connection_request_work(r);

    DW_TRY(db_begin(r->s));
    DW_TRY(connection_work_add_secret(&w, r->tenant, id, given, secret));
    DW_TRY(core_reply_secret(r, NULL, NULL, given ? NULL : secret));
    return db_commit(r->s);
}

static int add_secret(struct core_request *r)
{
    const char *id = core_id(r, "id");
    char secret[INBOX_SECRET_SIZE] = "";

    if (!id)
        return DW_ENOMEM;
    int rc = rotate_and_reply(r, id, core_text(r, "secret"), secret);
    OPENSSL_cleanse(secret, sizeof(secret));
    return rc;
}

static int drop_older_secrets(struct core_request *r)
{
    struct connection_work w = connection_request_work(r);
    const char *id = core_id(r, "id");

    if (!id)
        return DW_ENOMEM;
    DW_TRY(db_begin(r->s));
    DW_TRY(connection_work_drop_secrets(&w, r->tenant, id));
    DW_TRY(core_reply(r, 204, NULL));
    return db_commit(r->s);
}

const struct core_operation core_connection_operations[] = {
    { "listConnections", list_connections },
    { "createConnection", create_connection },
    { "getConnection", get_connection },
    { "changeConnection", change_connection },
    { "deleteConnection", delete_connection },
    { "addConnectionSecret", add_secret },
    { "dropOlderConnectionSecrets", drop_older_secrets },
    { 0 },
};
