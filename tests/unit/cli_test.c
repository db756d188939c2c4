/* The command line: each call is a process of its own, as for a user. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "cli/table.h"
#include "folder.h"
#include "supervise/sockets.h"
#include "util/clock.h"

enum { ARGUMENTS_MAX = 16, LIMIT_US = 20 * CLOCK_SECOND };

static char folder[] = "/tmp/dowel-cli-XXXXXX";
static char config_dir[64], data_dir[64];

struct result {
    int code;
    char out[1 << 15], err[1 << 14];
};

static int make_folders(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(config_dir, sizeof(config_dir), "%s/conf.d", folder);
    snprintf(data_dir, sizeof(data_dir), "%s/data", folder);
    return mkdir(config_dir, 0700) || mkdir(data_dir, 0700);
}

static int remove_folders(void **state)
{
    (void)state;
    return folder_remove(folder);
}

static void configure(const char *content)
{
    char path[96];

    snprintf(path, sizeof(path), "%s/core.yaml", config_dir);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fputs(content, f);
    fclose(f);
}

static void read_back(int fd, char *out, size_t size)
{
    ssize_t n = pread(fd, out, size - 1, 0);
    assert_true(n >= 0);
    out[n] = 0;
    close(fd);
}

static int scratch(void)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    return fd;
}

static pid_t start(int out, int err, int argc, char **argv)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGQUIT); /* nothing outlives a test that failed */
        dup2(out, STDOUT_FILENO);
        dup2(err, STDERR_FILENO);
        if (chdir(folder) != 0)
            _exit(120);
        exit(cli_main(argc, argv));
    }
    return pid;
}

/* "serve --listen 127.0.0.1:0": split at blanks; with the folders of this test behind. */
static int split(char *line, char *argv[ARGUMENTS_MAX], bool places)
{
    static char name[] = "dowel", config[] = "--config", data[] = "--data";
    int argc = 0;

    argv[argc++] = name;
    for (char *rest = NULL, *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    if (places) {
        argv[argc++] = config;
        argv[argc++] = config_dir;
        argv[argc++] = data;
        argv[argc++] = data_dir;
    }
    argv[argc] = NULL;
    return argc;
}

static struct result *run_with(const char *text, bool places)
{
    static struct result r;
    char line[256], *argv[ARGUMENTS_MAX];
    int out = scratch(), err = scratch(), status;

    snprintf(line, sizeof(line), "%s", text);
    int argc = split(line, argv, places);
    assert_true(waitpid(start(out, err, argc, argv), &status, 0) > 0);
    assert_true(WIFEXITED(status));
    r.code = WEXITSTATUS(status);
    read_back(out, r.out, sizeof(r.out));
    read_back(err, r.err, sizeof(r.err));
    return &r;
}

static struct result *run(const char *text)
{
    return run_with(text, true);
}

static void assert_says(const char *text, const char *wanted)
{
    if (!strstr(text, wanted))
        fail_msg("\"%s\" is not in:\n%s", wanted, text);
}

/* ---- help and usage ---- */

static void help_names_everything(void **state)
{
    struct result *r = run_with("--help", false);
    (void)state;

    assert_int_equal(r->code, CLI_OK);
    assert_string_equal(r->err, "");
    for (const struct cli_verb *const *v = cli_verbs; *v; v++)
        assert_says(r->out, (*v)->summary);
    for (int i = 0; i < CLI_EXITS; i++)
        assert_says(r->out, cli_exit_texts[i]);
}

static void each_verb_has_help(void **state)
{
    char line[64];
    (void)state;

    for (const struct cli_verb *const *v = cli_verbs; *v; v++) {
        snprintf(line, sizeof(line), "%s --help", (*v)->name);
        struct result *r = run(line);
        assert_int_equal(r->code, CLI_OK);
        assert_says(r->out, (*v)->summary);
        for (const struct cli_option *o = (*v)->options; o && o->name; o++)
            assert_says(r->out, o->help);
        assert_says(r->out, "Exit codes");
        snprintf(line, sizeof(line), "-h %s", (*v)->name);
        assert_int_equal(run(line)->code, CLI_OK);
    }
}

static void wrong_usage_is_exit_2_and_says_what_to_do(void **state)
{
    static const struct {
        const char *call, *says;
    } cases[] = {
        { "", "say what to do" },
        { "serv", "did you mean serve?" },
        { "zzz", "zzz: unknown verb" },
        { "serve --listne x", "did you mean --listen?" },
        { "version --zzz", "--zzz: unknown option" },
        { "version -x", "-x: unknown option" },
        { "version surplus", "version takes no arguments" },
        { "version --output", "--output needs a value" },
        { "version --output --help", "--output needs a value" },
        { "version --output=", "--output is empty" },
        { "version --output xml", "say text or json" },
        { "version --help=yes", "--help takes no value" },
        { "reload --upgrade --upgrade", "given twice" },
        { "reload --upgrade=now", "takes no value" },
        { "serve --listen nowhere", "nowhere" },
        { "completion", "bash" },
        { "completion fish", "fish" },
        { "completion bash zsh", "zsh" },
    };
    (void)state;

    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        struct result *r = run_with(cases[i].call, false);
        if (r->code != CLI_USAGE)
            fail_msg("\"%s\" is %d", cases[i].call, r->code);
        assert_string_equal(r->out, "");
        assert_says(r->err, cases[i].says);
        assert_says(r->err, "Usage: dowel");
    }
}

static void options_may_stand_anywhere(void **state)
{
    (void)state;
    assert_int_equal(run_with("--output json version", false)->out[0], '{');
    assert_int_equal(run_with("version --output=json", false)->out[0], '{');
    assert_int_equal(run_with("--version", false)->code, CLI_OK);
    assert_int_equal(run_with("version -- --help", false)->code,
                     CLI_USAGE); /* behind "--" it is an argument */
}

static void version_names_the_libraries(void **state)
{
    struct result *r = run("version --output json");
    json_t *version = json_loads(r->out, 0, NULL);
    (void)state;

    assert_string_equal(json_string_value(json_object_get(version, "name")), "dowel");
    assert_non_null(json_object_get(json_object_get(version, "libraries"), "libevent"));
    json_decref(version);
}

/* ---- what is made from the tables ---- */

static void the_page_is_up_to_date(void **state)
{
    static char page[1 << 16];
    struct buf made = BUF_INIT;
    (void)state;

    FILE *f = fopen(DOWEL_SOURCE_DIR "/docs/cli.md", "re");
    assert_non_null(f);
    page[fread(page, 1, sizeof(page) - 1, f)] = 0;
    fclose(f);
    cli_help_markdown(&made);
    if (strcmp(page, buf_text(&made)) != 0)
        fail_msg("docs/cli.md is old: dowel completion markdown > docs/cli.md");
    buf_finish(&made);
}

static void completed(const char *words, size_t index, const char *wanted)
{
    char script[512], got[512];
    int out = scratch(), status;

    snprintf(script, sizeof(script),
             "source %s/completion; COMP_WORDS=(%s \"\"); COMP_CWORD=%zu; _dowel; echo \"${COMPREPLY[*]}\"",
             folder, words, index);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(out, STDOUT_FILENO);
        execlp("bash", "bash", "-c", script, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    read_back(out, got, sizeof(got));
    assert_says(got, wanted);
}

static void bash_completes(void **state)
{
    char path[96];
    struct result *r = run("completion bash");
    (void)state;

    if (access("/bin/bash", X_OK) != 0)
        skip();
    snprintf(path, sizeof(path), "%s/completion", folder);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fputs(r->out, f);
    fclose(f);
    completed("dowel re", 1, "reload\n");
    completed("dowel", 1, "init serve config");
    completed("dowel reload --up", 2, "--upgrade\n");
    completed("dowel --data x conf", 3, "config\n");
    completed("dowel config sh", 2, "show\n");
    completed("dowel serve --output", 3, "text json\n");
}

/* ---- doctor ---- */

/* The worst that the check has found; "" when it says nothing. */
static const char *level_of(const json_t *findings, const char *check)
{
    const char *level = "";

    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *f = json_array_get(findings, i);
        if (strcmp(json_string_value(json_object_get(f, "check")), check) == 0 &&
            (level[0] == 0 || strcmp(level, "ok") == 0))
            level = json_string_value(json_object_get(f, "level"));
    }
    return level;
}

static void doctor_finds(const char *check, const char *level, int code)
{
    struct result *r = run("doctor --output json");
    json_t *page = json_loads(r->out, 0, NULL);

    if (!page)
        fail_msg("no JSON: %s%s", r->out, r->err);
    const char *got = level_of(json_object_get(page, "findings"), check);
    if (strcmp(got, level) != 0)
        fail_msg("%s is \"%s\" in %s", check, got, r->out);
    assert_int_equal(r->code, code);
    assert_int_equal(json_is_true(json_object_get(page, "ok")), code == CLI_OK);
    json_decref(page);
}

static void doctor_finds_what_is_wrong(void **state)
{
    struct listen_spec spec;
    struct socket_set set;
    struct buf why = BUF_INIT;
    char content[128];
    (void)state;

    configure("listen: [\"127.0.0.1:0\"]\n");
    doctor_finds("configuration", "ok", CLI_OK);
    doctor_finds("listen", "ok", CLI_OK);
    doctor_finds("server", "ok", CLI_OK);
    configure("listn: 1\n");
    doctor_finds("configuration", "bad", CLI_FAILED);

    assert_int_equal(listen_parse("127.0.0.1:0", &spec), 0);
    assert_int_equal(socket_set_open(&set, &spec, 1, &why), 0);
    snprintf(content, sizeof(content), "listen: [\"127.0.0.1:%u\"]\n", (unsigned)set.port);
    configure(content);
    doctor_finds("listen", "bad", CLI_FAILED);
    socket_set_close(&set);

    snprintf(content, sizeof(content), "listen: [\"unix:%s/http.sock\", \"unix:/nowhere/http.sock\"]\n",
             folder);
    configure(content);
    doctor_finds("listen", "bad", CLI_FAILED);
    configure("");
}

/* ---- with and without a server ---- */

static void without_a_server_reload_is_exit_4(void **state)
{
    struct result *r = run("reload");
    (void)state;
    assert_int_equal(r->code, CLI_UNREACHABLE);
    assert_says(r->err, data_dir);
}

static void serve_needs_a_good_configuration(void **state)
{
    (void)state;
    configure("listn: 1\n");
    struct result *r = run("serve");
    assert_int_equal(r->code, CLI_CONFIG);
    assert_says(r->err, "core.yaml:1");
    configure("");
}

static void serve_says_why_the_data_cannot_be_used(void **state)
{
    struct result *r = run_with("serve --listen 127.0.0.1:0 --data /dev/null/x", false);
    (void)state;
    assert_int_equal(r->code, CLI_FAILED);
    assert_says(r->err, "/dev/null/x");
}

static pid_t serve(int *out)
{
    static char line[256], *argv[ARGUMENTS_MAX];
    char text[128];
    int ends[2], err = scratch();
    size_t n = 0;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    snprintf(line, sizeof(line), "serve --listen 127.0.0.1:0");
    int argc = split(line, argv, true);
    pid_t pid = start(ends[1], err, argc, argv);
    close(ends[1]);
    while (n < sizeof(text) - 1 && read(ends[0], text + n, 1) == 1 && text[n] != '\n')
        n++;
    text[n] = 0;
    assert_says(text, "listening on http://127.0.0.1:");
    close(err);
    *out = ends[0];
    return pid;
}

static void a_running_server_is_reloaded_and_seen(void **state)
{
    int out, status;
    (void)state;

    configure("");
    pid_t pid = serve(&out);
    struct result *r = run("reload");
    assert_int_equal(r->code, CLI_OK);
    assert_says(r->out, "generation 2");
    r = run("reload --output json");
    assert_says(r->out, "\"generation\":3");
    doctor_finds("server", "ok", CLI_OK);

    configure("listn: 1\n");
    r = run("reload");
    assert_int_equal(r->code, CLI_CONFIG);
    assert_says(r->err, "core.yaml:1: listn: unknown item, did you mean listen?");
    r = run("reload --output json");
    assert_int_equal(r->code, CLI_CONFIG);
    assert_says(r->out, "\"ok\":false");
    configure("");

    r = run("serve --listen 127.0.0.1:0");
    assert_int_equal(r->code, CLI_FAILED);
    assert_says(r->err, data_dir);

    kill(pid, SIGTERM);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_names_everything),
        cmocka_unit_test(each_verb_has_help),
        cmocka_unit_test(wrong_usage_is_exit_2_and_says_what_to_do),
        cmocka_unit_test(options_may_stand_anywhere),
        cmocka_unit_test(version_names_the_libraries),
        cmocka_unit_test(the_page_is_up_to_date),
        cmocka_unit_test(bash_completes),
        cmocka_unit_test(doctor_finds_what_is_wrong),
        cmocka_unit_test(without_a_server_reload_is_exit_4),
        cmocka_unit_test(serve_needs_a_good_configuration),
        cmocka_unit_test(serve_says_why_the_data_cannot_be_used),
        cmocka_unit_test(a_running_server_is_reloaded_and_seen),
    };

    alarm(50); /* a call that hangs is a failure, not a wait */
    return cmocka_run_group_tests_name("cli", tests, make_folders, remove_folders);
}
