/* What is generated from the tables: valid itself, and the same as what is committed. */
#include "config_fixture.h"

#include "config/render.h"
#include "config/typed.h"

static const struct config_table *const tables[] = { &core_config_table };

static void assert_committed(const char *path, struct buf *wanted, const char *how)
{
    char full[500];
    struct buf found = BUF_INIT;
    char block[4096];
    size_t n;

    snprintf(full, sizeof(full), "%s/%s", DOWEL_SOURCE_DIR, path);
    FILE *file = fopen(full, "r");
    if (!file)
        fail_msg("%s is missing; make it with: %s", path, how);
    while ((n = fread(block, 1, sizeof(block), file)) > 0)
        buf_add(&found, block, n);
    fclose(file);
    if (!str_equal(buf_str(&found), buf_str(wanted)))
        fail_msg("%s is not what the tables give; make it again with: %s", path, how);
    buf_finish(&found);
    buf_finish(wanted);
}

static void committed_pages_are_up_to_date(void **state)
{
    struct buf text = BUF_INIT;
    (void)state;

    render_reference(&text, tables, 1);
    assert_committed("docs/configuration.md", &text, "dowel config reference core >docs/configuration.md");
    render_env(&text, tables, 1);
    assert_committed(".env.example", &text, "dowel config env core >.env.example");
    render_yaml(&text, &core_config_table);
    assert_committed("conf.d/core.yaml", &text, "rm conf.d/core.yaml; dowel init --config conf.d --data var");
}

/* Lines "#name..." lose their "#"; comments are "# ...". */
static void uncomment(struct buf *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p == '#' && p[1] != ' ' && p[1] != '\n' && (p == text || p[-1] == '\n'))
            continue;
        buf_add_char(out, *p);
    }
}

static void assert_all_defaults(struct fixture *f)
{
    struct config *loaded;
    struct config_field field, other;
    struct buf a = BUF_INIT, b = BUF_INIT;
    size_t n = 0;

    assert_string_equal(fixture_said(f), "");
    loaded = config_hold(f->config);
    unlink(fixture_path(f, "conf.d/core.yaml"));
    unlink(fixture_path(f, ".env"));
    assert_int_equal(fixture_load(f), 0);
    for (size_t at = 0, at2 = 0; config_next(loaded, &at, &field) && config_next(f->config, &at2, &other);
         n++) {
        a.n = b.n = 0;
        typed_format_json(&a, field.item, field.values);
        typed_format_json(&b, other.item, other.values);
        assert_string_equal(buf_text(&a), buf_text(&b));
        assert_string_not_equal(field.place.source, "default");
    }
    assert_true(n > 25);
    config_drop(loaded);
    buf_finish(&a);
    buf_finish(&b);
}

static void example_file_says_the_defaults(void **state)
{
    struct fixture *f = *state;
    struct buf text = BUF_INIT, uncommented = BUF_INIT;

    render_yaml(&text, &core_config_table);
    fixture_good(f, buf_text(&text));
    uncomment(&uncommented, buf_text(&text));
    fixture_good(f, buf_text(&uncommented));
    assert_all_defaults(f);
    buf_finish(&text);
    buf_finish(&uncommented);
}

static void example_environment_says_the_defaults(void **state)
{
    struct fixture *f = *state;
    struct buf text = BUF_INIT, uncommented = BUF_INIT;

    render_env(&text, tables, 1);
    uncomment(&uncommented, buf_text(&text));
    fixture_write(f, ".env", buf_text(&uncommented));
    fixture_load(f);
    assert_all_defaults(f);
    buf_finish(&text);
    buf_finish(&uncommented);
}

static void assert_only_absent_files(struct fixture *f, const char *yaml)
{
    for (const struct config_problem *p = f->problems.first; p; p = p->next) {
        if (!strstr(p->text, "that is not there") && !strstr(p->text, "there is no certificate"))
            fail_msg("%s: %s", yaml, p->text);
    }
}

/* An example that the server would refuse helps nobody; files that it names need not be here. */
static void examples_are_valid(void **state)
{
    struct fixture *f = *state;

    for (const struct config_item *it = core_config_table.items; it->name; it++) {
        struct buf yaml = BUF_INIT;
        if (!it->example)
            continue;
        buf_add_format(&yaml, "%s: %s\n", it->name, it->example);
        fixture_write_bytes(f, "conf.d/core.yaml", yaml.p, yaml.n, 0600);
        fixture_load(f);
        assert_only_absent_files(f, buf_text(&yaml));
        buf_finish(&yaml);
    }
}

struct plugin {
    const char *url;
    struct config_secret token;
};

static const struct config_item plugin_items[] = {
    CONFIG_ITEM(struct plugin, url, .pattern = "url", .example = "https://desk.example",
                .help = "The helpdesk"),
    CONFIG_ITEM(struct plugin, token, .min = 10, .help = "The key to it"),
    { .name = NULL },
};

static void plugins_get_pages_too(void **state)
{
    static const struct config_table table = {
        .name = "help-desk",
        .summary = "A helpdesk",
        .items = plugin_items,
        .size = sizeof(struct plugin),
    };
    static const struct config_table *const list[] = { &table };
    struct buf text = BUF_INIT;
    (void)state;

    render_yaml(&text, &table);
    assert_non_null(strstr(buf_text(&text), "\nenabled: true\n"));
    assert_non_null(strstr(buf_text(&text), "\n#url: https://desk.example\n"));
    text.n = 0;
    render_env(&text, list, 1);
    assert_non_null(strstr(buf_text(&text), "\n#DOWEL_HELP_DESK__TOKEN=\n"));
    text.n = 0;
    render_reference(&text, list, 1);
    assert_non_null(strstr(buf_text(&text), "\n## `help-desk.yaml`: A helpdesk\n"));
    assert_non_null(strstr(
        buf_text(&text), "- Type: a text, at least 10 bytes; secret, never shown\n- Default: must be set\n"));
    buf_finish(&text);
}

#define LOADING(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(committed_pages_are_up_to_date), LOADING(example_file_says_the_defaults),
        LOADING(example_environment_says_the_defaults),   LOADING(examples_are_valid),
        cmocka_unit_test(plugins_get_pages_too),
    };
    return cmocka_run_group_tests_name("config pages", tests, NULL, NULL);
}
