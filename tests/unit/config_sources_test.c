/* Where values come from: .env, the environment, *_FILE, aliases, the command line, and which of them wins. */
#include "config_fixture.h"

#include "config/environment.h"
#include "util/compiler.h"

/* ---- .env ---- */

static const struct core_config *env_good(struct fixture *f, const char *text)
{
    fixture_write(f, ".env", text);
    int result = fixture_load(f);
    assert_string_equal(fixture_said(f), "");
    assert_int_equal(result, 0);
    return core_config(f->config);
}

static void dotenv_forms_are_read(void **state)
{
    static const char text[] = "# a comment\n"
                               "\n"
                               "   # another\n"
                               "A=1\n"
                               "export B=two words # comment\n"
                               "C='sin$gle # \"x\" \\n'\n"
                               "D=\"dou\\\"ble\\n\\t\\\\ \\$x # \" # comment\n"
                               "E=\n"
                               "F= # empty\n"
                               "G=a#b\n"
                               "H=5$\n"
                               "I=''\n"
                               "  J=indented  \r\n"
                               "_k9=x=y\n"
                               "LAST=end";
    static const struct {
        const char *name, *value;
    } wanted[] = {
        { "A", "1" },
        { "B", "two words" },
        { "C", "sin$gle # \"x\" \\n" },
        { "D", "dou\"ble\n\t\\ $x # " },
        { "E", "" },
        { "F", "" },
        { "G", "a#b" },
        { "H", "5$" },
        { "I", "" },
        { "J", "indented" },
        { "_k9", "x=y" },
        { "LAST", "end" },
    };
    struct fixture *f = *state;
    struct variables v;
    struct arena arena;

    fixture_write(f, ".env", text);
    arena_init(&arena, NULL, 0, 0);
    variables_from_file(&arena, f->env_file, &v, &f->problems);
    assert_int_equal(f->problems.errors, 0);
    assert_int_equal(v.n, DW_COUNT_OF(wanted));
    for (size_t i = 0; i < v.n; i++) {
        assert_string_equal(v.list[i].name.p, wanted[i].name);
        assert_string_equal(v.list[i].value.p, wanted[i].value);
        assert_int_equal(v.list[i].value.n, strlen(wanted[i].value));
    }
    assert_int_equal(v.list[0].place.line, 4);
    arena_finish(&arena);
}

static void bad_dotenv_lines_are_refused(void **state)
{
    static const struct {
        const char *line, *said;
    } cases[] = {
        { "hello", "is not NAME=VALUE, comments begin with #" },
        { "1A=x", "is not NAME=VALUE: the name may have" },
        { "A =x", "is not NAME=VALUE: the name may have" },
        { "=x", "is not NAME=VALUE: the name may have" },
        { "A-B=x", "is not NAME=VALUE: the name may have" },
        { "A= x", "has a space behind =" },
        { "A=\"x", "has a double quote that is not closed" },
        { "A='x", "has a single quote that is not closed" },
        { "A='", "has a single quote that is not closed" },
        { "A=\"\\q\"", "has an unknown escape" },
        { "A=\"x\\", "has an unknown escape" },
        { "A=\"x\" y", "has something behind the closing quote" },
        { "A='x'y", "has something behind the closing quote" },
        { "A=x\"y", "has a quote inside" },
        { "A=it's", "has a quote inside" },
        { "A=$HOME", "has a $ or ` that other readers would expand" },
        { "A=a${B}", "has a $ or ` that other readers would expand" },
        { "A=\"$(id)\"", "has a $ or ` that other readers would expand" },
        { "A=`id`", "has a $ or ` that other readers would expand" },
        { "A=#fff", "has a # right behind =" },
        { "FIRST=again", "sets a variable for the second time" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        char text[200], said[300];
        snprintf(text, sizeof(text), "FIRST=1\n%s\nLAST=1\n", cases[i].line);
        snprintf(said, sizeof(said), ".env:2: %s", cases[i].said);
        fixture_write(f, ".env", text);
        assert_int_equal(fixture_load(f), -1);
        if (strncmp(fixture_said(f), said, strlen(said)) != 0)
            fail_msg("%s: %s", cases[i].line, fixture_said(f));
        assert_int_equal(f->problems.errors, 1);
    }
}

static void dotenv_sets_items_and_only_those(void **state)
{
    struct fixture *f = *state;
    const struct core_config *c = env_good(f, "POSTGRES_PASSWORD='x'\nDOWEL_CORE__QUEUE=7\nLOG_LEVEL=WARN\n");

    assert_int_equal(c->queue, 7);
    assert_string_equal(c->log_level, "warn");
    fixture_write(f, ".env", "\nDOWEL_CORE__QUEU=7\nDOWEL_CORE__LOOPS=x\n");
    assert_int_equal(fixture_load(f), -1);
    assert_string_equal(fixture_said(f), ".env:2: unknown item, did you mean DOWEL_CORE__QUEUE?\n"
                                         ".env:3: loops: \"x\" is not a whole number\n");
}

static void dotenv_must_be_a_safe_file(void **state)
{
    struct fixture *f = *state;

    fixture_write_bytes(f, ".env", "A=1\n", 4, 0666);
    assert_int_equal(fixture_load(f), -1);
    assert_string_equal(fixture_said(f),
                        ".env: everyone may write to this file, take the right away: chmod o-w\n");
    fixture_write_bytes(f, ".env", "A=1\nB=\0\n", 8, 0600);
    assert_int_equal(fixture_load(f), -1);
    assert_string_equal(fixture_said(f), ".env:2: has a control character (byte 0x00), remove it\n");
    fixture_write(f, ".env",
                  "\xef\xbb\xbf"
                  "DOWEL_CORE__QUEUE=3\n");
    assert_int_equal(fixture_load(f), 0);
    assert_int_equal(core_config(f->config)->queue, 3);
    assert_int_equal(unlink(f->env_file), 0);
    assert_int_equal(mkdir(f->env_file, 0755), 0);
    assert_int_equal(fixture_load(f), -1);
    assert_string_equal(fixture_said(f), ".env: is a directory, a file is needed here\n");
}

static void dotenv_has_a_limit(void **state)
{
    struct fixture *f = *state;
    struct buf text = BUF_INIT;

    for (unsigned i = 0; i < 1001; i++)
        buf_add_format(&text, "A%u=x\n", i);
    fixture_write(f, ".env", buf_text(&text));
    buf_finish(&text);
    assert_int_equal(fixture_load(f), -1);
    assert_string_equal(fixture_said(f), ".env:1001: is one variable too many: a file may have 1000\n");
}

/* ---- the environment ---- */

enum { VARIABLES_MAX = 8 };

/* Loads with these variables, given as "NAME=VALUE"; ends with NULL. */
static int load_with(struct fixture *f, const char *const *variables)
{
    char *environment[VARIABLES_MAX + 1] = { NULL };
    size_t n = 0;

    for (; variables[n]; n++) {
        assert_true(n < VARIABLES_MAX);
        environment[n] = strdup(variables[n]);
        assert_non_null(environment[n]);
    }
    f->source.environment = environment;
    int result = fixture_load(f);
    f->source.environment = NULL;
    for (size_t i = 0; i < n; i++)
        free(environment[i]);
    return result;
}

#define LOAD_WITH(f, ...) load_with((f), (const char *const[]){ __VA_ARGS__, NULL })

static void variables_set_items(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(LOAD_WITH(f, "DOWEL_CORE__QUEUE=7", "DOWEL_CORE__ACCESS_LOG=false",
                               "DOWEL_CORE__LISTEN=[::1]:80, 127.0.0.1:81", "DOWEL_CORE__BODY_MAX=2 MiB",
                               "CORS_ORIGINS=[\"https://a.example\", \"https://b.example\"]",
                               "LOG_LEVEL=DEBUG", "PATH=/bin", "DOWEL_SERVICE_PORT=1"),
                     0);
    assert_string_equal(fixture_said(f), "");
    const struct core_config *c = core_config(f->config);
    assert_int_equal(c->queue, 7);
    assert_false(c->access_log);
    assert_int_equal(c->listeners_n, 2);
    assert_string_equal(c->listen.v[0], "[::1]:80");
    assert_string_equal(c->listen.v[1], "127.0.0.1:81");
    assert_int_equal(c->body_max.bytes, 2097152);
    assert_int_equal(c->cors_origins.n, 2);
    assert_string_equal(c->cors_origins.v[1], "https://b.example");
    assert_string_equal(c->log_level, "debug");
}

static void empty_variables(void **state)
{
    struct fixture *f = *state;

    /* A short name belongs to everyone: empty, it says nothing. */
    assert_int_equal(
        LOAD_WITH(f, "LOG_LEVEL=", "CORS_ORIGINS=", "DOWEL_CORE__STATIC_DIR=", "DOWEL_CORE__CORS_ORIGINS="),
        0);
    assert_string_equal(core_config(f->config)->log_level, "info");
    assert_int_equal(LOAD_WITH(f, "DOWEL_CORE__QUEUE="), -1);
    assert_string_equal(fixture_said(f),
                        "environment DOWEL_CORE__QUEUE: queue: \"\" is not a whole number\n");
}

static void bad_variables_are_told(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(
        LOAD_WITH(f, "DOWEL_CORE__QUEUE=many", "LOG_LEVEL=loud", "DOWEL_CORE__LISTEN=127.0.0.1:80,",
                  "DOWEL_CORE__CORS_ORIGINS=[\"https://a.example\"", "DOWEL_CORE__METRICS_ALLOW=[\"x\", 1]",
                  "DOWEL_CORE__STATIC_DIR=\xff", "DOWEL_CORE__ACCESS_LOG=1", "DOWEL_CORE__LOG_FORMAT=xml"),
        -1);
    fixture_assert_said(f, "environment DOWEL_CORE__QUEUE: queue: \"many\" is not a whole number\n");
    fixture_assert_said(f, "environment LOG_LEVEL: log_level: \"loud\" is none of: debug info warn error\n");
    fixture_assert_said(f, "environment DOWEL_CORE__LISTEN: listen: \"\" is an empty entry\n");
    fixture_assert_said(
        f, "environment DOWEL_CORE__CORS_ORIGINS: cors_origins: is not YAML: flow sequence without a "
           "closing bracket, write a list as a,b or [\"a\", \"b\"]\n");
    fixture_assert_said(
        f, "environment DOWEL_CORE__METRICS_ALLOW: metrics_allow: must be a list of texts, found a "
           "number, put it in quotes\n");
    fixture_assert_said(f, "environment DOWEL_CORE__METRICS_ALLOW: metrics_allow: \"x\" is not a network");
    fixture_assert_said(f, "environment DOWEL_CORE__STATIC_DIR: static_dir: \"\xef\xbf\xbd\" is not UTF-8\n");
    fixture_assert_said(f, "environment DOWEL_CORE__ACCESS_LOG: access_log: \"1\" must be true or false\n");
    assert_int_equal(f->problems.errors, 9);
}

static void unknown_variables_are_told(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(LOAD_WITH(f, "DOWEL_CORE__LISTN=x", "DOWEL_CORE__BLUB=x", "DOWEL_CORE__=x",
                               "DOWEL_ZAMMAD__URL=x", "DOWEL_COER__LISTEN=x", "DOWEL_CORE_LISTEN=x",
                               "DOWEL__X=1"),
                     -1);
    assert_string_equal(
        fixture_said(f),
        "environment DOWEL_CORE__LISTN: unknown item, did you mean DOWEL_CORE__LISTEN?\n"
        "environment DOWEL_CORE__BLUB: unknown item\n"
        "environment DOWEL_CORE__: unknown item\n"
        "environment DOWEL_ZAMMAD__URL: warning: no plugin of that name is installed\n"
        "environment DOWEL_COER__LISTEN: warning: no plugin of that name is installed, did you mean "
        "DOWEL_CORE__...?\n"
        "environment DOWEL_CORE_LISTEN: warning: is not read, did you mean DOWEL_CORE__LISTEN?\n");
    assert_int_equal(f->problems.errors, 3);
    assert_int_equal(f->problems.warnings, 3);
}

/* ---- *_FILE ---- */

static void files_hold_values(void **state)
{
    struct fixture *f = *state;
    char level[200], proxy[200];

    fixture_write(f, "level", "warn\n");
    fixture_write_bytes(f, "proxy", "http://me:secret@proxy.example:3128\r\n", 37, 0600);
    snprintf(level, sizeof(level), "LOG_LEVEL_FILE=%s/level", f->root);
    snprintf(proxy, sizeof(proxy), "DOWEL_CORE__CLIENT_PROXY_FILE=%s/proxy", f->root);
    assert_int_equal(LOAD_WITH(f, level, proxy), 0);
    assert_string_equal(fixture_said(f), "");
    assert_string_equal(core_config(f->config)->log_level, "warn");
    assert_string_equal(core_config(f->config)->client_proxy.hidden, "http://me:secret@proxy.example:3128");
}

static void only_one_line_end_is_cut(void **state)
{
    struct fixture *f = *state;
    char variable[200];

    fixture_write(f, "level", "warn\n\n");
    snprintf(variable, sizeof(variable), "LOG_LEVEL_FILE=%s/level", f->root);
    assert_int_equal(LOAD_WITH(f, variable), -1);
    assert_string_equal(
        fixture_said(f),
        "environment LOG_LEVEL_FILE: log_level: \"warn\\n\" is none of: debug info warn error\n");
}

static void files_of_secrets_are_private(void **state)
{
    struct fixture *f = *state;
    char variable[200];

    fixture_write(f, "proxy", "http://me:secret@proxy.example:3128");
    snprintf(variable, sizeof(variable), "DOWEL_CORE__CLIENT_PROXY_FILE=%s/proxy", f->root);
    assert_int_equal(LOAD_WITH(f, variable), -1);
    fixture_assert_said(
        f, "environment DOWEL_CORE__CLIENT_PROXY_FILE: client_proxy: proxy everyone may read this file "
           "and it holds a secret, take the right away: chmod o-r");
    assert_int_equal(LOAD_WITH(f, "DOWEL_CORE__CLIENT_PROXY_FILE=/nonexistent"), -1);
    assert_string_equal(fixture_said(f),
                        "environment DOWEL_CORE__CLIENT_PROXY_FILE: client_proxy: /nonexistent cannot be "
                        "read: No such file or directory\n");
    assert_int_equal(LOAD_WITH(f, "DOWEL_CORE__CLIENT_PROXY_FILE="), -1);
    assert_null(strstr(fixture_said(f), "secret@"));
}

/* client_ca_file is an item; it is not the file of an item client_ca, were there one. */
static void an_item_may_end_in_file(void **state)
{
    struct fixture *f = *state;
    char variable[200], wanted[100];

    fixture_write(f, "ca.pem", "x");
    snprintf(wanted, sizeof(wanted), "%s/ca.pem", f->root);
    snprintf(variable, sizeof(variable), "DOWEL_CORE__CLIENT_CA_FILE=%s", wanted);
    assert_int_equal(LOAD_WITH(f, variable), 0);
    assert_string_equal(core_config(f->config)->client_ca_file, wanted);
}

/* ---- which one wins ---- */

static void assert_queue(struct fixture *f, int64_t value, const char *origin)
{
    struct config_field field;
    struct buf place = BUF_INIT;
    const char *nearest;

    assert_string_equal(fixture_said(f), "");
    assert_int_equal(core_config(f->config)->queue, value);
    assert_int_equal(config_find(f->config, "core.queue", &field, &nearest), 0);
    config_place_format(&place, field.place);
    const char *text = buf_text(&place);
    if (strncmp(text, f->root, strlen(f->root)) == 0)
        text += strlen(f->root) + 1;
    assert_string_equal(text, origin);
    buf_finish(&place);
}

static void later_sources_win(void **state)
{
    static const char *const given[] = { "100", "600" };
    static const struct config_override override = { "--queue", "core", "queue", given, 2 };
    struct fixture *f = *state;
    char file[200], dotenv[200];

    fixture_load(f);
    assert_queue(f, 1024, "default");

    fixture_write(f, "conf.d/core.yaml", "# comment\nqueue: 100\n");
    fixture_load(f);
    assert_queue(f, 100, "conf.d/core.yaml:2");

    fixture_write(f, "two", "201\n");
    snprintf(dotenv, sizeof(dotenv), "DOWEL_CORE__QUEUE_FILE=%s/two\n", f->root);
    fixture_write(f, ".env", dotenv);
    fixture_load(f);
    assert_queue(f, 201, ".env:1");

    fixture_write(f, ".env", "DOWEL_CORE__QUEUE=200\nDOWEL_CORE__QUEUE_FILE=/nonexistent/but/checked\n");
    assert_int_equal(fixture_load(f), -1);
    snprintf(dotenv, sizeof(dotenv), "DOWEL_CORE__QUEUE=200\nDOWEL_CORE__QUEUE_FILE=%s/two\n", f->root);
    fixture_write(f, ".env", dotenv);
    fixture_load(f);
    assert_queue(f, 200, ".env:1");

    fixture_write(f, "three", "300");
    snprintf(file, sizeof(file), "DOWEL_CORE__QUEUE_FILE=%s/three", f->root);
    LOAD_WITH(f, file);
    assert_queue(f, 300, "environment DOWEL_CORE__QUEUE_FILE");

    LOAD_WITH(f, "DOWEL_CORE__QUEUE=400", file);
    assert_queue(f, 400, "environment DOWEL_CORE__QUEUE");

    f->source.overrides = &override;
    f->source.overrides_n = 1;
    LOAD_WITH(f, "DOWEL_CORE__QUEUE=400", file);
    assert_queue(f, 600, "command line --queue");
}

static void full_names_win_over_aliases(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(LOAD_WITH(f, "LOG_LEVEL=error", "DOWEL_CORE__LOG_LEVEL=warn"), 0);
    assert_string_equal(core_config(f->config)->log_level, "warn");
    assert_int_equal(LOAD_WITH(f, "DOWEL_CORE__LOG_LEVEL=warn", "LOG_LEVEL=error"), 0);
    assert_string_equal(core_config(f->config)->log_level, "warn");
    fixture_write(f, ".env", "DOWEL_CORE__LOG_LEVEL=debug\n");
    assert_int_equal(LOAD_WITH(f, "LOG_LEVEL=error"), 0);
    assert_string_equal(core_config(f->config)->log_level, "error");
}

static void what_loses_is_checked_all_the_same(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, "conf.d/core.yaml", "queue: 0\n");
    assert_int_equal(LOAD_WITH(f, "DOWEL_CORE__QUEUE=5"), -1);
    assert_string_equal(fixture_said(f), "conf.d/core.yaml:1: queue: \"0\" must be between 1 and 1000000\n");
}

static void the_command_line_replaces_lists(void **state)
{
    static const char *const given[] = { "127.0.0.1:1", "unix:/a,b" };
    static const char *const bad[] = { "nonsense" };
    struct config_override override = { "--listen", "core", "listen", given, 2 };
    struct fixture *f = *state;

    f->source.overrides = &override;
    f->source.overrides_n = 1;
    const struct core_config *c = fixture_good(f, "listen: 127.0.0.1:9999\n");
    assert_int_equal(c->listeners_n, 2);
    assert_string_equal(c->listeners[1].path, "/a,b");

    override.n = 0;
    assert_int_equal(fixture_load(f), 0);
    assert_int_equal(core_config(f->config)->listeners[0].port, 9999);

    override.values = bad;
    override.n = 1;
    assert_int_equal(fixture_load(f), -1);
    fixture_assert_said(f, "command line --listen: listen: \"nonsense\" has no port");
    override.item = "nothing";
    assert_int_equal(fixture_load(f), -1);
    assert_string_equal(fixture_said(f), "command line --listen: nothing: unknown item\n");
}

#define LOADING(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOADING(dotenv_forms_are_read),
        LOADING(bad_dotenv_lines_are_refused),
        LOADING(dotenv_sets_items_and_only_those),
        LOADING(dotenv_must_be_a_safe_file),
        LOADING(dotenv_has_a_limit),
        LOADING(variables_set_items),
        LOADING(empty_variables),
        LOADING(bad_variables_are_told),
        LOADING(unknown_variables_are_told),
        LOADING(files_hold_values),
        LOADING(only_one_line_end_is_cut),
        LOADING(files_of_secrets_are_private),
        LOADING(an_item_may_end_in_file),
        LOADING(later_sources_win),
        LOADING(full_names_win_over_aliases),
        LOADING(what_loses_is_checked_all_the_same),
        LOADING(the_command_line_replaces_lists),
    };
    return cmocka_run_group_tests_name("config sources", tests, NULL, NULL);
}
