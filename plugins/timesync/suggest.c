#include "suggest.h"

#include <string.h>

enum { SHOWN_MAX = 500, KEY_BYTES = 120 };

/* ---- what the target has ---- */

/* JSON, as what a visit makes in the call's memory ends with it. */
struct candidates {
    json_t
        *of; /* by their folded names: [id, name]; null where two look alike, for then a person has to look */
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

static int take(dw_call *c, const dw_thing *thing, void *ud)
{
    const struct candidates *all = ud;
    char key[KEY_BYTES];
    json_t *one;

    fold(all->by_email ? thing->email : thing->name, key);
    if (!*key)
        return 0;
    one = json_object_get(all->of, key) ? json_null() : json_pack("[ss]", thing->id, thing->name);
    return json_object_set_new_nocheck(all->of, key, one) == 0 ? 0 : dw_fail(c, DW_ENOMEM, "out of memory");
}

/* NULL; or its id, and its name. */
static const char *match(const struct candidates *all, const char *text, const char **name)
{
    char key[KEY_BYTES];
    const json_t *found;

    fold(text, key);
    found = json_object_get(all->of, key);
    *name = json_string_value(json_array_get(found, 1));
    return json_string_value(json_array_get(found, 0));
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

static const struct kind {
    const char *name, *unmapped;
} kinds[] = {
    { "activity",
      UNMAPPED("activity", "e.activity_name", "e.activity_name", "activity", "UNMAPPED_ACTIVITY") },
    { "user", UNMAPPED("agent", "e.agent_name", "e.agent_email", "user", "UNMAPPED_USER") },
    { "customer",
      UNMAPPED("customer", "e.customer_name", "e.customer_name", "customer", "PROJECT_OR_CUSTOMER_MISSING") },
    { "project",
      UNMAPPED("ticket", "e.ticket_number", "e.ticket_title", "project", "PROJECT_OR_CUSTOMER_MISSING") },
};

/* api.yaml knows the same ones. */
static const char *unmapped_of(const char *kind)
{
    size_t i = 0;

    while (i + 1 < sizeof(kinds) / sizeof(*kinds) && strcmp(kinds[i].name, kind) != 0)
        i++;
    return kinds[i].unmapped;
}

int suggest_reply(dw_call *c, dw_request *req, const struct sync *s, const char *kind)
{
    struct candidates all = { .of = dw_json_own(c, json_object()), .by_email = strcmp(kind, "user") == 0 };
    const char *id, *name, *compared, *target_name;
    dw_connection *target;
    dw_rows *rows;
    int64_t cases;
    int rc;

    DW_TRY(dw_connection_open(c, s->target, &target));
    DW_TRY(dw_things_each(c, target, kind, NULL, take, &all));
    DW_TRY(dw_db_query(c, &rows, unmapped_of(kind), s->id, (int)SHOWN_MAX));
    dw_out *o = dw_reply_open(req, 200);
    dw_out_array(o, "items");
    while ((rc = dw_rows_next(rows, &id, &name, &compared, &cases)) > 0) {
        const char *like = match(&all, compared, &target_name);
        dw_out_object(o, NULL);
        dw_out_set(o, "source", id);
        dw_out_set(o, "source_name", name);
        dw_out_set(o, "cases", cases);
        dw_out_set(o, "target", like);
        dw_out_set(o, "target_name", target_name);
        dw_out_end(o);
    }
    return rc < 0 ? rc : dw_reply_close(req);
}
