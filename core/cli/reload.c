/* reload.c - `dowel reload`: a new generation of the running server, without losing a request. */
#include <stdio.h>

#include "cli/settings.h"
#include "supervise/remote.h"
#include "util/clock.h"

/* A generation may take a minute to start, and another reload may be before ours. */
#define ANSWER_US (150LL * CLOCK_SECOND)

static int print_answer(const struct cli *c, json_t *answer, bool upgraded)
{
    struct buf text = BUF_INIT;

    if (c->json) {
        char *line = json_dumps(answer, JSON_COMPACT);
        buf_add_format(&text, "%s\n", line ? line : "{}");
        free(line);
    } else if (json_is_true(json_object_get(answer, "ok"))) {
        buf_add_format(&text, "%s: generation %lld serves (pid %lld)\n", upgraded ? "upgraded" : "reloaded",
                       (long long)json_integer_value(json_object_get(answer, "generation")),
                       (long long)json_integer_value(json_object_get(answer, "pid")));
    }
    return text.n > 0 ? cli_print(&text) : CLI_OK;
}

static int exit_of(json_t *answer)
{
    const char *error = json_string_value(json_object_get(answer, "error"));
    json_int_t code = json_integer_value(json_object_get(answer, "exit"));

    if (json_is_true(json_object_get(answer, "ok")))
        return CLI_OK;
    fprintf(stderr, "%s\n", error ? error : "the server refused, and did not say why");
    return code == CLI_CONFIG ? CLI_CONFIG : CLI_FAILED;
}

static int run(const struct cli *c)
{
    bool upgrade = cli_option_value(c, "upgrade", 0) != NULL;
    struct buf why = BUF_INIT;
    json_t *answer;
    enum remote_result reached =
        remote_call(c->data_dir, upgrade ? "upgrade" : "reload", NULL, ANSWER_US, &answer, &why);

    if (reached != REMOTE_ANSWERED) {
        fprintf(stderr, "%s\n", buf_text(&why));
        buf_finish(&why);
        return reached == REMOTE_NO_SERVER ? CLI_UNREACHABLE : CLI_FAILED;
    }
    int result = exit_of(answer);
    if (print_answer(c, answer, upgrade) != CLI_OK)
        result = CLI_FAILED;
    json_decref(answer);
    buf_finish(&why);
    return result;
}

static const struct cli_option options[] = {
    { "upgrade", NULL, "also change to the program that is now installed", false },
    { NULL, NULL, NULL, false },
};

const struct cli_verb cli_verb_reload = {
    .name = "reload",
    .arguments = "",
    .summary = "Makes the running server read its configuration again, without losing a request",
    .help =
        "The server starts a new process with the new configuration and certificates, and lets the old one\n"
        "end its requests. When the configuration is wrong the old process goes on, and this ends with 3.\n"
        "\n"
        "With --upgrade the server first changes to the program file that is now installed under its name;\n"
        "when that file does not run, nothing changes.\n"
        "\n"
        "The server is found by its data directory. To be asked, it must run as the same user, or you are "
        "root.\n",
    .options = options,
    .run = run,
};
