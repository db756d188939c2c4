/* What is known about plugins without opening them: once probed, by whose word, and what would become of each. */
#include "plugin/catalog.h"

#include "plugin_folder.h"

#include <unistd.h>

#include "plugin/plan.h"
#include "plugin/record.h"
#include "util/clock.h"

static struct catalog *look(struct plugin_folder *f, bool (*wanted)(const char *name, void *ud))
{
    const char *const directories[] = { f->path };
    const struct core_config core = { .plugin_dirs = { directories, 1 },
                                      .probe_timeout = { 20 * CLOCK_SECOND } };
    const struct catalog_options options = { .core = &core,
                                             .data_dir = plugin_folder_path(f, "data"),
                                             .wanted = wanted };
    struct catalog *c;

    assert_int_equal(catalog_create(&c, &options, &f->why), 0);
    assert_int_equal(f->why.n, 0);
    /* The fixture's array is gone when this returns. */
    c->directories = arena_alloc(&f->arena, sizeof(directories));
    assert_non_null(c->directories);
    memcpy((void *)(uintptr_t)c->directories, directories, sizeof(directories));
    return c;
}

static int setup(void **state)
{
    plugin_folder_setup(state);
    return mkdir(plugin_folder_path(*state, "data"), 0700);
}

static const struct catalog_plugin *need(const struct catalog *c, const char *name)
{
    const struct catalog_plugin *p = catalog_find(c, name);
    assert_non_null(p);
    return p;
}

/* Changes what the record says, which a second look then shows, or does not. */
static void forge(struct plugin_folder *f, const char *path, const char *key, const char *value)
{
    json_t *record = record_read(plugin_folder_path(f, "data"), "probed.json"), *found;
    const char *name;

    assert_non_null(record);
    if (*path) {
        json_object_foreach(json_object_get(record, path), name, found)
            json_object_set_new(found, key, json_string(value));
    } else {
        json_object_set_new(record, key, json_string(value));
    }
    assert_int_equal(record_write(plugin_folder_path(f, "data"), "probed.json", record), 0);
    json_decref(record);
}

static void assert_summary(struct plugin_folder *f, const char *summary)
{
    struct catalog *c = look(f, NULL);
    const struct catalog_plugin *p = need(c, "innocent");

    assert_null(p->why);
    assert_string_equal(p->version, "1.0.0");
    assert_string_equal(p->summary, summary);
    assert_string_equal(p->table->items[0].name, "most");
    catalog_destroy(c);
}

/* ---- the record of what was probed ---- */

static void a_known_hash_is_not_probed_again(void **state)
{
    struct plugin_folder *f = *state;

    plugin_folder_take(f, "innocent");
    assert_summary(f, "For tests");
    forge(f, "files", "summary", "From the record");
    assert_summary(f, "From the record");
}

static void what_was_found_with_another_abi_is_not_believed(void **state)
{
    struct plugin_folder *f = *state;

    plugin_folder_take(f, "innocent");
    assert_summary(f, "For tests");
    forge(f, "files", "summary", "From the record");
    forge(f, "", "abi", "7.1");
    assert_summary(f, "For tests");
}

static void what_others_may_have_written_is_not_believed(void **state)
{
    struct plugin_folder *f = *state;

    plugin_folder_take(f, "innocent");
    assert_summary(f, "For tests");
    forge(f, "files", "summary", "From the record");
    assert_int_equal(chmod(plugin_folder_path(f, "data/plugins/probed.json"), 0666), 0);
    assert_summary(f, "For tests");
}

static void nonsense_in_the_record_does_no_harm(void **state)
{
    static const char *const texts[] = { "", "[]", "{\"files\": 7}",
                                         "{\"version\": 1, \"abi\": \"0.1\", \"files\": []}" };
    struct plugin_folder *f = *state;

    plugin_folder_take(f, "innocent");
    assert_summary(f, "For tests");
    for (size_t i = 0; i < 4; i++) {
        char *path = plugin_folder_write(f, "data/plugins/probed.json", str_from(texts[i]));
        assert_int_equal(chmod(path, 0600), 0);
        assert_summary(f, "For tests");
    }
}

/* The whole is a record of ours, and one entry in it is not. */
static void an_entry_that_is_not_understood_is_probed_again(void **state)
{
    struct plugin_folder *f = *state;

    plugin_folder_take(f, "innocent");
    assert_summary(f, "For tests");
    forge(f, "files", "items", "many");
    assert_summary(f, "For tests");
    forge(f, "files", "version", "");
    assert_summary(f, "For tests");
}

static void what_has_gone_is_forgotten(void **state)
{
    struct plugin_folder *f = *state;
    char *path = plugin_folder_take(f, "innocent");

    catalog_destroy(look(f, NULL));
    assert_int_equal(unlink(path), 0);
    plugin_folder_take(f, "lonely");
    catalog_destroy(look(f, NULL));
    json_t *record = record_read(plugin_folder_path(f, "data"), "probed.json");
    assert_int_equal(json_object_size(json_object_get(record, "files")), 1);
    json_decref(record);
}

static bool only_lonely(const char *name, void *ud)
{
    (void)ud;
    return strcmp(name, "lonely") == 0;
}

static void who_is_not_wanted_is_not_opened(void **state)
{
    struct plugin_folder *f = *state;

    plugin_folder_take(f, "crash_on_open");
    plugin_folder_take(f, "lonely");
    struct catalog *c = look(f, only_lonely);
    assert_null(need(c, "crash_on_open")->why);
    assert_null(need(c, "crash_on_open")->found);
    assert_non_null(need(c, "lonely")->found);
    catalog_destroy(c);
}

/* ---- the plan ---- */

struct world {
    struct config *config;
    struct catalog *catalog;
    struct quarantine *quarantine;
    struct plan plan;
};

static void enable(struct plugin_folder *f, const char *name, const char *more)
{
    char *text = arena_format(&f->arena, "enabled: true\n%s", more);

    mkdir(plugin_folder_path(f, "conf.d"), 0755);
    assert_non_null(text);
    char *path = plugin_folder_write(f, arena_format(&f->arena, "conf.d/%s.yaml", name), str_from(text));
    assert_int_equal(chmod(path, 0644), 0);
}

static void plan(struct plugin_folder *f, struct world *w)
{
    static const struct config_table *const tables[] = { &core_config_table };
    struct config_source source = { .dir = plugin_folder_path(f, "conf.d"), .tables = tables, .tables_n = 1 };
    struct config_problems problems;

    config_problems_init(&problems);
    assert_int_equal(config_load(&w->config, &source, &problems), 0);
    config_problems_finish(&problems);
    w->catalog = look(f, NULL);
    w->quarantine = quarantine_read(plugin_folder_path(f, "data"));
    assert_int_equal(plan_make(&w->plan, &f->arena, w->catalog, w->config, w->quarantine), 0);
}

static void forget(struct world *w)
{
    quarantine_destroy(w->quarantine);
    catalog_destroy(w->catalog);
    config_drop(w->config);
}

static const struct plan_plugin *planned(const struct world *w, const char *name, enum plugin_state state)
{
    for (size_t i = 0; i < w->plan.n; i++) {
        const struct plan_plugin *p = &w->plan.plugins[i];
        if (strcmp(p->name, name) != 0)
            continue;
        assert_string_equal(plugin_state_name(p->state), plugin_state_name(state));
        return p;
    }
    fail_msg("%s is not planned", name);
    return NULL;
}

static void each_gets_its_state(void **state)
{
    struct plugin_folder *f = *state;
    struct world w;

    plugin_folder_take(f, "innocent");
    plugin_folder_take(f, "lonely");
    plugin_folder_take(f, "ring_a");
    plugin_folder_take(f, "no_entry");
    enable(f, "innocent", "required: true\n");
    enable(f, "lonely", "");
    enable(f, "no_entry", "");
    enable(f, "ghost", "");
    plan(f, &w);
    assert_true(planned(&w, "innocent", PLUGIN_LOADED)->required);
    assert_has(planned(&w, "lonely", PLUGIN_DECLINED)->why, "needs the plugin nobody");
    assert_null(planned(&w, "ring_a", PLUGIN_AVAILABLE)->order);
    assert_has(planned(&w, "no_entry", PLUGIN_DECLINED)->why, "has no symbol");
    assert_has(planned(&w, "ghost", PLUGIN_MISSING)->why,
               arena_format(&f->arena, "there is no ghost.so in %s", f->path));
    assert_int_equal(w.plan.sequence_n, 1);
    forget(&w);
}

static void crash(struct plugin_folder *f, const char *name)
{
    for (int i = 0; i < QUARANTINE_CRASHES; i++)
        assert_true(quarantine_record(plugin_folder_path(f, "data"), name, "operation sing", "crashes/1.txt",
                                      false, &f->why) >= 0);
}

static void the_quarantined_wait_but_not_the_required(void **state)
{
    struct plugin_folder *f = *state;
    struct world w;

    plugin_folder_take(f, "innocent");
    plugin_folder_take(f, "second_dav");
    enable(f, "innocent", "required: true\n");
    enable(f, "second_dav", "");
    crash(f, "innocent");
    crash(f, "second_dav");
    plan(f, &w);
    planned(&w, "innocent", PLUGIN_LOADED);
    const char *why = planned(&w, "second_dav", PLUGIN_QUARANTINED)->why;
    assert_has(why, "quarantined since 20");
    assert_has(why, "last in operation sing (crashes/1.txt)");
    assert_has(why, "dowel plugin clear second_dav");
    forget(&w);
}

static void declining_spreads(void **state)
{
    struct plugin_folder *f = *state;
    struct world w;

    plugin_folder_take(f, "innocent");
    enable(f, "innocent", "");
    plan(f, &w);
    struct plan_plugin *p = w.plan.sequence[0];
    assert_null(plan_missing(&w.plan, p, &f->arena));
    plan_decline(p, &f->arena, STR_OF("the moon is full"));
    assert_string_equal(planned(&w, "innocent", PLUGIN_DECLINED)->why, "the moon is full");
    assert_string_equal(p->order->declined, "the moon is full");
    forget(&w);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, plugin_folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_known_hash_is_not_probed_again),
        TEST(what_was_found_with_another_abi_is_not_believed),
        TEST(what_others_may_have_written_is_not_believed),
        TEST(nonsense_in_the_record_does_no_harm),
        TEST(an_entry_that_is_not_understood_is_probed_again),
        TEST(what_has_gone_is_forgotten),
        TEST(who_is_not_wanted_is_not_opened),
        TEST(each_gets_its_state),
        TEST(the_quarantined_wait_but_not_the_required),
        TEST(declining_spreads),
    };
    return cmocka_run_group_tests_name("plugin_catalog", tests, NULL, NULL);
}
