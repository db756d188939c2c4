#include "suggest.h"

#include <string.h>

enum { SHOWN_MAX = 500, KEY_BYTES = 120 };

/* ---- what the target has ---- */

/* JSON, as what a visit makes in the call's memory ends with it. */
struct candidates {
    json_t *by_name;  /* folded: [id, name]; null where two look alike, for then a person has to look */
    json_t *by_email; /* the same */
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

static int note(dw_call *c, json_t *all, const char *text, const dw_thing *thing)
{
    char key[KEY_BYTES];
    json_t *one;

    fold(text, key);
    if (!*key)
        return 0;
    one = json_object_get(all, key) ? json_null() : json_pack("[ss]", thing->id, thing->name);
    return json_object_set_new_nocheck(all, key, one) == 0 ? 0 : dw_fail(c, DW_ENOMEM, "out of memory");
}

static int take(dw_call *c, const dw_thing *thing, void *ud)
{
    const struct candidates *all = ud;

    DW_TRY(note(c, all->by_email, thing->email, thing));
    return note(c, all->by_name, thing->name, thing);
}

static bool match(const json_t *all, const char *text, struct suggestion *out)
{
    char key[KEY_BYTES];
    const json_t *found;

    fold(text, key);
    found = *key ? json_object_get(all, key) : NULL;
    out->target = json_string_value(json_array_get(found, 0));
    out->target_name = json_string_value(json_array_get(found, 1));
    return out->target != NULL;
}

/* ---- what entries have ---- */

/* id, its name, the name and the address that are compared, open cases. */
#define UNMAPPED(column, name, compared, email, kind, reason)                                    \
    "SELECT e." column ", max(" name "), max(" compared "), max(" email "),"                     \
    " sum(CASE WHEN k.id IS NULL THEN 0 ELSE 1 END) AS cases"                                    \
    " FROM timesync_entries e LEFT JOIN timesync_cases k ON k.entry = e.id AND k.state = 'open'" \
    " AND k.reason = '" reason "'"                                                               \
    " WHERE e.sync = $1 AND NOT EXISTS (SELECT 1 FROM timesync_mappings m WHERE m.sync = e.sync" \
    " AND m.kind = '" kind "' AND m.source = e." column ") GROUP BY e." column                   \
    " ORDER BY 5 DESC, 2, 1 LIMIT $2"

#define NO_ADDRESS "CAST('' AS TEXT)"

static const struct kind {
    const char *name, *unmapped;
} kinds[] = {
    { "activity", UNMAPPED("activity", "e.activity_name", "e.activity_name", NO_ADDRESS, "activity",
                           "UNMAPPED_ACTIVITY") },
    { "user", UNMAPPED("agent", "e.agent_name", "e.agent_name", "e.agent_email", "user", "UNMAPPED_USER") },
    { "customer", UNMAPPED("customer", "e.customer_name", "e.customer_name", NO_ADDRESS, "customer",
                           "PROJECT_OR_CUSTOMER_MISSING") },
    { "project", UNMAPPED("ticket", "e.ticket_number", "e.ticket_title", NO_ADDRESS, "project",
                          "PROJECT_OR_CUSTOMER_MISSING") },
};

/* api.yaml knows the same ones. */
static const char *unmapped_of(const char *kind)
{
    size_t i = 0;

    while (i + 1 < sizeof(kinds) / sizeof(*kinds) && strcmp(kinds[i].name, kind) != 0)
        i++;
    return kinds[i].unmapped;
}

int suggest_each(dw_call *c, const struct sync *s, const char *kind,
                 int (*visit)(dw_call *c, const struct suggestion *one, void *ud), void *ud)
{
    struct candidates all = { dw_json_own(c, json_object()), dw_json_own(c, json_object()) };
    struct suggestion one = { .kind = kind };
    const char *name, *email;
    dw_connection *target;
    dw_rows *rows;
    int rc;

    DW_TRY(dw_connection_open(c, s->target, &target));
    DW_TRY(dw_things_each(c, target, kind, NULL, take, &all));
    DW_TRY(dw_db_query(c, &rows, unmapped_of(kind), s->id, (int)SHOWN_MAX));
    while ((rc = dw_rows_next(rows, &one.source, &one.source_name, &name, &email, &one.cases)) > 0) {
        one.by_address = match(all.by_email, email, &one);
        if (!one.by_address)
            match(all.by_name, name, &one);
        DW_TRY(visit(c, &one, ud));
    }
    return rc;
}
