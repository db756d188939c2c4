#include "cli/connection_change.h"

#include <string.h>

#include "cli/connection_verb.h"
#include "operations/connection_view.h"
#include "plugin/command_json.h"
#include "plugin/host.h"
#include "util/json.h"

/* ---- what was typed ---- */

/* All of it; texts last as long as the call. */
struct typed_change {
    struct connection_given given;
    json_t *settings; /* NULL: none were given */
    json_t *parts;    /* COMMAND_INPUT_PARTS */
    bool untested;
};

static void finish(struct typed_change *t)
{
    json_t *secrets = json_object_get(t->parts, "secrets"), *value;
    const char *name;

    json_object_foreach(secrets, name, value)
    {
        explicit_bzero((char *)(uintptr_t)json_string_value(value), json_string_length(value));
    }
    json_decref(t->settings);
    json_decref(t->parts);
}

static json_t *list_of(struct str text)
{
    json_t *list = json_array();
    struct str one;

    while (list && text.n > 0 && str_split(&text, ',', &one)) {
        one = str_trim(one);
        if (json_array_append_new(list, json_stringn(one.p, one.n)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* As the item's type wants it; what is none of that type stays a text, about which the check complains. */
static json_t *value_of(const struct config_item *item, struct str text)
{
    struct json_fault fault;
    json_t *json = NULL;

    if (item &&
        (item->type == CONFIG_BOOL || item->type == CONFIG_INT || item->type == CONFIG_REAL ||
         (item->type == CONFIG_LIST && text.n > 0 && text.p[0] == '[')) &&
        json_strict_parse(text, 0, &json, &fault) == 0)
        return json;
    if (item && item->type == CONFIG_LIST)
        return list_of(text);
    return json_stringn(text.p, text.n);
}

static const struct config_item *item_of(const struct connector_kind *kind, struct str name)
{
    for (const struct config_item *item = kind ? kind->table->items : NULL; item && item->name; item++) {
        if (str_equal(str_from(item->name), name))
            return item;
    }
    return NULL;
}

/* "url=https://desk.example.org" */
static int add_setting(dw_call *c, json_t *settings, const struct connector_kind *kind, const char *text)
{
    struct str value = str_from(text), name;
    const struct config_item *item;

    if (!strchr(text, '='))
        return call_fail(c, DW_EINVALID,
                         "--set %s: say a setting and its value, as url=https://desk.example.org", text);
    str_split(&value, '=', &name);
    item = item_of(kind, name);
    if (item && config_item_is_secret(item))
        return call_fail(
            c, DW_EINVALID,
            "%s is a secret, which others would see on a command line: say --secret %s, and type it, "
            "or give it on standard input",
            item->name, item->name);
    return json_object_setn_new(settings, name.p, name.n, value_of(item, value)) == 0
               ? 0
               : call_fail(c, DW_ENOMEM, "out of memory");
}

static int add_settings(dw_call *c, struct typed_change *t, const struct connector_kind *kind,
                        const json_t *set, const json_t *unset)
{
    json_t *secrets = json_object_get(t->parts, "secrets"), *one;
    size_t i;

    if (json_array_size(set) + json_array_size(unset) + json_object_size(secrets) == 0)
        return 0;
    t->settings = json_object();
    if (!t->settings || json_object_update(t->settings, secrets) != 0)
        return call_fail(c, DW_ENOMEM, "out of memory");
    json_array_foreach((json_t *)(uintptr_t)set, i, one)
        DW_TRY(add_setting(c, t->settings, kind, json_string_value(one)));
    json_array_foreach((json_t *)(uintptr_t)unset, i, one)
    {
        if (json_object_set_new(t->settings, json_string_value(one), json_null()) != 0)
            return call_fail(c, DW_ENOMEM, "out of memory");
    }
    t->given.settings = t->settings;
    return 0;
}

static int read_parts(dw_call *c, dw_command_run *run, struct typed_change *t)
{
    dw_bytes input = host_command_api.input(run);
    struct json_fault fault;

    if (json_strict_parse(str_make((const char *)input.p, input.n), 0, &t->parts, &fault) != 0)
        return call_fail(c, fault.is_ours ? DW_ENOMEM : DW_EINTERNAL,
                         "what was read beside cannot be understood");
    const json_t *files = json_object_get(t->parts, "files");
    t->given.ca = json_string_value(json_object_get(files, "ca"));
    t->given.client_cert = json_string_value(json_object_get(files, "client-cert"));
    t->given.client_key = json_string_value(json_object_get(files, "client-key"));
    return 0;
}

static int flag(const char *yes_or_no)
{
    return yes_or_no ? strcmp(yes_or_no, "yes") == 0 : -1;
}

/* What the verbs have in common. */
static int read_typed(struct connection_verb *v, struct typed_change *t, const struct connector_kind *kind,
                      const json_t *unset)
{
    const char *allow_private = NULL;
    json_t *set = NULL;

    t->given.tenant = v->tenant;
    t->given.may_allow_private = true; /* who runs the server is its operator */
    DW_TRY(host_command_api.read(
        v->run, DW_LIST("set", &set, "proxy", &t->given.proxy, "allow-private", &allow_private)));
    t->given.allow_private = flag(allow_private);
    DW_TRY(read_parts(v->asked, v->run, t));
    return add_settings(v->asked, t, kind, set, unset);
}

/* ---- what was found ---- */

/* " (permission: create_customer)", or nothing. */
static void add_values(struct buf *line, const char *pairs)
{
    json_t *values = NULL, *value;
    struct json_fault fault;
    const char *name, *before = " (";

    if (json_strict_parse(str_from(pairs), 0, &values, &fault) != 0)
        return;
    json_object_foreach(values, name, value)
    {
        if (json_is_string(value))
            buf_add_format(line, "%s%s: %s", before, name, json_string_value(value));
        else if (json_is_integer(value))
            buf_add_format(line, "%s%s: %lld", before, name, (long long)json_integer_value(value));
        else
            continue;
        before = ", ";
    }
    if (*before == ',')
        buf_add_char(line, ')');
    json_decref(values);
}

static int show_check(struct connection_verb *v, const struct connection_checked *k)
{
    struct buf line = BUF_INIT;

    buf_add_format(&line, "%s %s", k->state == DW_CHECK_WARNING ? "[!]" : "[+]", k->text);
    add_values(&line, k->pairs);
    int rc = buf_failed(&line) ? DW_ENOMEM
                               : host_command_api.print(v->run, DW_LIST(call_copy(v->asked, buf_str(&line))));
    buf_finish(&line);
    return rc;
}

static int show_checks(struct connection_verb *v, const struct connection_change *change)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < change->answer.checks_n; i++)
        rc = show_check(v, &change->answer.checks[i]);
    return rc;
}

/* What is tested at the end, as REST clients get it. */
static int show_json(struct connection_verb *v, const struct connection_change *change, json_t *shown)
{
    json_t *tested = change->was_tested ? connection_view_answer(&change->answer) : json_null();
    int rc = json_object_set(shown, "tested", tested);

    json_decref(tested);
    return rc == 0 ? command_show_json(v->run, shown) : DW_ENOMEM;
}

static int show_made(struct connection_verb *v, const struct connection_change *change)
{
    json_t *shown = NULL;
    int rc = connection_verb_view(v, &shown);

    if (rc == 0 && !change->before)
        rc = json_object_set_new(shown, "webhook_secret",
                                 *change->secret ? json_string(change->secret) : json_null());
    if (rc == 0 && command_is_json(v->run))
        rc = show_json(v, change, shown);
    else if (rc == 0)
        rc = command_show_json(v->run, shown);
    if (rc == 0 && !command_is_json(v->run))
        rc = show_checks(v, change);
    json_decref(shown);
    return rc;
}

/* ---- the verbs ---- */

static int store(struct connection_verb *v, struct connection_change *change)
{
    DW_TRY(connection_verb_open(v));
    DW_TRY(connection_change_store(&v->w, change));
    DW_TRY(connection_verb_commit(v));
    connection_change_committed(change);
    return 0;
}

static int change_and_show(struct connection_verb *v, const struct typed_change *t)
{
    struct connection_change change;
    int rc = connection_change_prepare(&v->w, &t->given, t->untested, &change);

    rc = rc == 0 ? store(v, &change)
                 : connection_verb_refuse(v, rc, &change, "the test failed, and nothing was kept");
    if (rc == 0) {
        v->id = call_copy(v->asked, str_from(change.draft->is->id));
        rc = show_made(v, &change);
    }
    connection_change_finish(&change);
    return rc;
}

static int add(struct connection_verb *v)
{
    struct typed_change t = { .given = { .parallel = -1 } };
    const char *kind = NULL;
    bool disabled = false;

    DW_TRY(host_command_api.read(v->run, DW_LIST("kind", &kind, "name", &t.given.name, "disabled", &disabled,
                                                 "parallel", &t.given.parallel, "untested", &t.untested)));
    const struct connector_kind *known = connectors_find(v->w.process->connectors, kind);
    if (!known)
        return call_fail(v->asked, DW_EINVALID,
                         "%s: no plugin that works has this kind; dowel connection kinds has all", kind);
    int rc = read_typed(v, &t, known, NULL);
    t.given.kind = kind;
    t.given.enabled = !disabled;
    if (rc == 0)
        rc = change_and_show(v, &t);
    finish(&t);
    return rc;
}

int connection_add(dw_call *c, dw_command_run *run)
{
    struct connection_verb v;
    int rc = connection_verb_begin(&v, c, run, NULL);

    return connection_verb_end(&v, rc == 0 ? add(&v) : rc);
}

/* Of the connection that is meant; NULL when its plugin is missing. */
static int find_kind(struct connection_verb *v, const struct connector_kind **kind)
{
    json_t *shown;
    int rc = connection_verb_view(v, &shown);

    if (rc == 0)
        *kind = connectors_find(v->w.process->connectors, json_string_value(json_object_get(shown, "kind")));
    json_decref(shown);
    return rc;
}

static int edit(struct connection_verb *v)
{
    struct typed_change t = { .given = { .id = v->id, .enabled = -1, .parallel = -1 } };
    const struct connector_kind *kind = NULL;
    json_t *unset = NULL;

    DW_TRY(find_kind(v, &kind));
    DW_TRY(host_command_api.read(v->run, DW_LIST("name", &t.given.name, "unset", &unset, "parallel",
                                                 &t.given.parallel, "untested", &t.untested)));
    int rc = read_typed(v, &t, kind, unset);
    if (rc == 0)
        rc = change_and_show(v, &t);
    finish(&t);
    return rc;
}

int connection_edit(dw_call *c, dw_command_run *run)
{
    struct connection_verb v;
    int rc = connection_verb_find(&v, c, run);

    return connection_verb_end(&v, rc == 0 ? edit(&v) : rc);
}

static int show_tested(struct connection_verb *v, const struct connection_change *change)
{
    if (!command_is_json(v->run)) {
        DW_TRY(show_checks(v, change));
        return change->answer.code == 0 ? host_command_api.print(v->run, DW_LIST("it works")) : 0;
    }
    json_t *tested = connection_view_answer(&change->answer);
    int rc = tested ? command_show_json(v->run, tested) : DW_ENOMEM;
    json_decref(tested);
    return rc;
}

static int try_it(struct connection_verb *v, const struct typed_change *t)
{
    struct connection_change change;
    int rc = connection_change_try(&v->w, &t->given, &change);

    if (rc >= 0)
        rc = show_tested(v, &change);
    if (rc < 0 || change.answer.code != 0)
        rc = connection_verb_refuse(v, rc < 0 ? rc : DW_EUPSTREAM, &change, "it does not work");
    connection_change_finish(&change);
    return rc;
}

static int test(struct connection_verb *v)
{
    struct typed_change t = { .given = { .id = v->id, .enabled = -1, .parallel = -1 } };
    const struct connector_kind *kind = NULL;
    json_t *unset = NULL;

    DW_TRY(find_kind(v, &kind));
    DW_TRY(host_command_api.read(v->run, DW_LIST("unset", &unset)));
    int rc = read_typed(v, &t, kind, unset);
    if (rc == 0)
        rc = try_it(v, &t);
    finish(&t);
    return rc;
}

int connection_test(dw_call *c, dw_command_run *run)
{
    struct connection_verb v;
    int rc = connection_verb_find(&v, c, run);

    return connection_verb_end(&v, rc == 0 ? test(&v) : rc);
}
