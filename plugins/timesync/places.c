/* places.c - a row of timesync_places is the intent of one who makes something; who comes second waits for it. */
#include "places.h"

#include <stdio.h>
#include <strings.h>

#include "common.h"
#include "seen.h"
#include "slots.h"
#include "timesync.h"

struct place {
    const char *kind;   /* "customer", "project": as the listing is called */
    const char *parent; /* a project's customer; "" */
    const struct wanted_place *wanted;
    bool
        is_new; /* none of ours has ever begun to make it, and it is not in a list of its parent's: see resolve() */
    const char *claim;     /* the row that says that we make it, */
    int64_t claim_version; /* as we wrote it: with another version it is another one's */
};

struct row {
    const char *id, *target_id, *parent;
    dw_time intent_at;
    int64_t version;
};

static int find_row(dw_call *c, const struct work *w, const struct place *p, struct row *out)
{
    *out = (struct row){ 0 };
    return dw_db_find(c, DW_TO(&out->id, &out->target_id, &out->parent, &out->intent_at, &out->version),
                      "SELECT id, target_id, parent, intent_at, version FROM timesync_places"
                      " WHERE target = $1 AND mark = $2 AND kind = $3 AND source = $4",
                      w->sync.target, w->sync.mark, p->kind, p->wanted->key);
}

/* ---- looking at the target ---- */

struct look {
    const char *number, *name;
    bool
        is_shared; /* several sources write there, whose numbers may be the same by chance: then the name counts as well */
    bool is_inactive_too;
    char id[128], other[160]; /* a name that the number has there */
    unsigned by_number, by_name;
};

static void take(struct look *look, const dw_thing *thing)
{
    const size_t n = strlen(thing->id);

    if (n < sizeof(look->id))
        memcpy(look->id, thing->id, n + 1);
}

static int see_number(dw_call *c, const dw_thing *thing, void *ud)
{
    struct look *look = ud;

    (void)c;
    if (!same(thing->number, look->number))
        return 0;
    if (look->is_shared && !same(thing->name, look->name))
        return snprintf(look->other, sizeof(look->other), "%s", thing->name) < 0 ? DW_EINTERNAL : 0;
    if (look->by_number++ == 0)
        take(look, thing);
    return 0;
}

static int see_name(dw_call *c, const dw_thing *thing, void *ud)
{
    struct look *look = ud;

    (void)c;
    if ((thing->inactive && !look->is_inactive_too) || !same(thing->name, look->name))
        return 0;
    if (look->by_name++ == 0)
        take(look, thing);
    return 0;
}

static int list_failed(dw_call *c, struct work *w, int rc)
{
    const struct failure f = failure_of(c, rc, false);

    return f.kind == FAILURE_REFUSED ? work_stop(c, w, REASON_UNREACHABLE, f.text) : work_failed(c, w, &f);
}

static void missing(struct wanted *wanted, const char *detail)
{
    wanted->reason = REASON_PROJECT_OR_CUSTOMER_MISSING;
    wanted->detail = detail;
}

static int has_several_sources(dw_call *c, const struct work *w, bool *has)
{
    int64_t n = 0;

    DW_TRY(dw_db_get(c, DW_TO(&n), "SELECT count(DISTINCT source) FROM timesync_syncs WHERE target = $1",
                     w->sync.target));
    *has = n > 1;
    return 0;
}

static int list(dw_call *c, struct work *w, const struct place *p, const dw_thing_query *query,
                int (*see)(dw_call *c, const dw_thing *thing, void *ud), struct look *look)
{
    int rc;

    w->requests++;
    rc = dw_things_each(c, w->target, p->kind, query, see, look);
    return rc < 0 ? list_failed(c, w, rc) : 0;
}

static int by_number(dw_call *c, struct work *w, const struct place *p, struct look *look)
{
    const dw_thing_query query = {
        .struct_size = sizeof(query),
        .parent = *p->parent ? p->parent : NULL,
        .number = look->number,
        .inactive = true, /* else one would be made beside it that nobody wants */
    };

    return list(c, w, p, &query, see_number, look);
}

static int by_name(dw_call *c, struct work *w, const struct place *p, struct look *look)
{
    const dw_thing_query query = {
        .struct_size = sizeof(query),
        .parent = *p->parent ? p->parent : NULL,
        .name = look->name,
        .inactive = look->is_inactive_too,
    };

    return list(c, w, p, &query, see_name, look);
}

/* By its number, else by its exact name where only one is called so. 0 and *id, or NULL: there is none; or it is missing, and
 * not to be made. */
static int look_for(dw_call *c, struct work *w, const struct place *p, struct wanted *wanted, const char **id)
{
    struct look look = { .number = p->wanted->number, .name = p->wanted->name };
    int rc;

    *id = NULL;
    DW_TRY(has_several_sources(c, w, &look.is_shared));
    if (*look.number && (rc = by_number(c, w, p, &look)) != 0)
        return rc;
    /* A project's name is the template's, so it says nothing that the number does not; a customer's is what people wrote. */
    if (!look.by_number && (same(p->kind, "customer") || !*look.number) &&
        (rc = by_name(c, w, p, &look)) != 0)
        return rc;
    if (look.by_number || look.by_name == 1)
        *id = own(c, look.id);
    else if (*look.other)
        missing(wanted, sentence(c,
                                 "this number is another one's there, and several sources have such numbers: "
                                 "map it, or put {mark} into the rule",
                                 "number", look.number, "name", (const char *)look.other));
    return 0;
}

/* ---- making ---- */

static int remember(dw_call *c, const struct work *w, const struct place *p, const char *target_id,
                    bool is_made)
{
    return dw_db_exec(
        c,
        "INSERT INTO timesync_places (tenant_id, id, target, mark, kind, source, target_id, target_name,"
        " parent, is_made, version) VALUES (:tenant, $1, $2, $3, $4, $5, $6, $7, $8, $9, 1)"
        " ON CONFLICT (tenant_id, target, mark, kind, source) DO UPDATE SET target_id = excluded.target_id,"
        " target_name = excluded.target_name, parent = excluded.parent, is_made = excluded.is_made,"
        " intent_at = NULL, version = timesync_places.version + 1",
        dw_id(c), w->sync.target, w->sync.mark, p->kind, p->wanted->key, target_id, p->wanted->name,
        p->parent, is_made);
}

/* 1: it is ours to make; 0: another one makes it, or did. */
static int claim(dw_call *c, const struct work *w, struct place *p, const struct row *row)
{
    p->claim = row->id ? row->id : dw_id(c);
    p->claim_version = row->version + 1;
    if (row->id)
        return dw_db_exec(c,
                          "UPDATE timesync_places SET intent_at = $3, parent = $4, target_id = NULL,"
                          " version = version + 1 WHERE id = $1 AND version = $2",
                          row->id, row->version, dw_now(c), p->parent);
    return dw_db_exec(c,
                      "INSERT INTO timesync_places (tenant_id, id, target, mark, kind, source, target_name, "
                      "parent, is_made,"
                      " intent_at, version) VALUES (:tenant, $1, $2, $3, $4, $5, $6, $7, $8, $9, 1)"
                      " ON CONFLICT (tenant_id, target, mark, kind, source) DO NOTHING",
                      p->claim, w->sync.target, w->sync.mark, p->kind, p->wanted->key, p->wanted->name,
                      p->parent, DW_FALSE, dw_now(c));
}

/* Whoever took it over since, as ours had taken too long, has one of its own. */
static int unclaim(dw_call *c, const struct place *p)
{
    return dw_db_exec(c, "DELETE FROM timesync_places WHERE id = $1 AND version = $2 AND target_id IS NULL",
                      p->claim, p->claim_version);
}

/* How long an intent counts of whose request nobody knows whether it has left. */
static int64_t patience(dw_call *c, const struct work *w)
{
    return timesync_settle(c, w->target).us * TIMESYNC_MAY_LEAVE_LATE;
}

/* 1: it is ours still, as if it had been claimed at that instant; 0: somebody else has taken it over. */
static int claim_from(dw_call *c, struct place *p, dw_time at)
{
    const int rc = dw_db_exec(c,
                              "UPDATE timesync_places SET intent_at = $3, version = version + 1 WHERE id = $1"
                              " AND version = $2 AND target_id IS NULL",
                              p->claim, p->claim_version, at);

    p->claim_version += rc > 0;
    return rc;
}

/* It has left, and ended as nobody knows: from now on it has to come within the time that such a one takes. */
static int sent(dw_call *c, const struct work *w, struct place *p)
{
    return claim_from(c, p, (dw_time){ dw_now(c).us + timesync_settle(c, w->target).us - patience(c, w) });
}

/* Its turn, with a slot to be given back: 1. 0: that took so long that somebody else makes it by now, and no slot is held. */
static int take_turn(dw_call *c, const struct work *w, struct place *p)
{
    dw_span waited;
    int rc;

    DW_TRY(slot_take(c, w, &waited));
    if (!timesync_is_late(c, w->target, waited))
        return 1;
    rc = claim_from(c, p, dw_now(c));
    if (rc <= 0)
        slot_give(w);
    return rc;
}

static int make_failed(dw_call *c, struct work *w, struct place *p, struct wanted *wanted, int rc)
{
    const struct failure f = failure_of(c, rc, true);

    if (f.kind == FAILURE_UNKNOWN) { /* the intent stays: looked for again when it must have come */
        rc = sent(c, w, p);
        return rc < 0 ? rc : work_wait(w, timesync_settle(c, w->target));
    }
    if (f.kind == FAILURE_BROKEN)
        return rc;
    DW_TRY(unclaim(c, p));
    if (rc == DW_ECONFLICT) /* somebody was quicker */
        return work_wait(w, DW_SECONDS(1));
    if (f.kind != FAILURE_REFUSED && rc != DW_EDENIED) /* who may not make any may use those that are there */
        return work_failed(c, w, &f);
    missing(wanted, f.text);
    return 0;
}

static int made_as(dw_call *c, struct work *w, struct place *p, struct wanted *wanted, const char *number,
                   const char **id)
{
    const dw_thing thing = {
        .struct_size = sizeof(thing),
        .id = "",
        .name = p->wanted->name,
        .number = number,
        .parent = *p->parent ? p->parent : NULL,
        .looked = p->is_new && number,
    };
    const dw_thing *made;
    int rc;

    rc = take_turn(c, w, p);
    if (rc <= 0)
        return rc < 0 ? rc : work_wait(w, DW_SECONDS(1));
    w->requests++;
    rc = dw_thing_make(c, w->target, p->kind, &thing, &made);
    slot_give(w);
    if (rc == DW_EINVALID && number)
        return DW_EINVALID;
    if (rc < 0)
        return make_failed(c, w, p, wanted, rc);
    *id = own(c, made->id);
    DW_TRY(remember(c, w, p, *id, true));
    dw_info(c, "made at the target", "kind", p->kind, "name", p->wanted->name, "number", or_empty(number),
            "id", *id);
    return 0;
}

/* The target takes no such number: it is too long, say. Then the name tells it. */
static int make_unnumbered(dw_call *c, struct work *w, struct place *p, struct wanted *wanted,
                           const char **id)
{
    struct look look = { .name = p->wanted->name, .is_inactive_too = true };
    const int rc = by_name(c, w, p, &look);

    if (rc != 0)
        return rc;
    if (look.by_name == 0)
        return made_as(c, w, p, wanted, NULL, id);
    if (look.by_name == 1) {
        *id = own(c, look.id);
        return remember(c, w, p, *id, false) < 0 ? DW_EINTERNAL : 0;
    }
    DW_TRY(unclaim(c, p));
    missing(wanted, sentence(c, "several have this name, and none has this number: map it", "name", look.name,
                             "number", p->wanted->number));
    return 0;
}

static int make(dw_call *c, struct work *w, struct place *p, struct wanted *wanted, const char **id)
{
    const int rc = made_as(c, w, p, wanted, *p->wanted->number ? p->wanted->number : NULL, id);

    return rc == DW_EINVALID ? make_unnumbered(c, w, p, wanted, id) : rc;
}

/* ---- one place ---- */

/* Somebody makes it, or died while doing so. */
static int under_way(dw_call *c, struct work *w, const struct row *row)
{
    dw_time over = { row->intent_at.us + patience(c, w) };

    /* Ours was set back since: who makes it has begun at some time before now, and is waited for as long again. */
    if (row->id && row->intent_at.us > later(dw_now(c), TIMESYNC_AHEAD).us) {
        DW_TRY(dw_db_exec(c, "UPDATE timesync_places SET intent_at = $3 WHERE id = $1 AND intent_at = $2",
                          row->id, row->intent_at, dw_now(c)));
        over = later(dw_now(c), (dw_span){ patience(c, w) });
    }
    return row->id && row->intent_at.us && over.us > dw_now(c).us
               ? work_wait(w, over.us - dw_now(c).us > 1000000 ? DW_SECONDS(1)
                                                               : (dw_span){ over.us - dw_now(c).us })
               : 0;
}

/* A project whose number nobody has claimed is in a list that is a little older as well, or nowhere: who makes one of ours
 * claims it first. Customers are found by their names, too, and so are the projects of several sources. */
static int look_quickly(dw_call *c, struct work *w, struct place *p, const struct row *row,
                        struct wanted *wanted, const char **id)
{
    struct seen_look look = { .kind = p->kind, .parent = p->parent, .number = p->wanted->number };
    bool is_shared = true;
    int rc;

    if (w->seen && !row->id && *look.number && *look.parent && same(p->kind, "project"))
        DW_TRY(has_several_sources(c, w, &is_shared));
    if (is_shared)
        return look_for(c, w, p, wanted, id);
    rc = seen_find(c, w, &look);
    if (rc < 0)
        return list_failed(c, w, rc);
    *id = look.id;
    p->is_new = !look.id;
    return 0;
}

static int resolve(dw_call *c, struct work *w, struct place *p, struct wanted *wanted, const char **id)
{
    struct row row;
    int rc;

    *id = NULL;
    DW_TRY(find_row(c, w, p, &row));
    /* A ticket that is another customer's by now has a project there. */
    if (row.target_id && same(row.parent, p->parent)) {
        *id = row.target_id;
        return 0;
    }
    if ((rc = work_target(c, w)) != 0 || (rc = under_way(c, w, &row)) != 0)
        return rc;
    if ((rc = look_quickly(c, w, p, &row, wanted, id)) != 0 || wanted->reason != REASON_NONE)
        return rc;
    if (*id) {
        rc = w->run.is_plan ? 0 : remember(c, w, p, *id, false);
        return rc < 0 ? rc : 0;
    }
    if (!p->wanted->can_make) {
        missing(wanted, dw_format(c, "%s %s", p->wanted->number, p->wanted->name));
        return 0;
    }
    if (w->run.is_plan)
        return 0;
    rc = claim(c, w, p, &row);
    DW_TRY(rc);
    return rc ? make(c, w, p, wanted, id) : work_wait(w, DW_SECONDS(1));
}

/* ---- users: remembered as places are, never made ---- */

struct look_user {
    const char *email;
    char id[128];
};

static int see_user(dw_call *c, const dw_thing *thing, void *ud)
{
    struct look_user *look = ud;
    const size_t n = strlen(thing->id);

    (void)c;
    if (!*look->id && !thing->inactive && thing->email && strcasecmp(thing->email, look->email) == 0 &&
        n < sizeof(look->id))
        memcpy(look->id, thing->id, n + 1);
    return 0;
}

static int look_for_user(dw_call *c, struct work *w, const char *email, const char **id)
{
    struct look_user look = { email, "" };
    const dw_thing_query query = { .struct_size =
                                       sizeof(query) }; /* all: addresses are compared without case */
    int rc = work_target(c, w);

    if (rc != 0)
        return rc;
    w->requests++;
    rc = dw_things_each(c, w->target, "user", &query, see_user, &look);
    /* Who may not see users still may book: then mappings say who is who. */
    if (rc < 0 && rc != DW_ENOTFOUND && rc != DW_EDENIED)
        return list_failed(c, w, rc);
    *id = *look.id ? own(c, look.id) : NULL;
    return 0;
}

static int resolve_user(dw_call *c, struct work *w, struct wanted *wanted)
{
    const struct wanted_place user = { .key = wanted->email, .number = "", .name = wanted->email };
    const struct place p = { .kind = "user", .parent = "", .wanted = &user };
    struct row row;
    int rc;

    if (wanted->user || !*wanted->email)
        return 0;
    DW_TRY(find_row(c, w, &p, &row));
    wanted->user = row.target_id;
    if (!wanted->user && !seen_lacks_user(c, w, wanted->email)) {
        if ((rc = look_for_user(c, w, wanted->email, &wanted->user)) != 0)
            return rc;
        if (!wanted->user)
            seen_no_user(c, w, wanted->email);
    }
    if (wanted->user && !row.target_id && !w->run.is_plan)
        DW_TRY(remember(c, w, &p, wanted->user, false));
    if (wanted->user || w->sync.rules.user == USER_OWNER)
        return 0;
    wanted->reason = REASON_UNMAPPED_USER;
    wanted->detail = wanted->email;
    wanted->is_skipped = w->sync.rules.user == USER_SKIP;
    return 0;
}

/* ---- all of it ---- */

int places_resolve(dw_call *c, struct work *w, struct wanted *wanted)
{
    struct place customer = { .kind = "customer", .parent = "", .wanted = &wanted->customer },
                 project = { .kind = "project", .parent = "", .wanted = &wanted->project };
    const char *id;
    int rc = resolve_user(c, w, wanted);

    if (rc != 0 || wanted->reason != REASON_NONE || wanted->project.id)
        return rc;
    if (!wanted->customer.id) {
        if ((rc = resolve(c, w, &customer, wanted, &id)) != 0)
            return rc;
        wanted->customer.id = id;
    }
    if (wanted->reason != REASON_NONE || !wanted->customer.id)
        return 0;
    project.parent = wanted->customer.id;
    if ((rc = resolve(c, w, &project, wanted, &id)) != 0)
        return rc;
    wanted->project.id = id;
    return 0;
}

int places_forget(dw_call *c, struct work *w, const struct wanted *wanted)
{
    seen_forget(w);
    return dw_db_exec(
        c,
        "DELETE FROM timesync_places WHERE target = $1 AND mark = $2 AND target_id IS NOT NULL AND"
        " ((kind = 'project' AND source = $3) OR (kind = 'customer' AND source = $4) OR"
        " (kind = 'user' AND source = $5))",
        w->sync.target, w->sync.mark, or_empty(wanted->project.key), or_empty(wanted->customer.key),
        wanted->email);
}
