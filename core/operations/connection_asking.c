/* connection_asking.c - /connections: what asks the other system, or plugins about it, and keeps nothing. */
#include <stdlib.h>

#include "operations/connection_request.h"
#include "operations/connection_view.h"
#include "operations/core_page.h"
#include "operations/tables.h"

/* What is there is read at most as far as this: a person types a word rather than turn so many pages. */
enum { THINGS_MAX = 100000 };

/* ---- tests ---- */

static int try_and_reply(struct core_request *r, const struct connection_given *given)
{
    struct connection_work w = connection_request_work(r);
    struct connection_change change;
    int rc = connection_change_try(&w, given, &change);

    if (rc >= 0)
        rc = connection_request_reply(r, 200, connection_view_answer(&change.answer));
    else
        rc = connection_request_refuse(r, rc, &change);
    connection_change_finish(&change);
    return rc;
}

static int test_connection(struct core_request *r)
{
    struct connection_given given = connection_request_given(r, NULL);

    if (!given.name)
        given.name = "test"; /* a form may be tried before it has one */
    return try_and_reply(r, &given);
}

static int test_kept_connection(struct core_request *r)
{
    const char *id = core_id(r, "id");
    const struct connection_given given = connection_request_given(r, id);

    return id ? try_and_reply(r, &given) : DW_ENOMEM;
}

/* ---- what uses it ---- */

static int list_uses(struct core_request *r)
{
    struct connection_work w = connection_request_work(r);
    const char *id = core_id(r, "id");
    json_t *uses;

    if (!id)
        return DW_ENOMEM;
    DW_TRY(connection_work_find(&w, r->tenant, id));
    int rc = connection_work_uses(&w, id, &uses);
    return rc < 0 ? rc : connection_request_reply(r, 200, json_pack("{s:o}", "items", uses));
}

/* ---- what there is in it ---- */

/* A page of what comes one after the other. */
struct things {
    int64_t skip, limit, n; /* n: how many came */
    json_t *page;
    bool has_more;
};

/* 1 stops: the page is full, and there is one more. */
static int take_thing(void *ud, const dw_thing *thing)
{
    struct things *t = ud;

    if (t->n++ < t->skip)
        return 0;
    if (t->n > t->skip + t->limit) {
        t->has_more = true;
        return 1;
    }
    return json_array_append_new(t->page, connection_view_thing(thing)) == 0 ? 0 : DW_ENOMEM;
}

static int read_things(struct core_request *r, const char *id, struct things *t)
{
    struct connection_work w = connection_request_work(r);
    dw_thing_query query = { .struct_size = sizeof(query),
                             .term = core_text(r, "term"),
                             .parent = core_text(r, "parent") };
    const struct connection_list list = { id, core_text(r, "listing"), &query, THINGS_MAX };
    struct connection_answer answer = { 0 };

    core_flag(r, "inactive", &query.inactive);
    DW_TRY(connection_work_find(&w, r->tenant, id));
    DW_TRY(connection_work_enter(&w));
    int rc = connection_things(r->process, &list, &w.who, take_thing, t, &answer);
    connection_work_leave();
    if (rc < 0 && rc != DW_ENOTFOUND && rc != DW_ECONFLICT)
        rc = connection_request_failed(r, rc, &answer);
    else if (rc < 0 && answer.text && *answer.text)
        rc = core_fail(r, rc, "%s", answer.said ? answer.said : answer.text);
    connection_answer_finish(&answer);
    return rc;
}

static int reply_things(struct core_request *r, const struct things *t)
{
    char next[24] = "", *text = json_dumps(t->page, JSON_COMPACT);

    if (!text)
        return DW_ENOMEM;
    if (t->has_more)
        snprintf(next, sizeof(next), "%lld", (long long)t->skip + (long long)t->limit);
    int rc = core_page_reply_items(r, str_from(text), next);
    free(text);
    return rc;
}

static int list_things(struct core_request *r)
{
    const char *id = core_id(r, "id");
    struct core_page page;

    if (!id)
        return DW_ENOMEM;
    DW_TRY(core_page_read_numbered(r, &page));
    struct things things = {
        .skip = page.after ? strtoll(page.after, NULL, 10) : 0,
        .limit = page.limit,
        .page = json_array(),
    };
    int rc = things.page ? read_things(r, id, &things) : DW_ENOMEM;
    if (rc >= 0)
        rc = reply_things(r, &things);
    json_decref(things.page);
    return rc;
}

const struct core_operation core_connection_asking_operations[] = {
    { "testConnection", test_connection },
    { "testKeptConnection", test_kept_connection },
    { "listConnectionUses", list_uses },
    { "listConnectionThings", list_things },
    { 0 },
};
