/* Connections as they are kept: made, changed, sealed, deleted; and what of a draft is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "connections/draft.h"
#include "jobs_fixture.h"
#include "plugin/connectors.h"
#include "plugin/descriptor.h"
#include "util/json.h"

#define TENANT_A "01890000-0000-7000-8000-00000000000a"
#define TENANT_B "01890000-0000-7000-8000-00000000000b"

/* ---- a kind ---- */

struct desk {
    const char *url;
    dw_secret token, password;
    int64_t pages;
    dw_texts groups;
};

static const dw_item desk_items[] = {
    DW_ITEM(struct desk, url, .pattern = "url", .help = "Where it is"),
    DW_ITEM(struct desk, token, .fallback = "\"\"", .help = "A token"),
    DW_ITEM(struct desk, password, .fallback = "\"\"", .help = "A password"),
    DW_ITEM(struct desk, pages, .fallback = "100", .min = 1, .max = 500, .help = "Entries a page"),
    DW_ITEM(struct desk, groups, .fallback = "[]", .help = "Only these"),
    { 0 },
};

static const dw_listing no_listings[] = { { 0 } };
static const dw_connector desk = { .name = "desk",
                                   .title = "Desk",
                                   .summary = "",
                                   .settings = DW_ITEMS(struct desk, desk_items),
                                   .address = "url",
                                   .listings = no_listings };
static const struct plugin_descriptor descriptor = { .name = "helpdesk",
                                                     .connectors = &desk,
                                                     .connectors_n = 1 };

struct world {
    struct jobs_fixture jobs;
    struct keyring *keyring;
    struct connectors *kinds;
    dw_instance plugin;
    struct db_session *s;
    struct buf why;
};

static struct world world;

static int setup(void **state)
{
    struct world *w = &world;
    static const char key[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    memset(w, 0, sizeof(*w));
    *state = w;
    w->plugin.name = "helpdesk";
    w->plugin.descriptor = &descriptor;
    if (jobs_fixture_open(&w->jobs) != 0 || keyring_parse(&w->keyring, str_from(key), NULL) ||
        connectors_create(&w->kinds) != 0 || connectors_add(w->kinds, &w->plugin, &w->why) != 0)
        return -1;
    const struct db_who who = { .owner = "core", .tenant = TENANT_A, .now_us = w->jobs.now_us };
    return db_session_create(&w->s, w->jobs.db.db, &who);
}

static int teardown(void **state)
{
    struct world *w = *state;

    db_session_destroy(w->s);
    connectors_destroy(w->kinds);
    keyring_destroy(w->keyring);
    jobs_fixture_close(&w->jobs);
    buf_finish(&w->why);
    return 0;
}

/* ---- drafts ---- */

static json_t *json(const char *text)
{
    struct json_fault fault;
    json_t *out;

    if (json_strict_parse(str_from(text), 0, &out, &fault) != 0)
        fail_msg("%s: %s", text, fault.text);
    return out;
}

/* The settings as text; NULL: none are given. */
static int try_draft(struct world *w, struct connection_given g, const char *settings,
                     struct connection_draft **out)
{
    json_t *object = settings ? json(settings) : NULL;

    g.settings = object;
    if (!g.tenant)
        g.tenant = TENANT_A;
    w->why.n = 0;
    int rc = connection_draft_create(out, w->s, w->keyring, w->kinds, &g, &w->why);
    json_decref(object);
    return rc;
}

/* "#/name: ...; #/settings/url: ..." */
static const char *faults_of(struct world *w, struct connection_given g, const char *settings)
{
    static char text[2000];
    struct connection_draft *d;
    size_t n = 0;

    text[0] = 0;
    assert_int_equal(try_draft(w, g, settings, &d), 0);
    for (size_t i = 0; i < d->faults_n; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s: %.*s", i ? "; " : "",
                              STR_ARG(d->faults[i].pointer), STR_ARG(d->faults[i].detail));
    connection_draft_destroy(d);
    return text;
}

static int save(struct world *w, struct connection_given g, const char *settings, char id[UUID_TEXT_SIZE])
{
    struct connection_draft *d;
    int rc = try_draft(w, g, settings, &d);

    if (rc != 0)
        return rc;
    for (size_t i = 0; i < d->faults_n; i++)
        fail_msg("%.*s: %.*s", STR_ARG(d->faults[i].pointer), STR_ARG(d->faults[i].detail));
    rc = connection_draft_save(d, w->s, w->keyring, w->jobs.now_us, &w->why);
    if (rc == 0 && id)
        memcpy(id, d->is->id, UUID_TEXT_SIZE);
    connection_draft_destroy(d);
    return rc;
}

#define GIVEN(...) ((struct connection_given)CONNECTION_GIVEN(__VA_ARGS__))
#define GIVEN_WITH(private, at_a_time, ...) \
    ((struct connection_given){             \
        .enabled = -1, .allow_private = (private), .parallel = (at_a_time), __VA_ARGS__ })

static void make(struct world *w, const char *name, char id[UUID_TEXT_SIZE])
{
    assert_int_equal(
        save(w, GIVEN(.kind = "desk", .name = name),
             "{\"url\": \"https://desk.example/zammad\", \"token\": \"s3cret\", \"groups\": [\"a\", \"b\"]}",
             id),
        0);
}

static struct connection *load(struct world *w, const char *id)
{
    struct connection *c;

    assert_int_equal(connection_load(&c, w->s, w->keyring, TENANT_A, id), 0);
    return c;
}

/* ---- keeping ---- */

static void what_was_given_is_kept_and_secrets_are_sealed(void **state)
{
    struct world *w = *state;
    char id[UUID_TEXT_SIZE];

    make(w, "Desk", id);
    struct connection *c = load(w, id);
    assert_string_equal(c->id, id);
    assert_string_equal(c->kind, "desk");
    assert_string_equal(c->name, "Desk");
    assert_string_equal(json_string_value(json_object_get(c->settings, "url")),
                        "https://desk.example/zammad");
    assert_null(json_object_get(c->settings, "token"));
    assert_null(json_object_get(c->settings, "pages")); /* by default, also when that changes */
    assert_string_equal(json_string_value(json_object_get(c->secrets, "token")), "s3cret");
    assert_string_equal(c->secret_names, "token");
    assert_int_equal(c->parallel, 8);
    assert_int_equal(c->version, 1);
    assert_true(c->enabled);
    assert_false(c->allow_private);
    assert_string_equal(c->health, "untested");
    connection_destroy(c);

    assert_int_equal(JOBS_NUMBER(&w->jobs,
                                 "SELECT count(*) FROM dowel_connections WHERE sealed LIKE '%s3cret%'"
                                 " OR settings LIKE '%s3cret%' OR secrets LIKE '%s3cret%'"),
                     0);
    assert_int_equal(
        JOBS_NUMBER(&w->jobs, "SELECT count(*) FROM dowel_connections WHERE sealed LIKE 'gAAAA%'"), 1);
}

static void the_struct_has_what_was_given_and_the_fallbacks(void **state)
{
    struct world *w = *state;
    struct connection_draft *d;

    assert_int_equal(try_draft(w, GIVEN(.kind = "desk", .name = "D"),
                               "{\"url\": \"https://d.example\", \"password\": \"p\", \"groups\": [\"x\"]}",
                               &d),
                     0);
    assert_int_equal(d->faults_n, 0);
    const struct desk *s = d->settings;
    assert_string_equal(s->url, "https://d.example");
    assert_string_equal(s->token.hidden, "");
    assert_string_equal(s->password.hidden, "p");
    assert_int_equal(s->pages, 100);
    assert_int_equal(s->groups.n, 1);
    assert_string_equal(s->groups.v[0], "x");
    connection_draft_destroy(d);
}

static void a_secret_stays_that_is_not_given_and_goes_when_it_is_null(void **state)
{
    struct world *w = *state;
    char id[UUID_TEXT_SIZE];

    make(w, "Desk", id);
    assert_int_equal(save(w, GIVEN(.id = id), "{\"password\": \"p\", \"pages\": 7}", NULL), 0);
    struct connection *c = load(w, id);
    assert_int_equal(c->version, 2);
    assert_string_equal(json_string_value(json_object_get(c->secrets, "token")), "s3cret");
    assert_string_equal(json_string_value(json_object_get(c->secrets, "password")), "p");
    assert_int_equal(json_integer_value(json_object_get(c->settings, "pages")), 7);
    connection_destroy(c);

    assert_int_equal(save(w, GIVEN(.id = id), "{\"token\": null, \"password\": \"\", \"pages\": null}", NULL),
                     0);
    c = load(w, id);
    assert_int_equal(json_object_size(c->secrets), 0);
    assert_string_equal(c->secret_names, "");
    assert_null(json_object_get(c->settings, "pages"));
    connection_destroy(c);
    assert_int_equal(JOBS_NUMBER(&w->jobs, "SELECT count(*) FROM dowel_connections WHERE sealed = ''"), 1);
}

static void another_tenants_is_as_none(void **state)
{
    struct world *w = *state;
    const struct connection_ref other = { TENANT_B, NULL, 0 };
    struct connection_ref ref = other;
    struct connection_draft *d;
    struct connection *c;
    struct db_rows *rows;
    char id[UUID_TEXT_SIZE];

    make(w, "Desk", id);
    ref.id = id;
    assert_int_equal(connection_load(&c, w->s, w->keyring, TENANT_B, id), DW_ENOTFOUND);
    assert_int_equal(connection_load(&c, w->s, w->keyring, TENANT_A, "nonsense"), DW_ENOTFOUND);
    assert_int_equal(try_draft(w, GIVEN(.tenant = TENANT_B, .id = id), "{}", &d), DW_ENOTFOUND);
    assert_int_equal(connection_enable(w->s, &ref, false, 1), DW_ENOTFOUND);
    assert_int_equal(connection_remove(w->s, &ref, 1), DW_ENOTFOUND);
    assert_int_equal(connection_note_health(w->s, &(struct connection_ref){ TENANT_B, id, 0 }, "broken", 1),
                     0);
    assert_int_equal(connections_query(w->s, &rows, &(struct connection_filter){ .tenant = TENANT_B }), 0);
    assert_int_equal(db_rows_next(rows), 0);
    db_rows_close(rows);
    c = load(w, id);
    assert_string_equal(c->health, "untested");
    assert_true(c->enabled);
    connection_destroy(c);
}

static void a_name_is_taken_once_in_a_tenant(void **state)
{
    struct world *w = *state;
    char id[UUID_TEXT_SIZE];

    make(w, "Desk", id);
    assert_int_equal(save(w, GIVEN(.kind = "desk", .name = "Desk"), "{\"url\": \"https://x.example\"}", NULL),
                     DW_ECONFLICT);
    assert_string_equal(buf_text(&w->why), "there is another connection with this name");
    assert_int_equal(save(w, GIVEN(.tenant = TENANT_B, .kind = "desk", .name = "Desk"),
                          "{\"url\": \"https://x.example\"}", NULL),
                     0);
}

static void who_comes_second_is_told(void **state)
{
    struct world *w = *state;
    struct connection_draft *d;
    char id[UUID_TEXT_SIZE];

    make(w, "Desk", id);
    assert_int_equal(try_draft(w, GIVEN(.id = id, .name = "Mine"), NULL, &d), 0);
    assert_int_equal(save(w, GIVEN(.id = id, .name = "Yours"), NULL, NULL), 0);
    assert_int_equal(connection_draft_save(d, w->s, w->keyring, 1, &w->why), DW_ECONFLICT);
    assert_non_null(strstr(buf_text(&w->why), "somebody changed the connection meanwhile"));
    connection_draft_destroy(d);

    assert_int_equal(try_draft(w, GIVEN(.id = id, .version = 1), NULL, &d), DW_EPRECONDITION);
    assert_int_equal(try_draft(w, GIVEN(.id = id, .version = 2), NULL, &d), 0);
    connection_draft_destroy(d);
    assert_int_equal(connection_enable(w->s, &(struct connection_ref){ TENANT_A, id, 1 }, false, 1),
                     DW_EPRECONDITION);
    assert_int_equal(connection_remove(w->s, &(struct connection_ref){ TENANT_A, id, 1 }, 1),
                     DW_EPRECONDITION);
}

static void enabling_counts_as_a_change_only_where_it_is_one(void **state)
{
    struct world *w = *state;
    char id[UUID_TEXT_SIZE];

    make(w, "Desk", id);
    const struct connection_ref ref = { TENANT_A, id, 0 };
    assert_int_equal(connection_enable(w->s, &ref, true, 5), 1);
    assert_int_equal(connection_enable(w->s, &ref, false, 6), 2);
    assert_int_equal(connection_enable(w->s, &ref, false, 7), 2);
    assert_int_equal(connection_enable(w->s, &(struct connection_ref){ TENANT_A, id, 2 }, true, 8), 3);
}

static void deleting_is_told(void **state)
{
    struct world *w = *state;
    char id[UUID_TEXT_SIZE], told[100];

    make(w, "Desk", id);
    snprintf(told, sizeof(told), "{\"connection\":\"%s\"}", id);
    assert_int_equal(connection_remove(w->s, &(struct connection_ref){ TENANT_A, id, 1 }, 9), 0);
    assert_int_equal(JOBS_NUMBER(&w->jobs, "SELECT count(*) FROM dowel_connections"), 0);
    assert_int_equal(
        JOBS_NUMBER(&w->jobs,
                    "SELECT count(*) FROM dowel_events WHERE name = 'core.connection.deleted' AND data = $1"
                    " AND tenant_id = $2",
                    told, TENANT_A),
        1);
}

static size_t count(struct world *w, struct connection_filter filter)
{
    struct db_rows *rows;
    size_t n = 0;

    filter.tenant = TENANT_A;
    if (connections_query(w->s, &rows, &filter) != 0)
        fail_msg("%s", db_error_of(w->s)->text);
    while (db_rows_next(rows) > 0)
        n++;
    db_rows_close(rows);
    return n;
}

static void lists_are_of_kinds_and_pages(void **state)
{
    struct world *w = *state;
    const char *const desks[] = { "csv", "desk", NULL }, *const others[] = { "csv", "des", "desk_", NULL };
    char first[UUID_TEXT_SIZE], second[UUID_TEXT_SIZE];

    make(w, "One", first);
    make(w, "Two", second);
    assert_int_equal(count(w, (struct connection_filter){ .limit = 0 }), 2);
    assert_int_equal(count(w, (struct connection_filter){ .limit = 1 }), 1);
    assert_int_equal(count(w, (struct connection_filter){ .after = first }), 1);
    assert_int_equal(count(w, (struct connection_filter){ .id = second }), 1);
    assert_int_equal(count(w, (struct connection_filter){ .id = "nonsense" }), 0);
    assert_int_equal(count(w, (struct connection_filter){ .name = "Two" }), 1);
    assert_int_equal(count(w, (struct connection_filter){ .kinds = desks }), 2);
    assert_int_equal(count(w, (struct connection_filter){ .kinds = others }), 0);
    assert_int_equal(count(w, (struct connection_filter){ .kinds = others + 3 }), 0);
    assert_int_equal(connection_enable(w->s, &(struct connection_ref){ TENANT_A, first, 0 }, false, 1), 2);
    assert_int_equal(count(w, (struct connection_filter){ .enabled_only = true }), 1);
}

/* ---- health ---- */

static void health_remembers_since_when(void **state)
{
    struct world *w = *state;
    char id[UUID_TEXT_SIZE];
    const struct connection_ref ref = { TENANT_A, id, 0 };

    make(w, "Desk", id);
    assert_int_equal(connection_note_health(w->s, &ref, "it does not answer", 1000000), 0);
    assert_int_equal(connection_note_health(w->s, &ref, "it answers nonsense", 2000000), 0);
    assert_int_equal(
        JOBS_NUMBER(&w->jobs,
                    "SELECT count(*) FROM dowel_connections WHERE health = 'failing'"
                    " AND health_error = 'it answers nonsense' AND health_since = $1 AND checked_at = $2"
                    " AND version = 1",
                    ((dw_time){ 1000000 }), ((dw_time){ 2000000 })),
        1);
    assert_int_equal(connection_note_health(w->s, &ref, NULL, 3000000), 0);
    assert_int_equal(
        JOBS_NUMBER(&w->jobs,
                    "SELECT count(*) FROM dowel_connections WHERE health = 'ok' AND health_error IS NULL"
                    " AND health_since = $1",
                    ((dw_time){ 3000000 })),
        1);

    /* Another name is no reason to look again; another token is. */
    assert_int_equal(save(w, GIVEN(.id = id, .name = "Other"), NULL, NULL), 0);
    assert_int_equal(JOBS_NUMBER(&w->jobs, "SELECT count(*) FROM dowel_connections WHERE health = 'ok'"), 1);
    assert_int_equal(save(w, GIVEN(.id = id), "{\"token\": \"new\"}", NULL), 0);
    assert_int_equal(JOBS_NUMBER(&w->jobs, "SELECT count(*) FROM dowel_connections WHERE health = 'untested'"
                                           " AND health_since IS NULL AND checked_at IS NULL"),
                     1);
}

/* Who began before it was changed asked with what it was. */
static void what_was_found_of_another_version_is_no_health(void **state)
{
    struct world *w = *state;
    char id[UUID_TEXT_SIZE];

    make(w, "Desk", id);
    assert_int_equal(save(w, GIVEN(.id = id), "{\"token\": \"new\"}", NULL), 0);
    assert_int_equal(
        connection_note_health(w->s, &(struct connection_ref){ TENANT_A, id, 1 }, "the token is refused", 1),
        0);
    assert_int_equal(
        JOBS_NUMBER(&w->jobs, "SELECT count(*) FROM dowel_connections WHERE health = 'untested'"), 1);
    assert_int_equal(connection_note_health(w->s, &(struct connection_ref){ TENANT_A, id, 2 }, NULL, 1), 0);
    assert_int_equal(JOBS_NUMBER(&w->jobs, "SELECT count(*) FROM dowel_connections WHERE health = 'ok'"), 1);
}

/* ---- what is refused ---- */

static void each_wrong_setting_has_its_place(void **state)
{
    struct world *w = *state;
    const char *said =
        faults_of(w, GIVEN(.kind = "desk", .name = "D"),
                  "{\"urll\": \"https://x.example\", \"pages\": 501, \"groups\": [1], \"token\": 7}");

    assert_non_null(strstr(said, "#/settings/urll: is no setting of this kind; did you mean url?"));
    assert_non_null(strstr(said, "#/settings/url: must be set"));
    assert_non_null(strstr(said, "#/settings/pages: \"501\" must be between 1 and 500"));
    assert_non_null(strstr(said, "#/settings/groups: must be a list of texts, found a number"));
    assert_non_null(strstr(said, "#/settings/token: must be a text, found a number"));
    assert_null(strstr(said, "7"));

    said = faults_of(w, GIVEN(.kind = "desk", .name = "D"), "{\"url\": \"ftp://x\", \"pages\": {\"a\": 1}}");
    assert_non_null(strstr(said, "#/settings/url: "));
    assert_non_null(strstr(said, "#/settings/pages: must be a whole number, found a map"));
}

/* What is asked is added behind it. */
static void an_address_has_no_query(void **state)
{
    struct world *w = *state;
    char id[UUID_TEXT_SIZE];

    assert_string_equal(
        faults_of(w, GIVEN(.kind = "desk", .name = "D"), "{\"url\": \"https://x.example/?a=b\"}"),
        "#/settings/url: has a query (?), behind which no path can stand; leave it away");
    make(w, "Desk", id);
    assert_string_equal(faults_of(w, GIVEN(.id = id), "{\"url\": \"https://desk.example/zammad?\"}"),
                        "#/settings/url: has a query (?), behind which no path can stand; leave it away");
}

static void each_wrong_option_has_its_place(void **state)
{
    struct world *w = *state;
    const struct {
        struct connection_given g;
        const char *says;
    } wrong[] = {
        { GIVEN(.kind = "dask", .name = "D"),
          "#/kind: is no kind that this server has: is its plugin enabled?" },
        { GIVEN(.kind = "desk"), "#/name: must be given, and neither begin nor end with a blank" },
        { GIVEN(.kind = "desk", .name = " D"),
          "#/name: must be given, and neither begin nor end with a blank" },
        { GIVEN(.kind = "desk", .name = "a\nb"), "#/name: has a control character" },
        { GIVEN_WITH(-1, 0, .kind = "desk", .name = "D"), "#/parallel: must be between 1 and 64" },
        { GIVEN_WITH(-1, 65, .kind = "desk", .name = "D"), "#/parallel: must be between 1 and 64" },
        { GIVEN(.kind = "desk", .name = "D", .proxy = "proxy"),
          "#/proxy: is not a proxy like http://host.example:3128" },
        { GIVEN(.kind = "desk", .name = "D", .proxy = "http://u:p@host:3128"),
          "#/proxy: has a user or password in it, which would not be kept as a secret" },
        { GIVEN(.kind = "desk", .name = "D", .ca = "nonsense"),
          "#/ca: is no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----" },
        { GIVEN_WITH(1, -1, .kind = "desk", .name = "D"),
          "#/allow_private: needs the permission connections.allow_private" },
    };

    for (size_t i = 0; i < DW_COUNT_OF(wrong); i++)
        assert_string_equal(faults_of(w, wrong[i].g, "{\"url\": \"https://x.example\"}"), wrong[i].says);
    assert_string_equal(faults_of(w, GIVEN_WITH(-1, 64, .kind = "desk", .name = "D", .proxy = "none"),
                                  "{\"url\": \"https://x.example\"}"),
                        "");
}

static void what_is_refused_is_said_in_german_too(void **state)
{
    struct world *w = *state;

    assert_string_equal(faults_of(w, GIVEN(.kind = "desk", .name = "D", .language = HTTP_GERMAN),
                                  "{\"urll\": 1, \"url\": \"https://x.example\"}"),
                        "#/settings/urll: ist keine Einstellung dieser Art; ist url gemeint?");
    assert_string_equal(faults_of(w, GIVEN(.kind = "desk", .name = "D", .language = HTTP_GERMAN), "{}"),
                        "#/settings/url: muss angegeben werden");
}

static void a_draft_with_faults_is_not_saved(void **state)
{
    struct world *w = *state;
    struct connection_draft *d;

    assert_int_equal(try_draft(w, GIVEN(.kind = "desk", .name = "D"), "{}", &d), 0);
    assert_int_equal(d->fault_code, DW_EINVALID);
    assert_int_equal(connection_draft_save(d, w->s, w->keyring, 1, &w->why), DW_EINVALID);
    connection_draft_destroy(d);
    assert_int_equal(
        try_draft(w, GIVEN_WITH(1, -1, .kind = "desk", .name = "D"), "{\"url\": \"https://x.example\"}", &d),
        0);
    assert_int_equal(d->fault_code, DW_EDENIED);
    connection_draft_destroy(d);
    assert_int_equal(JOBS_NUMBER(&w->jobs, "SELECT count(*) FROM dowel_connections"), 0);
}

/* ---- secrets and addresses ---- */

static void a_secret_is_not_sent_to_a_changed_address(void **state)
{
    struct world *w = *state;
    static const char anew[] =
        "#/settings/token: must be given anew, because the address or the proxy changes: what is "
        "kept is not sent elsewhere";
    char id[UUID_TEXT_SIZE];

    make(w, "Desk", id);
    assert_string_equal(faults_of(w, GIVEN(.id = id), "{\"url\": \"https://evil.example/zammad\"}"), anew);
    assert_string_equal(faults_of(w, GIVEN(.id = id), "{\"url\": \"http://desk.example/zammad\"}"), anew);
    assert_string_equal(faults_of(w, GIVEN(.id = id), "{\"url\": \"https://desk.example:8443/zammad\"}"),
                        anew);
    assert_string_equal(faults_of(w, GIVEN(.id = id, .proxy = "http://evil.example:3128"), NULL), anew);

    /* The same place, however it is written. */
    assert_string_equal(faults_of(w, GIVEN(.id = id), "{\"url\": \"https://DESK.example:443/other\"}"), "");
    /* Given anew, or no longer wanted. */
    assert_string_equal(faults_of(w, GIVEN(.id = id), "{\"url\": \"https://new.example\", \"token\": \"t\"}"),
                        "");
    assert_string_equal(faults_of(w, GIVEN(.id = id), "{\"url\": \"https://new.example\", \"token\": null}"),
                        "");
}

static void what_was_opened_is_not_pointed_elsewhere(void **state)
{
    struct world *w = *state;
    char id[UUID_TEXT_SIZE];

    assert_int_equal(save(w, GIVEN_WITH(1, -1, .kind = "desk", .name = "Inner", .may_allow_private = true),
                          "{\"url\": \"http://desk.lan\"}", id),
                     0);
    assert_non_null(
        strstr(faults_of(w, GIVEN(.id = id), "{\"url\": \"http://router.lan\"}"),
               "#/settings/url: may be changed only with the permission connections.allow_private"));
    assert_string_equal(
        faults_of(w, GIVEN(.id = id, .may_allow_private = true), "{\"url\": \"http://router.lan\"}"), "");
    assert_string_equal(faults_of(w, GIVEN(.id = id), "{\"pages\": 5}"), "");
    assert_string_equal(faults_of(w, GIVEN_WITH(0, -1, .id = id), "{\"url\": \"http://router.lan\"}"), "");
}

static void secrets_of_a_lost_key_are_given_anew(void **state)
{
    struct world *w = *state;
    char id[UUID_TEXT_SIZE];

    make(w, "Desk", id);
    keyring_destroy(w->keyring);
    assert_null(keyring_parse(&w->keyring, str_from("ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="), NULL));
    struct connection *c = load(w, id);
    assert_true(c->unreadable);
    assert_int_equal(json_object_size(c->secrets), 0);
    connection_destroy(c);
    assert_string_equal(
        faults_of(w, GIVEN(.id = id, .name = "Other"), NULL),
        "#/settings/token: must be given anew: it was sealed with a key that this server does not have");
    assert_int_equal(save(w, GIVEN(.id = id), "{\"token\": \"t\"}", NULL), 0);
    c = load(w, id);
    assert_false(c->unreadable);
    assert_string_equal(json_string_value(json_object_get(c->secrets, "token")), "t");
    connection_destroy(c);
}

/* ---- certificates ---- */

static char *bio_text(BIO *bio)
{
    char *data, *text;
    long n = BIO_get_mem_data(bio, &data);

    text = calloc(1, (size_t)n + 1);
    assert_non_null(text);
    memcpy(text, data, (size_t)n);
    BIO_free(bio);
    return text;
}

static void make_pair(char **certificate, char **key)
{
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    BIO *a = BIO_new(BIO_s_mem()), *b = BIO_new(BIO_s_mem());
    X509 *x = X509_new();

    assert_non_null(pkey);
    assert_non_null(x);
    X509_gmtime_adj(X509_getm_notBefore(x), 0);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    assert_int_equal(X509_set_pubkey(x, pkey), 1);
    assert_true(X509_sign(x, pkey, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_bio_X509(a, x), 1);
    assert_int_equal(PEM_write_bio_PrivateKey(b, pkey, NULL, NULL, 0, NULL, NULL), 1);
    *certificate = bio_text(a);
    *key = bio_text(b);
    X509_free(x);
    EVP_PKEY_free(pkey);
}

static void certificates_are_looked_at_and_keys_are_sealed(void **state)
{
    struct world *w = *state;
    const char *url = "{\"url\": \"https://x.example\"}";
    char *certificate, *key, *other, *others_key, id[UUID_TEXT_SIZE];

    make_pair(&certificate, &key);
    make_pair(&other, &others_key);
    const struct connection_given base = GIVEN(.kind = "desk", .name = "D");
    struct connection_given g = base;
    g.client_cert = certificate;
    assert_string_equal(faults_of(w, g, url), "#/client_key: must be given with client_cert");
    g.client_key = "nonsense";
    assert_non_null(strstr(faults_of(w, g, url), "#/client_key: is no private key in PEM"));
    g.client_key = others_key;
    assert_string_equal(faults_of(w, g, url), "#/client_key: is not the key of the certificate client_cert");
    g.client_key = key;
    g.ca = other;
    assert_int_equal(save(w, g, url, id), 0);

    struct connection *c = load(w, id);
    assert_string_equal(c->client_key, key);
    assert_string_equal(c->client_cert, certificate);
    assert_string_equal(c->ca, other);
    assert_true(c->has_client_key);
    connection_destroy(c);
    assert_int_equal(
        JOBS_NUMBER(
            &w->jobs,
            "SELECT count(*) FROM dowel_connections WHERE has_client_key AND sealed NOT LIKE '%PRIVATE%'"),
        1);
    assert_non_null(strstr(faults_of(w, GIVEN(.id = id), "{\"url\": \"https://y.example\"}"),
                           "#/client_key: must be given anew, because"));
    assert_int_equal(save(w, GIVEN(.id = id, .client_cert = "", .client_key = "", .ca = ""), NULL, NULL), 0);
    c = load(w, id);
    assert_string_equal(c->client_key, "");
    assert_false(c->has_client_key);
    connection_destroy(c);
    free(certificate);
    free(key);
    free(other);
    free(others_key);
}

/* ---- plugins that change or go ---- */

static void without_its_plugin_it_is_only_switched_and_deleted(void **state)
{
    struct world *w = *state;
    struct connection_draft *d;
    char id[UUID_TEXT_SIZE];

    make(w, "Desk", id);
    atomic_store(&w->plugin.missing, true);
    assert_int_equal(try_draft(w, GIVEN(.id = id, .name = "Other"), NULL, &d), DW_EUNAVAILABLE);
    assert_string_equal(buf_text(&w->why), "the connection is of the kind desk, whose plugin is not running");
    assert_int_equal(connection_enable(w->s, &(struct connection_ref){ TENANT_A, id, 0 }, false, 1), 2);
    assert_int_equal(connection_remove(w->s, &(struct connection_ref){ TENANT_A, id, 0 }, 1), 0);
}

static void what_is_no_setting_any_more_goes_with_the_next_change(void **state)
{
    struct world *w = *state;
    char id[UUID_TEXT_SIZE];

    make(w, "Desk", id);
    JOBS_EXEC(&w->jobs, "UPDATE dowel_connections SET settings = $1",
              "{\"url\":\"https://desk.example\",\"old\":1}");
    assert_string_equal(faults_of(w, GIVEN(.id = id, .name = "Other"), NULL), "");
    assert_int_equal(save(w, GIVEN(.id = id, .name = "Other"), NULL, NULL), 0);
    struct connection *c = load(w, id);
    assert_null(json_object_get(c->settings, "old"));
    connection_destroy(c);
}

static void a_kind_belongs_to_one_plugin(void **state)
{
    struct world *w = *state;
    dw_instance second = { .name = "second", .descriptor = &descriptor };
    struct buf why = BUF_INIT;

    assert_int_equal(connectors_add(w->kinds, &second, &why), -1);
    assert_string_equal(buf_text(&why), "its connector desk is one of plugin helpdesk already");
    assert_ptr_equal(connectors_find(w->kinds, "desk")->by, &w->plugin);
    buf_finish(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_given_is_kept_and_secrets_are_sealed, setup, teardown),
        cmocka_unit_test_setup_teardown(the_struct_has_what_was_given_and_the_fallbacks, setup, teardown),
        cmocka_unit_test_setup_teardown(a_secret_stays_that_is_not_given_and_goes_when_it_is_null, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(another_tenants_is_as_none, setup, teardown),
        cmocka_unit_test_setup_teardown(a_name_is_taken_once_in_a_tenant, setup, teardown),
        cmocka_unit_test_setup_teardown(who_comes_second_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(enabling_counts_as_a_change_only_where_it_is_one, setup, teardown),
        cmocka_unit_test_setup_teardown(deleting_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(lists_are_of_kinds_and_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(health_remembers_since_when, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_found_of_another_version_is_no_health, setup, teardown),
        cmocka_unit_test_setup_teardown(each_wrong_setting_has_its_place, setup, teardown),
        cmocka_unit_test_setup_teardown(an_address_has_no_query, setup, teardown),
        cmocka_unit_test_setup_teardown(each_wrong_option_has_its_place, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_refused_is_said_in_german_too, setup, teardown),
        cmocka_unit_test_setup_teardown(a_draft_with_faults_is_not_saved, setup, teardown),
        cmocka_unit_test_setup_teardown(a_secret_is_not_sent_to_a_changed_address, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_opened_is_not_pointed_elsewhere, setup, teardown),
        cmocka_unit_test_setup_teardown(secrets_of_a_lost_key_are_given_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(certificates_are_looked_at_and_keys_are_sealed, setup, teardown),
        cmocka_unit_test_setup_teardown(without_its_plugin_it_is_only_switched_and_deleted, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_setting_any_more_goes_with_the_next_change, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_kind_belongs_to_one_plugin, setup, teardown),
    };
    return DB_ON_EVERY_ENGINE("connections", tests);
}
