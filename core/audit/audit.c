#include "audit/audit.h"

#include <dowel/auth.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/people.h"
#include "audit/values.h"
#include "events/pattern.h"
#include "util/clock.h"
#include "util/compiler.h"

struct audit {
    const struct keyring *keyring;
    struct people *people;
};

int audit_create(struct audit **out, const struct keyring *keyring, int64_t transaction_us)
{
    struct audit *a = calloc(1, sizeof(*a));

    *out = a;
    if (!a)
        return -1;
    a->keyring = keyring;
    if (people_create(&a->people, keyring, transaction_us ? transaction_us : 10 * CLOCK_SECOND) == 0)
        return 0;
    free(a);
    *out = NULL;
    return -1;
}

void audit_destroy(struct audit *a)
{
    if (!a)
        return;
    people_destroy(a->people);
    free(a);
}

struct people *audit_people(struct audit *a)
{
    return a->people;
}

const struct keyring *audit_keyring(const struct audit *a)
{
    return a->keyring;
}

/* ---- who ---- */

static const char *const kinds[] = {
    [DW_ANONYMOUS] = "anonymous",
    [DW_USER] = "user",
    [DW_KEY] = "key",
    [DW_MACHINE] = "machine",
};

void audit_row_who(const char *actor_kind, const char *actor, int64_t at_us, char out[AUDIT_WHO_SIZE])
{
    char at[CLOCK_RFC3339_SIZE];

    *out = 0;
    if (strcmp(actor_kind, kinds[DW_USER]) == 0 || strcmp(actor_kind, kinds[DW_KEY]) == 0) {
        snprintf(out, AUDIT_WHO_SIZE, "%s", actor);
    } else if (strcmp(actor_kind, kinds[DW_ANONYMOUS]) == 0) {
        clock_format_rfc3339(at_us, at);
        snprintf(out, AUDIT_WHO_SIZE, "anonymous/%.7s", at);
    }
}

static void add_member(struct buf *out, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    buf_add_format(out, "%s\"%s\":", out->n == 0 ? "{" : ",", name);
    buf_add_json(out, str_from(value));
}

/* What is said about the actor, in the open; nothing for a machine. */
static void write_who(struct buf *out, const struct audit_actor *actor)
{
    if (actor->kind == DW_MACHINE)
        return;
    add_member(out, "name", actor->name);
    add_member(out, "email", actor->email);
    add_member(out, "address", actor->address);
    if (out->n > 0)
        buf_add_char(out, '}');
}

struct audit_actor audit_machine(char room[AUDIT_TEXT_MAX + 1])
{
    char names[1024];
    struct passwd entry, *found = NULL;

    if (getpwuid_r(geteuid(), &entry, names, sizeof(names), &found) == 0 && found)
        snprintf(room, AUDIT_TEXT_MAX + 1, "%s", found->pw_name);
    else
        snprintf(room, AUDIT_TEXT_MAX + 1, "uid %ld", (long)geteuid());
    return (struct audit_actor){ .kind = DW_MACHINE, .id = room };
}

/* ---- writing ---- */

static bool text_fits(const char *text)
{
    return !text || (strlen(text) <= AUDIT_TEXT_MAX && str_is_utf8(str_from(text)));
}

static const char *wrong_with(const struct audit_record *r)
{
    struct str action = str_from(r->action);

    if (!event_name_is_valid(action) || !event_name_is_of(action, r->plugin))
        return "an action is words between dots, of which the first is the plugin's name: "
               "\"notes.note.deleted\"";
    if (r->actor.kind >= DW_COUNT_OF(kinds))
        return "such a kind of actor there is not";
    if (!text_fits(r->actor.id) || !text_fits(r->target) || !text_fits(r->request))
        return "a target is an id: at most 200 bytes of UTF-8";
    return r->tenant && uuid_parse(str_from(r->tenant), NULL) != 0 ? "a tenant is a UUID" : NULL;
}

/* Sealed, of a record that is about to be written. */
struct sealed {
    struct audit_values values;
    struct buf who_plain, who, personal;
};

static int seal(struct sealed *out, struct audit *a, struct db_session *s, const struct audit_record *r,
                const char **wrong)
{
    char whose[AUDIT_WHO_SIZE], person[AUDIT_TEXT_MAX + 1];
    int rc = audit_values_write(&out->values, r->values, wrong);

    if (rc < 0)
        return rc;
    if (!a && (r->actor.kind != DW_MACHINE || out->values.personal.n > 0)) {
        *wrong = "it is about a person, and there are no keys of persons here";
        return DW_EMISUSE;
    }
    audit_row_who(kinds[r->actor.kind], r->actor.id ? r->actor.id : "", r->at_us, whose);
    write_who(&out->who_plain, &r->actor);
    if (out->who_plain.n > 0 && *whose)
        rc = people_seal(a->people, s, whose, buf_str(&out->who_plain), &out->who, wrong);
    if (rc == 0 && out->values.personal.n > 0) {
        snprintf(person, sizeof(person), "%.*s", STR_ARG(out->values.person));
        rc = people_seal(a->people, s, person, buf_str(&out->values.personal), &out->personal, wrong);
    }
    if (rc == 0 && (buf_failed(&out->who) || buf_failed(&out->who_plain) || buf_failed(&out->personal))) {
        *wrong = "out of memory";
        rc = DW_ENOMEM;
    }
    return rc;
}

static int insert(struct db_session *s, const struct audit_record *r, struct sealed *sealed)
{
    const dw_str person = { sealed->values.person.p ? sealed->values.person.p : "", sealed->values.person.n };
    char id[UUID_TEXT_SIZE];
    struct uuid made;

    if (uuid_make(&made) != 0)
        return DW_EINTERNAL;
    uuid_format(&made, id);
    return (int)db_exec(s, DB_BY_CORE,
                        DW_LIST("INSERT INTO dowel_audit (id, at, tenant_id, actor_kind, actor, who, plugin,"
                                " action, target, request, details, person, personal)"
                                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
                                (const char *)id, ((dw_time){ r->at_us }), r->tenant, kinds[r->actor.kind],
                                r->actor.id ? r->actor.id : "", buf_text(&sealed->who), r->plugin, r->action,
                                r->target ? r->target : "", r->request ? r->request : "",
                                buf_text(&sealed->values.details), person, buf_text(&sealed->personal)));
}

int audit_record(struct audit *a, struct db_session *s, const struct audit_record *r, const char **wrong)
{
    struct sealed sealed = { .who = BUF_INIT };
    int rc;

    *wrong = NULL;
    if (!db_in_transaction(s)) {
        *wrong = "it is written in the transaction of the change itself, and there is none open";
        return DW_ETX;
    }
    *wrong = wrong_with(r);
    if (*wrong)
        return DW_EMISUSE;
    rc = seal(&sealed, a, s, r, wrong);
    if (rc == 0)
        rc = insert(s, r, &sealed);
    audit_values_finish(&sealed.values);
    buf_finish(&sealed.who_plain);
    buf_finish(&sealed.who);
    buf_finish(&sealed.personal);
    return rc < 0 ? rc : 0;
}

int audit_erase_person(struct audit *a, struct db_session *s, const char *person, int64_t now_us)
{
    return people_erase(a->people, s, person, now_us);
}

/* ---- rows ---- */

int audit_row_read(struct db_rows *rows, struct audit_row *out)
{
    dw_time at = { 0 };

    *out = (struct audit_row){ .id = "" };
    int rc = db_rows_read(rows, DW_TO(&out->id, &at, &out->tenant, &out->actor_kind, &out->actor, &out->who,
                                      &out->plugin, &out->action, &out->target, &out->request, &out->details,
                                      &out->person, &out->personal, &out->seq, &out->hash));
    out->at_us = at.us;
    return rc;
}
