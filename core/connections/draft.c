#include "connections/draft.h"

#include <stdlib.h>

#include "client/url.h"
#include "config/nearest.h"
#include "config/pattern.h"
#include "connections/pem.h"
#include "connections/said.h"
#include "connections/seal.h"
#include "connections/settings.h"
#include "events/step.h"
#include "plugin/connectors.h"

enum { FAULTS_MAX = 100 };

/* ---- what is wrong ---- */

/* Texts are copied. A permission that is missing says so only where nothing else is wrong. */
static void add_fault(struct connection_draft *d, int code, const char *place, const char *name,
                      const char *text)
{
    const char *pointer = arena_format(&d->arena, "#%s%s", place, name);
    const char *detail = arena_copy(&d->arena, str_from(text));

    if (!d->faults)
        d->faults = arena_calloc(&d->arena, FAULTS_MAX * sizeof(*d->faults));
    if (!d->faults || !pointer || !detail) {
        d->out_of_memory = true;
        return;
    }
    if (d->faults_n == 0 || code == DW_EINVALID)
        d->fault_code = code;
    if (d->faults_n < FAULTS_MAX)
        d->faults[d->faults_n++] = (struct problem_error){ str_from(pointer), str_from(detail) };
}

/* One of the server's own sentences. */
static void add(struct connection_draft *d, const char *place, const char *name, const char *sentence)
{
    add_fault(d, DW_EINVALID, place, name, http_say(d->language, sentence));
}

static bool has_fault(const struct connection_draft *d, const char *place, const char *name)
{
    for (size_t i = 0; i < d->faults_n; i++) {
        struct str at = d->faults[i].pointer;
        size_t n = strlen(place);
        if (at.n == 1 + n + strlen(name) && memcmp(at.p + 1, place, n) == 0 &&
            memcmp(at.p + 1 + n, name, strlen(name)) == 0)
            return true;
    }
    return false;
}

static const char in_settings[] = "/settings/";

/* ---- the settings: what was given over what is kept ---- */

static void add_unknown(struct connection_draft *d, const char *name)
{
    struct nearest nearest = nearest_init(str_from(name));
    char text[300];

    for (const struct config_item *it = d->kind->table->items; it->name; it++)
        nearest_offer(&nearest, it->name);
    if (nearest.name)
        snprintf(text, sizeof(text), http_say(d->language, "is no setting of this kind; did you mean %s?"),
                 nearest.name);
    else
        snprintf(text, sizeof(text), "%s", http_say(d->language, "is no setting of this kind"));
    add_fault(d, DW_EINVALID, in_settings, name, text);
}

static bool is_absent(const struct config_item *item, const json_t *value)
{
    /* An empty secret is none. */
    return json_is_null(value) ||
           (config_item_is_secret(item) && json_is_string(value) && !*json_string_value(value));
}

/* What goes away is not read any more: by nobody who finds its memory either. */
static void wipe_before(const struct connection_draft *d, const json_t *object, const char *name)
{
    if (object == d->is->secrets)
        secret_wipe(json_string_value(json_object_get(object, name)));
}

static void lay_over(struct connection_draft *d, const json_t *given)
{
    const char *name;
    json_t *value, *all = (json_t *)(uintptr_t)given; /* jansson's loop wants it so; nothing is changed */

    json_object_foreach(all, name, value)
    {
        const struct config_item *item = connection_settings_item(d->kind->table, str_from(name));
        if (!item) {
            add_unknown(d, name);
            continue;
        }
        json_t *into = config_item_is_secret(item) ? d->is->secrets : d->is->settings;
        wipe_before(d, into, name);
        if (is_absent(item, value))
            json_object_del(into, name);
        else if (json_object_set_new(into, name, json_deep_copy(value)) != 0)
            d->out_of_memory = true;
    }
}

/* What is kept and is no item any more goes with the next change. */
static void drop_unknown(struct connection_draft *d, json_t *object)
{
    const char *name;
    json_t *value;
    void *next;

    json_object_foreach_safe(object, next, name, value)
    {
        if (!connection_settings_item(d->kind->table, str_from(name))) {
            wipe_before(d, object, name);
            json_object_del(object, name);
        }
    }
}

static void add_problems(struct connection_draft *d, const struct config_problems *problems)
{
    for (const struct config_problem *p = problems->first; p; p = p->next) {
        const char *name = p->item ? p->item : "";
        struct buf text = BUF_INIT;
        connection_say_problem(&text, d->language, connection_settings_item(d->kind->table, str_from(name)),
                               p);
        add_fault(d, DW_EINVALID, in_settings, name, buf_text(&text));
        buf_finish(&text);
    }
}

static void read_settings(struct connection_draft *d)
{
    struct config_problems problems;

    config_problems_init(&problems);
    d->settings =
        connection_settings_read(d->kind->table, d->is->settings, d->is->secrets, &d->arena, &problems);
    add_problems(d, &problems);
    d->out_of_memory |= problems.out_of_memory || !d->settings;
    config_problems_finish(&problems);
}

/* ---- the rest of what was given ---- */

static void take(struct connection_draft *d, const char **to, const char *given)
{
    const char *copy = given ? arena_copy(&d->is->arena, str_from(given)) : *to;

    if (copy)
        *to = copy;
    else
        d->out_of_memory = true;
}

static void check_name(struct connection_draft *d)
{
    struct str name = str_from(d->is->name);

    if (name.n == 0 || str_trim(name).n != name.n)
        add(d, "/name", "", "must be given, and neither begin nor end with a blank");
    else if (name.n > CONNECTION_NAME_MAX || !str_is_utf8(name))
        add(d, "/name", "", "is longer than 200 bytes, or not UTF-8");
    for (size_t i = 0; i < name.n; i++) {
        if ((unsigned char)name.p[i] < ' ' || name.p[i] == 0x7f) {
            add(d, "/name", "", "has a control character");
            return;
        }
    }
}

static void check_proxy(struct connection_draft *d)
{
    const char *proxy = d->is->proxy, *wrong;

    if (!*proxy || strcmp(proxy, "none") == 0)
        return;
    wrong = strlen(proxy) > CONNECTION_PROXY_MAX ? "is longer than 500 characters"
                                                 : pattern_refuses("proxy", str_from(proxy));
    if (wrong)
        add(d, "/proxy", "", wrong);
    else if (strchr(proxy, '@'))
        add(d, "/proxy", "", "has a user or password in it, which would not be kept as a secret");
}

static void check_pem(struct connection_draft *d, const char *name, const char *text,
                      const char *(*find_wrong)(const char *text))
{
    const char *wrong = NULL;

    if (*text)
        wrong = strlen(text) > CONNECTION_PEM_MAX ? "is longer than 256 KiB" : find_wrong(text);
    if (wrong)
        add(d, "/", name, wrong);
}

static void check_certificates(struct connection_draft *d)
{
    const struct connection *is = d->is;
    size_t before = d->faults_n;

    check_pem(d, "ca", is->ca, pem_certificates_wrong);
    check_pem(d, "client_cert", is->client_cert, pem_certificates_wrong);
    check_pem(d, "client_key", is->client_key, pem_key_wrong);
    if (d->faults_n != before)
        return;
    if (*is->client_cert && !*is->client_key)
        add(d, "/client_key", "", "must be given with client_cert");
    else if (!*is->client_cert && *is->client_key)
        add(d, "/client_cert", "", "must be given with client_key");
    else if (*is->client_cert) {
        const char *wrong = pem_pair_wrong(is->client_cert, is->client_key);
        if (wrong)
            add(d, "/client_key", "", wrong);
    }
}

static void take_options(struct connection_draft *d, const struct connection_given *g)
{
    struct connection *is = d->is;

    take(d, &is->name, g->name);
    take(d, &is->ca, g->ca);
    take(d, &is->client_cert, g->client_cert);
    take(d, &is->client_key, g->client_key);
    take(d, &is->proxy, g->proxy);
    if (g->allow_private >= 0)
        is->allow_private = g->allow_private > 0;
    if (g->enabled >= 0)
        is->enabled = g->enabled > 0;
    if (g->parallel >= 0)
        is->parallel = g->parallel;
    if (is->parallel < 1 || is->parallel > CONNECTION_PARALLEL_MAX)
        add(d, "/parallel", "", "must be between 1 and 64");
    check_name(d);
    check_proxy(d);
    check_certificates(d);
}

/* ---- where it goes, and what may go there ---- */

static bool same_origin(const char *a, const char *b)
{
    struct url x = { 0 }, y = { 0 };
    const char *why;
    bool same =
        url_parse(&x, a, NULL, &why) == 0 && url_parse(&y, b, NULL, &why) == 0 && url_same_origin(&x, &y);

    url_finish(&x);
    url_finish(&y);
    return same;
}

/* As it is kept, also where the fallback says it; NULL: it speaks to nobody. */
static const char *address_of(const struct connection_draft *d, const json_t *settings)
{
    const struct config_item *item = d->kind->address;
    const char *text = item ? json_string_value(json_object_get(settings, item->name)) : NULL;

    return text || !item ? text : item->fallback;
}

/* Nobody knows what else listens where a proxy says that it leads. */
static bool is_elsewhere(const struct connection_draft *d, const struct connection *was)
{
    const char *before = address_of(d, was->settings), *after = address_of(d, d->is->settings);

    if (strcmp(was->proxy, d->is->proxy) != 0)
        return true;
    if (!before || !after)
        return before != after;
    return strcmp(before, after) != 0 && !same_origin(before, after);
}

/* What is asked is added behind it, and would become a part of the query. */
static void check_address(struct connection_draft *d)
{
    const struct config_item *item = d->kind->address;
    const char *address = address_of(d, d->is->settings);

    if (address && strchr(address, '?') && !has_fault(d, in_settings, item->name))
        add(d, in_settings, item->name, "has a query (?), behind which no path can stand; leave it away");
}

static bool was_given(const struct connection_given *g, const char *name)
{
    return json_object_get(g->settings, name) != NULL;
}

static void want_secrets_anew(struct connection_draft *d, const struct connection *was,
                              const struct connection_given *g, const char *why)
{
    struct str names = str_from(was->secret_names), name;

    while (str_split(&names, ' ', &name)) {
        const struct config_item *item = connection_settings_item(d->kind->table, name);
        if (item && !was_given(g, item->name) && !has_fault(d, in_settings, item->name))
            add(d, in_settings, item->name, why);
    }
    if (was->has_client_key && !g->client_key && !has_fault(d, "/client_key", ""))
        add(d, "/client_key", "", why);
}

static void check_secrets(struct connection_draft *d, const struct connection *was,
                          const struct connection_given *g)
{
    if (was->unreadable)
        want_secrets_anew(d, was, g,
                          "must be given anew: it was sealed with a key that this server does not have");
    else if (is_elsewhere(d, was))
        want_secrets_anew(d, was, g,
                          "must be given anew, because the address or the proxy changes: what is kept is not "
                          "sent elsewhere");
}

/* Whoever may not open the inner network may not point elsewhere what somebody opened it for. */
static void check_private(struct connection_draft *d, const struct connection *was,
                          const struct connection_given *g)
{
    static const char text[] = "needs the permission connections.allow_private";

    if (g->may_allow_private || !d->is->allow_private)
        return;
    if (!was || !was->allow_private)
        add_fault(d, DW_EDENIED, "/allow_private", "", http_say(d->language, text));
    else if (is_elsewhere(d, was))
        add_fault(d, DW_EDENIED, in_settings, d->kind->address ? d->kind->address->name : "",
                  http_say(d->language,
                           "may be changed only with the permission connections.allow_private, because inner "
                           "addresses are allowed"));
}

/* ---- making it ---- */

static int find_kind(struct connection_draft *d, const struct connectors *kinds, const char *name,
                     struct buf *why)
{
    d->kind = connectors_find(kinds, name);
    if (!d->kind && d->is_new) {
        add(d, "/kind", "", "is no kind that this server has: is its plugin enabled?");
        return 0;
    }
    if (d->kind && !atomic_load(&d->kind->by->missing))
        return 0;
    buf_add_format(
        why, http_say(d->language, "the connection is of the kind %s, whose plugin is not running"), name);
    return DW_EUNAVAILABLE;
}

static int load_two(struct connection_draft *d, struct connection **was, struct db_session *s,
                    const struct keyring *keyring, const struct connection_given *g)
{
    DW_TRY(connection_load(was, s, keyring, g->tenant, g->id));
    DW_TRY(connection_load(&d->is, s, keyring, g->tenant, g->id));
    if ((*was)->version != d->is->version || (g->version && g->version != d->is->version))
        return DW_EPRECONDITION;
    d->was_version = d->is->version;
    return 0;
}

static int make_new(struct connection_draft *d, const struct connection_given *g)
{
    d->is = connection_create();
    if (!d->is)
        return DW_ENOMEM;
    d->is->settings = json_object();
    d->is->secrets = json_object();
    d->is->kind = arena_copy(&d->is->arena, str_from(g->kind ? g->kind : ""));
    return d->is->settings && d->is->secrets && d->is->kind ? 0 : DW_ENOMEM;
}

static bool changes_access(const struct connection_draft *d, const struct connection *was)
{
    const struct connection *is = d->is;

    return !was || !json_equal(was->settings, is->settings) || !json_equal(was->secrets, is->secrets) ||
           strcmp(was->proxy, is->proxy) != 0 || strcmp(was->ca, is->ca) != 0 ||
           strcmp(was->client_cert, is->client_cert) != 0 || strcmp(was->client_key, is->client_key) != 0 ||
           was->allow_private != is->allow_private;
}

static void check_size(struct connection_draft *d)
{
    if (json_dumpb(d->is->settings, NULL, 0, JSON_COMPACT) +
            json_dumpb(d->is->secrets, NULL, 0, JSON_COMPACT) >
        CONNECTION_SETTINGS_MAX)
        add(d, "/settings", "", "are longer than 64 KiB");
}

static void check_all(struct connection_draft *d, const struct connection *was,
                      const struct connection_given *g)
{
    if (!d->kind) {
        take_options(d, g);
        return;
    }
    drop_unknown(d, d->is->settings);
    drop_unknown(d, d->is->secrets);
    lay_over(d, g->settings);
    read_settings(d);
    check_size(d);
    take_options(d, g);
    check_address(d);
    if (was)
        check_secrets(d, was, g);
    check_private(d, was, g);
    d->changes_access = changes_access(d, was);
}

static int make(struct connection_draft *d, struct db_session *s, const struct keyring *keyring,
                const struct connectors *kinds, const struct connection_given *g, struct buf *why)
{
    struct connection *was = NULL;
    int rc = d->is_new ? make_new(d, g) : load_two(d, &was, s, keyring, g);

    if (rc == 0)
        rc = find_kind(d, kinds, d->is->kind, why);
    if (rc == 0)
        check_all(d, was, g);
    if (rc == 0 && d->out_of_memory)
        rc = DW_ENOMEM;
    connection_destroy(was);
    return rc;
}

int connection_draft_create(struct connection_draft **out, struct db_session *s,
                            const struct keyring *keyring, const struct connectors *kinds,
                            const struct connection_given *given, struct buf *why)
{
    struct connection_draft *d = calloc(1, sizeof(*d));
    int rc;

    *out = NULL;
    if (!d)
        return DW_ENOMEM;
    arena_init(&d->arena, NULL, 0, 0);
    d->is_new = !given->id;
    d->language = given->language;
    d->tenant = arena_copy(&d->arena, str_from(given->tenant));
    rc = d->tenant ? make(d, s, keyring, kinds, given, why) : DW_ENOMEM;
    if (rc == 0)
        *out = d;
    else
        connection_draft_destroy(d);
    return rc;
}

void connection_draft_destroy(struct connection_draft *d)
{
    if (!d)
        return;
    connection_destroy(d->is);
    arena_finish(&d->arena);
    free(d);
}

/* ---- saving ---- */

/* What is written, as the columns want it. */
struct written {
    char *settings; /* of json_dumps */
    struct buf secrets, sealed;
};

static int write(struct written *w, const struct connection *is, const struct keyring *keyring)
{
    const char *name;
    json_t *value;

    json_object_foreach(is->secrets, name, value)
    {
        buf_add_format(&w->secrets, "%s%s", w->secrets.n > 0 ? " " : "", name);
    }
    w->settings = json_dumps(is->settings, JSON_COMPACT | JSON_SORT_KEYS);
    if (!w->settings || buf_failed(&w->secrets))
        return DW_ENOMEM;
    return connection_seal(is, keyring, &w->sealed);
}

static int64_t insert(const struct connection_draft *d, struct db_session *s, struct written *w,
                      const char *id, int64_t now_us)
{
    const struct connection *is = d->is;
    bool has_key = *is->client_key;

    return db_exec(
        s, DB_BY_CORE,
        DW_LIST(
            "INSERT INTO dowel_connections (id, tenant_id, kind, name, settings, secrets, has_client_key,"
            " sealed, allow_private, ca, client_cert, proxy, parallel, enabled, health, version,"
            " created_at, changed_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'untested', 1, $15, $15)",
            id, d->tenant, is->kind, is->name, w->settings, buf_text(&w->secrets), has_key,
            buf_text(&w->sealed), is->allow_private, is->ca, is->client_cert, is->proxy, is->parallel,
            is->enabled, ((dw_time){ now_us })));
}

/* Of a health that was about something else nothing stays. */
static int64_t update(const struct connection_draft *d, struct db_session *s, struct written *w,
                      int64_t now_us)
{
    const struct connection *is = d->is;
    bool has_key = *is->client_key;

    return db_exec(
        s, DB_BY_CORE,
        DW_LIST("UPDATE dowel_connections SET name = $4, settings = $5, secrets = $6, has_client_key = $7,"
                " sealed = $8, allow_private = $9, ca = $10, client_cert = $11, proxy = $12, parallel = $13,"
                " enabled = $14, changed_at = $15, version = version + 1,"
                " health = CASE WHEN $16 THEN 'untested' ELSE health END,"
                " health_since = CASE WHEN $16 THEN NULL ELSE health_since END,"
                " health_error = CASE WHEN $16 THEN NULL ELSE health_error END,"
                " checked_at = CASE WHEN $16 THEN NULL ELSE checked_at END"
                " WHERE tenant_id = $1 AND id = $2 AND version = $3",
                d->tenant, is->id, d->was_version, is->name, w->settings, buf_text(&w->secrets), has_key,
                buf_text(&w->sealed), is->allow_private, is->ca, is->client_cert, is->proxy, is->parallel,
                is->enabled, ((dw_time){ now_us }), d->changes_access));
}

/* The key that is taken is the name: an id is never made twice. */
static int explain(struct connection_draft *d, int64_t n, struct buf *why)
{
    if (n == DW_ECONFLICT)
        buf_add_text(why, http_say(d->language, "there is another connection with this name"));
    if (n != 0)
        return n < 0 ? (int)n : 0;
    buf_add_text(why, http_say(d->language, "somebody changed the connection meanwhile; look at it again"));
    return DW_ECONFLICT;
}

static int save(struct connection_draft *d, struct db_session *s, struct written *w, int64_t now_us,
                struct buf *why)
{
    char id[UUID_TEXT_SIZE];
    struct uuid made;
    int rc;

    if (!d->is_new) {
        rc = explain(d, update(d, s, w, now_us), why);
        if (rc == 0)
            d->is->version = ++d->was_version;
        return rc;
    }
    if (uuid_make(&made) != 0)
        return DW_EINTERNAL;
    uuid_format(&made, id);
    rc = explain(d, insert(d, s, w, id, now_us), why);
    if (rc != 0)
        return rc;
    memcpy(d->is->id, id, sizeof(id));
    d->is->version = d->was_version = 1;
    d->is_new = false;
    return 0;
}

static int save_in_step(struct connection_draft *d, struct db_session *s, struct written *w, int64_t now_us,
                        struct buf *why)
{
    struct step step;
    int rc = step_begin(&step, s);

    return rc < 0 ? rc : step_end(&step, save(d, s, w, now_us, why));
}

int connection_draft_save(struct connection_draft *d, struct db_session *s, const struct keyring *keyring,
                          int64_t now_us, struct buf *why)
{
    struct written w = { .secrets = BUF_INIT, .sealed = BUF_INIT };
    int rc = d->faults_n > 0 ? DW_EINVALID : write(&w, d->is, keyring);

    if (rc == 0)
        rc = save_in_step(d, s, &w, now_us, why);
    free(w.settings);
    buf_finish(&w.secrets);
    buf_finish(&w.sealed);
    return rc;
}
