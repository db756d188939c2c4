/* `dowel config` and `dowel init`, each call a process of its own. */
#include "config_fixture.h"

#include <fcntl.h>
#include <jansson.h>
#include <sys/wait.h>

#include "cli/cli.h"

enum { ARGUMENTS_MAX = 12, TEXT_MAX = 1 << 16 };

struct spoken {
    int code;
    char out[TEXT_MAX], err[TEXT_MAX];
};

static void read_back(int fd, char *out)
{
    ssize_t n = pread(fd, out, TEXT_MAX - 1, 0);
    assert_true(n >= 0);
    out[n] = 0;
    close(fd);
}

static int scratch(struct fixture *f)
{
    int fd = open(f->root, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    return fd;
}

/* Runs in the fixture's folder with an environment of its own; arguments end with NULL. */
static const struct spoken *dowel(struct fixture *f, const char *const *arguments)
{
    static struct spoken spoken;
    char *argv[ARGUMENTS_MAX + 2] = { (char *)(uintptr_t) "dowel" };
    int argc = 1, out = scratch(f), err = scratch(f), status;

    for (; arguments[argc - 1]; argc++) {
        assert_true(argc <= ARGUMENTS_MAX);
        argv[argc] = (char *)(uintptr_t)arguments[argc - 1];
    }
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        clearenv();
        dup2(out, STDOUT_FILENO);
        dup2(err, STDERR_FILENO);
        umask(022);
        alarm(20);
        int code = chdir(f->root) == 0 ? cli_main(argc, argv) : 120;
        fflush(NULL);
        _exit(code);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    spoken.code = WEXITSTATUS(status);
    read_back(out, spoken.out);
    read_back(err, spoken.err);
    return &spoken;
}

#define DOWEL(f, ...) dowel((f), (const char *const[]){ __VA_ARGS__, NULL })

static json_t *parse(const struct spoken *s)
{
    json_error_t error;
    json_t *root = json_loads(s->out, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        fail_msg("not JSON: %s in: %s", error.text, s->out);
    return root;
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void check_says_all_and_ends_with_3(void **state)
{
    struct fixture *f = *state;
    const struct spoken *s = DOWEL(f, "config", "check");

    assert_int_equal(s->code, CLI_OK);
    assert_string_equal(s->out, "conf.d: 0 errors, 0 warnings\n");
    assert_string_equal(s->err, "");

    fixture_write(f, "conf.d/core.yaml", "queue: 0\nlistn: x\nrate_burst: 3\n");
    s = DOWEL(f, "config", "check", "--config", "conf.d");
    assert_int_equal(s->code, CLI_CONFIG);
    assert_string_equal(s->out, "conf.d: 2 errors, 1 warnings\n");
    assert_string_equal(
        s->err,
        "conf.d/core.yaml:1: queue: \"0\" must be between 1 and 1000000\n"
        "conf.d/core.yaml:2: listn: unknown item, did you mean listen?\n"
        "conf.d/core.yaml:3: warning: rate_burst: is not used: rate_limit is off, set rate_limit, for "
        "example to 100/1m\n");
}

static void check_as_json(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, "conf.d/core.yaml", "queue: 5\nlistn: x\nrate_burst: 3\n");
    const struct spoken *s = DOWEL(f, "config", "check", "--output", "json");
    assert_int_equal(s->code, CLI_CONFIG);
    assert_string_equal(s->err, "");
    json_t *root = parse(s);
    const json_t *errors = json_object_get(root, "errors"), *error = json_array_get(errors, 0);
    assert_true(json_is_false(json_object_get(root, "ok")));
    assert_int_equal(json_array_size(errors), 1);
    assert_string_equal(text_at(error, "file"), "conf.d/core.yaml");
    assert_int_equal(json_integer_value(json_object_get(error, "line")), 2);
    assert_string_equal(text_at(error, "table"), "core");
    assert_string_equal(text_at(error, "item"), "listn");
    assert_string_equal(text_at(error, "text"), "unknown item");
    assert_string_equal(text_at(error, "hint"), "did you mean listen?");
    assert_int_equal(json_array_size(json_object_get(root, "warnings")), 1);
    json_decref(root);

    unlink(fixture_path(f, "conf.d/core.yaml"));
    s = DOWEL(f, "config", "check", "--output", "json");
    assert_int_equal(s->code, CLI_OK);
    root = parse(s);
    assert_true(json_is_true(json_object_get(root, "ok")));
    json_decref(root);
}

static void a_directory_that_was_named_must_be_there(void **state)
{
    struct fixture *f = *state;
    const struct spoken *s = DOWEL(f, "config", "check", "--config", "elsewhere");

    assert_int_equal(s->code, CLI_CONFIG);
    assert_string_equal(
        s->err, "elsewhere: No such file or directory, make the directory with: dowel init --config DIR\n");
}

static void show_masks_secrets_and_names_origins(void **state)
{
    struct fixture *f = *state;

    fixture_write_bytes(f, "conf.d/core.yaml",
                        "client_proxy: http://me:hunter2@p.example:1\nrate_limit: 5/1s\n", 61, 0600);
    fixture_write(f, ".env", "LOG_LEVEL=warn\n");
    const struct spoken *s = DOWEL(f, "config", "show", "--origin");
    assert_int_equal(s->code, CLI_OK);
    assert_string_equal(s->err, "");
    assert_non_null(strstr(s->out, "core:\n  listen:                  [\"127.0.0.1:8000\"]  # default\n"));
    assert_non_null(strstr(s->out, "  client_proxy:            ***                 # conf.d/core.yaml:1\n"));
    assert_non_null(strstr(s->out, "  rate_limit:              5/1s                # conf.d/core.yaml:2\n"));
    assert_non_null(strstr(s->out, "  log_level:               warn                # .env:1\n"));
    assert_null(strstr(s->out, "hunter2"));
    s = DOWEL(f, "config", "show");
    assert_non_null(strstr(s->out, "\n  static_dir:              \"\"\n"));
    assert_null(strstr(s->out, "#"));
    assert_null(strstr(s->out, "hunter2"));

    s = DOWEL(f, "config", "show", "--output", "json");
    assert_null(strstr(s->out, "hunter2"));
    json_t *root = parse(s);
    const json_t *core = json_object_get(root, "core");
    assert_string_equal(text_at(json_object_get(core, "client_proxy"), "value"), "***");
    assert_string_equal(text_at(json_object_get(core, "client_proxy"), "origin"), "conf.d/core.yaml:1");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(core, "queue"), "value")), 1024);
    assert_true(json_is_true(json_object_get(json_object_get(core, "access_log"), "value")));
    assert_int_equal(json_array_size(json_object_get(json_object_get(core, "listen"), "value")), 1);
    json_decref(root);

    fixture_write(f, ".env", "LOG_LEVEL=loud\n");
    s = DOWEL(f, "config", "show");
    assert_int_equal(s->code, CLI_CONFIG);
    assert_string_equal(s->out, "");
    assert_string_equal(s->err, ".env:1: log_level: \"loud\" is none of: debug info warn error\n");
}

/* What show prints is YAML that gives the same values again. */
static void show_can_be_read_again(void **state)
{
    struct fixture *f = *state;
    struct buf yaml = BUF_INIT;

    fixture_write(f, "conf.d/core.yaml",
                  "static_dir: /\nlisten: [\"127.0.0.1:0\", \"unix:/a b\"]\nheader_timeout: 1500ms\n");
    struct str text = str_from(DOWEL(f, "config", "show")->out), line;
    assert_true(str_split(&text, '\n', &line));
    while (str_split(&text, '\n', &line)) {
        buf_add_str(&yaml, str_trim(line));
        buf_add_char(&yaml, '\n');
    }
    const struct core_config *c = fixture_good(f, buf_text(&yaml));
    assert_string_equal(c->static_dir, "/");
    assert_string_equal(c->listen.v[1], "unix:/a b");
    assert_int_equal(c->header_timeout.us, 1500000);
    assert_int_equal(c->body_max.bytes, 1 << 20);
    buf_finish(&yaml);
}

static void get_prints_one_value(void **state)
{
    struct fixture *f = *state;
    const struct spoken *s;

    fixture_write(f, "conf.d/core.yaml", "listen: [\"127.0.0.1:1\", \"unix:/a\"]\nidle_timeout: 90s\n");
    s = DOWEL(f, "config", "get", "listen");
    assert_int_equal(s->code, CLI_OK);
    assert_string_equal(s->out, "127.0.0.1:1\nunix:/a\n");
    assert_string_equal(DOWEL(f, "config", "get", "core.idle_timeout")->out, "1m30s\n");
    assert_string_equal(DOWEL(f, "config", "get", "static_dir")->out, "\n");

    json_t *root = parse(DOWEL(f, "config", "get", "idle_timeout", "--output", "json"));
    assert_string_equal(text_at(root, "item"), "core.idle_timeout");
    assert_string_equal(text_at(root, "value"), "1m30s");
    assert_string_equal(text_at(root, "origin"), "conf.d/core.yaml:2");
    json_decref(root);

    s = DOWEL(f, "config", "get", "lisen");
    assert_int_equal(s->code, CLI_FAILED);
    assert_string_equal(s->err, "lisen: unknown item, did you mean listen?\n");
    s = DOWEL(f, "config", "get", "client_proxy");
    assert_int_equal(s->code, CLI_FAILED);
    assert_string_equal(s->out, "");
    assert_non_null(strstr(s->err, "core.client_proxy: is secret and never shown"));
}

static void wrong_usage_ends_with_2(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(DOWEL(f, "config")->code, CLI_USAGE);
    assert_int_equal(DOWEL(f, "config", "destroy")->code, CLI_USAGE);
    assert_int_equal(DOWEL(f, "config", "get")->code, CLI_USAGE);
    assert_int_equal(DOWEL(f, "config", "get", "a", "b")->code, CLI_USAGE);
    assert_int_equal(DOWEL(f, "config", "check", "x")->code, CLI_USAGE);
    assert_int_equal(DOWEL(f, "init", "x")->code, CLI_USAGE);
}

static void pages_come_without_a_configuration(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, "conf.d/core.yaml", "broken: [\n");
    const struct spoken *s = DOWEL(f, "config", "reference");
    assert_int_equal(s->code, CLI_OK);
    assert_int_equal(strncmp(s->out, "# Configuration\n", 16), 0);
    s = DOWEL(f, "config", "env");
    assert_int_equal(s->code, CLI_OK);
    assert_non_null(strstr(s->out, "\n#DOWEL_CORE__LISTEN="));
}

static mode_t mode_of(struct fixture *f, const char *name)
{
    struct stat st;
    assert_int_equal(stat(fixture_path(f, name), &st), 0);
    return st.st_mode & 07777;
}

static off_t size_of(struct fixture *f, const char *name)
{
    struct stat st;
    assert_int_equal(stat(fixture_path(f, name), &st), 0);
    return st.st_size;
}

static void init_makes_what_is_missing(void **state)
{
    struct fixture *f = *state;
    const struct spoken *s = DOWEL(f, "init", "--config", "a/b/conf.d", "--data", "a/data");

    assert_int_equal(s->code, CLI_OK);
    assert_string_equal(s->err, "");
    assert_string_equal(s->out, "made a/b/conf.d\nmade a/b/conf.d/core.yaml\nmade a/data\n"
                                "made a/data/secret.key\n\n"
                                "Next: look into a/b/conf.d/core.yaml, then\n"
                                "  dowel config check --config a/b/conf.d\n"
                                "  dowel serve --config a/b/conf.d --data a/data\n");
    assert_int_equal(mode_of(f, "a/data"), 0700);
    assert_int_equal(mode_of(f, "a/data/secret.key"), 0600);
    assert_int_equal(mode_of(f, "a/b/conf.d"), 0755);
    assert_int_equal(mode_of(f, "a/b/conf.d/core.yaml"), 0644);
    assert_int_equal(DOWEL(f, "config", "check", "--config", "a/b/conf.d")->code, CLI_OK);
}

static void init_changes_nothing_that_is_there(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, "conf.d/core.yaml", "queue: 5\n");
    assert_int_equal(mkdir(fixture_path(f, "data"), 0755), 0);
    fixture_write(f, "data/secret.key", "mine");
    const struct spoken *s = DOWEL(f, "init", "--config", "conf.d", "--data", "data", "--output", "json");
    assert_int_equal(s->code, CLI_OK);
    assert_string_equal(s->err, "data: has more rights than it needs, take them away: chmod 700 data\n");
    json_t *root = parse(s);
    const json_t *paths = json_object_get(root, "paths");
    assert_int_equal(json_array_size(paths), 4);
    assert_string_equal(text_at(json_array_get(paths, 1), "path"), "conf.d/core.yaml");
    for (size_t i = 0; i < 4; i++)
        assert_true(json_is_false(json_object_get(json_array_get(paths, i), "made")));
    json_decref(root);
    assert_int_equal(fixture_load(f), 0);
    assert_int_equal(core_config(f->config)->queue, 5);
    assert_int_equal(mode_of(f, "data"), 0755);
    assert_int_equal(size_of(f, "data/secret.key"), 4);
}

static void init_says_what_is_in_the_way(void **state)
{
    struct fixture *f = *state;
    const struct spoken *s;

    fixture_write(f, "file", "x");
    s = DOWEL(f, "init", "--config", "file", "--data", "data");
    assert_int_equal(s->code, CLI_FAILED);
    assert_string_equal(s->err, "file: is in the way: Not a directory\n");
    s = DOWEL(f, "init", "--config", "file/conf.d", "--data", "data");
    assert_int_equal(s->code, CLI_FAILED);
    assert_string_equal(s->err, "file/conf.d: cannot make this directory: Not a directory\n");
    assert_int_not_equal(access(fixture_path(f, "data"), F_OK), 0);
}

#define SPEAKING(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPEAKING(check_says_all_and_ends_with_3),
        SPEAKING(check_as_json),
        SPEAKING(a_directory_that_was_named_must_be_there),
        SPEAKING(show_masks_secrets_and_names_origins),
        SPEAKING(show_can_be_read_again),
        SPEAKING(get_prints_one_value),
        SPEAKING(wrong_usage_ends_with_2),
        SPEAKING(pages_come_without_a_configuration),
        SPEAKING(init_makes_what_is_missing),
        SPEAKING(init_changes_nothing_that_is_there),
        SPEAKING(init_says_what_is_in_the_way),
    };
    return cmocka_run_group_tests_name("config verbs", tests, NULL, NULL);
}
