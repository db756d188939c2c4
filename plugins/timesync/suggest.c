#include "suggest.h"

#include <string.h>

enum { SHOWN_MAX = 500, KEY_BYTES = 120 };

/* ---- what the target has ---- */

struct candidate {
    struct candidate *next;
    char key[KEY_BYTES]; /* folded; of a user the address */
    const char *id, *name;
};

struct candidates {
    dw_call *c;
    struct candidate *first;
    bool by_email;
};

/* Without case and spaces, as far as ASCII goes: what differs in more than that is for a person to see. */
static void fold(const char *text, char key[KEY_BYTES])
{
    size_t n = 0;

    for (; text && *text && n + 1 < KEY_BYTES; text++) {
        if (*text == ' ' || *text == '\t')
            continue;
        key[n++] = *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text;
    }
    key[n] = '\0';
}

/* In the memory of the request's call: the visit's goes with it. */
static int take(dw_call *c, const dw_thing *thing, void *ud)
{
    struct candidates *all = ud;
    struct candidate *one = dw_alloc(all->c, sizeof(*one));

    (void)c;
    fold(all->by_email ? thing->email : thing->name, one->key);
    if (!*one->key)
        return 0;
    one->id = dw_format(all->c, "%s", thing->id);
    one->name = dw_format(all->c, "%s", thing->name);
    one->next = all->first;
    all->first = one;
    return 0;
}

/* NULL also where two look like it: then a person has to look. */
static const struct candidate *match(const struct candidates *all, const char *text)
{
    const struct candidate *found = NULL;
    char key[KEY_BYTES];

    fold(text, key);
    for (const struct candidate *one = all->first; one && *key; one = one->next) {
        if (strcmp(one->key, key) != 0)
            continue;
        if (found)
            return NULL;
        found = one;
    }
    return found;
}

/* ---- what entries have ---- */

/* id, its name, what is compared, open cases. */
#define UNMAPPED(column, name, compared, kind, reason)                                           \
    "SELECT e." column ", max(" name "), max(" compared "),"                                     \
    " sum(CASE WHEN k.id IS NULL THEN 0 ELSE 1 END) AS cases"                                    \
    " FROM timesync_entries e LEFT JOIN timesync_cases k ON k.entry = e.id AND k.state = 'open'" \
    " AND k.reason = '" reason "'"                                                               \
    " WHERE e.sync = $1 AND NOT EXISTS (SELECT 1 FROM timesync_mappings m WHERE m.sync = e.sync" \
    " AND m.kind = '" kind "' AND m.source = e." column ") GROUP BY e." column                   \
    " ORDER BY 4 DESC, 2, 1 LIMIT $2"

static const struct {
    const char *kind, *sql;
} unmapped[] = {
    { "activity",
      UNMAPPED("activity", "e.activity_name", "e.activity_name", "activity", "UNMAPPED_ACTIVITY") },
    { "user", UNMAPPED("agent", "e.agent_name", "e.agent_email", "user", "UNMAPPED_USER") },
    { "customer",
      UNMAPPED("customer", "e.customer_name", "e.customer_name", "customer", "PROJECT_OR_CUSTOMER_MISSING") },
    { "project",
      UNMAPPED("ticket", "e.ticket_number", "e.ticket_title", "project", "PROJECT_OR_CUSTOMER_MISSING") },
};

static const char *sql_of(const char *kind)
{
    for (size_t i = 0; i < sizeof(unmapped) / sizeof(*unmapped); i++) {
        if (strcmp(unmapped[i].kind, kind) == 0)
            return unmapped[i].sql;
    }
    return NULL;
}

int suggest_reply(dw_call *c, dw_request *req, const struct sync *s, const char *kind)
{
    struct candidates all = { .c = c, .by_email = strcmp(kind, "user") == 0 };
    const char *id, *name, *compared;
    dw_connection *target;
    dw_rows *rows;
    int64_t cases;
    int rc;

    DW_TRY(dw_connection_open(c, s->target, &target));
    DW_TRY(dw_things_each(c, target, kind, NULL, take, &all));
    DW_TRY(dw_db_query(c, &rows, sql_of(kind), s->id, (int)SHOWN_MAX));
    dw_out *o = dw_reply_open(req, 200);
    dw_out_array(o, "items");
    while ((rc = dw_rows_next(rows, &id, &name, &compared, &cases)) > 0) {
        const struct candidate *like = match(&all, compared);
        dw_out_object(o, NULL);
        dw_out_set(o, "source", id);
        dw_out_set(o, "source_name", name);
        dw_out_set(o, "cases", cases);
        dw_out_set(o, "target", like ? like->id : (const char *)NULL);
        dw_out_set(o, "target_name", like ? like->name : (const char *)NULL);
        dw_out_end(o);
    }
    return rc < 0 ? rc : dw_reply_close(req);
}
