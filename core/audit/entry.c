#include "audit/entry.h"

#include <inttypes.h>
#include <stdio.h>

#include "audit/people.h"
#include "util/clock.h"
#include "util/compiler.h"
#include "util/json.h"

/* ---- opening ---- */

static int open_one(struct buf *out, struct audit_entry *e, struct audit *a, struct db_session *s,
                    const char *person, const char *token)
{
    out->n = 0;
    if (!*token)
        return 0;
    int rc = people_unseal(audit_people(a), s, person, str_from(token), out);
    e->is_erased = e->is_erased || (rc >= 0 && rc != PEOPLE_OPENED);
    return rc < 0 ? rc : 0;
}

int audit_entry_open(struct audit_entry *e, struct audit *a, struct db_session *s,
                     const struct audit_row *row)
{
    char whose[AUDIT_WHO_SIZE];

    e->is_erased = false;
    audit_row_who(row->actor_kind, row->actor, row->at_us, whose);
    DW_TRY(open_one(&e->who, e, a, s, whose, row->who));
    return open_one(&e->personal, e, a, s, row->person, row->personal);
}

void audit_entry_finish(struct audit_entry *e)
{
    buf_finish(&e->who);
    buf_finish(&e->personal);
}

/* ---- JSON ---- */

static void add_text(struct buf *out, const char *name, const char *text)
{
    buf_add_format(out, ",\"%s\":", name);
    if (text && *text)
        buf_add_json(out, str_from(text));
    else
        buf_add_text(out, "null");
}

/* {"kind":"user","id":"...","name":"..."}: what was sealed is an object of its own, whose members follow. */
static void add_actor(struct buf *out, const struct audit_entry *e, const struct audit_row *row)
{
    buf_add_format(out, ",\"actor\":{\"kind\":\"%s\"", row->actor_kind);
    add_text(out, "id", row->actor);
    if (e->who.n > 2) {
        buf_add_char(out, ',');
        buf_add(out, e->who.p + 1, e->who.n - 2);
    }
    buf_add_char(out, '}');
}

void audit_entry_write_json(struct buf *out, const struct audit_entry *e, const struct audit_row *row)
{
    char at[CLOCK_RFC3339_SIZE];

    clock_format_rfc3339(row->at_us, at);
    buf_add_format(out, "{\"id\":\"%s\",\"at\":\"%s\"", row->id, at);
    add_text(out, "tenant", row->tenant);
    add_actor(out, e, row);
    add_text(out, "plugin", row->plugin);
    add_text(out, "action", row->action);
    add_text(out, "target", row->target);
    add_text(out, "request", row->request);
    buf_add_format(out, ",\"values\":%s", row->details);
    add_text(out, "person", row->person);
    buf_add_text(out, ",\"personal\":");
    buf_add_str(out, e->personal.n > 0 ? buf_str(&e->personal) : STR_OF("null"));
    buf_add_format(out, ",\"erased\":%s,\"seq\":", e->is_erased ? "true" : "false");
    if (row->seq > 0)
        buf_add_int(out, row->seq);
    else
        buf_add_text(out, "null");
    add_text(out, "hash", row->hash);
    buf_add_char(out, '}');
}

/* ---- CSV (RFC 4180) ---- */

static const char *const columns[] = { "id",      "at",     "seq",     "tenant",   "actor_kind", "actor",
                                       "name",    "email",  "address", "plugin",   "action",     "target",
                                       "request", "values", "person",  "personal", "erased",     "hash" };

/* What begins so is a formula for a spreadsheet, which may fetch and run things. */
static bool is_formula(struct str text)
{
    return text.n > 0 && memchr("=+-@\t\r\n", text.p[0], 7) != NULL;
}

static void add_cell(struct buf *out, struct str text)
{
    buf_add_char(out, '"');
    if (is_formula(text))
        buf_add_char(out, '\'');
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"')
            buf_add_char(out, '"');
        buf_add_char(out, text.p[i]);
    }
    buf_add_text(out, "\",");
}

static void end_line(struct buf *out)
{
    if (out->n > 0)
        out->n--; /* the last comma */
    buf_add_text(out, "\r\n");
}

void audit_entry_write_csv_head(struct buf *out)
{
    for (size_t i = 0; i < DW_COUNT_OF(columns); i++)
        add_cell(out, str_from(columns[i]));
    end_line(out);
}

void audit_entry_write_csv(struct buf *out, const struct audit_entry *e, const struct audit_row *row)
{
    struct json_fault fault;
    json_t *who = NULL;
    char at[CLOCK_RFC3339_SIZE], seq[24] = "";

    if (e->who.n > 0 && json_strict_parse(buf_str(&e->who), 0, &who, &fault) != 0)
        who = NULL;
    clock_format_rfc3339(row->at_us, at);
    if (row->seq > 0)
        snprintf(seq, sizeof(seq), "%" PRId64, row->seq);
    const struct str cells[] = {
        str_from(row->id),
        str_from(at),
        str_from(seq),
        str_from(row->tenant),
        str_from(row->actor_kind),
        str_from(row->actor),
        str_from(json_string_value(json_object_get(who, "name"))),
        str_from(json_string_value(json_object_get(who, "email"))),
        str_from(json_string_value(json_object_get(who, "address"))),
        str_from(row->plugin),
        str_from(row->action),
        str_from(row->target),
        str_from(row->request),
        str_from(row->details),
        str_from(row->person),
        buf_str(&e->personal),
        str_from(e->is_erased ? "true" : "false"),
        str_from(row->hash),
    };
    for (size_t i = 0; i < DW_COUNT_OF(cells); i++)
        add_cell(out, cells[i]);
    end_line(out);
    json_decref(who);
}
