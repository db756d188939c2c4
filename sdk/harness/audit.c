/* audit.c - what a plugin has written into the audit log. */
#include "audit/audit.h"

#include "audit/query.h"
#include "inside.h"
#include "util/json.h"

enum { LOOKED_AT_MAX = 1000 };

int harness_make_audit(dw_harness *h)
{
    if (audit_create(&h->process.audit, h->keyring, 0) == 0)
        return 0;
    buf_add_text(&h->why, "out of memory");
    return -1;
}

static json_t *read(dw_harness *h, struct db_session *s, const char *action)
{
    const struct audit_filter filter = { .action = action };
    const char *wrong = audit_filter_wrong(&filter);
    struct buf text = BUF_INIT;
    struct json_fault fault;
    char next[UUID_TEXT_SIZE];
    json_t *found = NULL;

    if (wrong)
        buf_add_text(&h->why, wrong);
    else if (audit_list(h->process.audit, s, &filter, NULL, LOOKED_AT_MAX, &text, next) < 0)
        buf_add_text(&h->why, db_error_of(s)->text);
    else if (json_strict_parse(buf_str(&text), 0, &found, &fault) != 0)
        buf_add_text(&h->why, fault.text);
    buf_finish(&text);
    return found;
}

const json_t *dw_harness_audit(dw_harness *h, const char *action)
{
    const struct db_who who = { .owner = "core", .now_us = h->process.wall_us(h->process.clock_ud) };
    struct harness_json *kept = arena_calloc(&h->arena, sizeof(*kept));
    struct db_session *s;

    h->why.n = 0;
    if (!kept || !h->process.db || db_session_create(&s, h->process.db, &who) != 0) {
        buf_add_text(&h->why, "there is no database, or no memory");
        return NULL;
    }
    kept->json = read(h, s, action);
    db_session_destroy(s);
    kept->next = h->replies;
    h->replies = kept;
    return kept->json;
}
