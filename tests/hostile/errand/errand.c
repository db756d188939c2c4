/* errand - verbs of the command line that do as they are told, and some that do not. */
#include <dowel/dowel.h>
#include <string.h>

struct errand {
    int64_t started;
};

static int start(dw_call *c)
{
    struct errand *self = dw_self(c);

    self->started = 1;
    return 0;
}

static int echo(dw_call *c, dw_command_run *run)
{
    const char *word, *kind = "none";
    int64_t number = 0, count = 0;
    json_t *rest = NULL, *roles = NULL;
    bool loud = false;
    dw_time at = { 0 };

    (void)c;
    DW_TRY(dw_command_read(run, "word", &word, "number", &number, "rest", &rest, "role", &roles, "at", &at,
                           "kind", &kind, "loud", &loud, "count", &count));
    return dw_command_show(run, "word", word, "number", number, "rest", rest, "role", roles, "at", at, "kind",
                           kind, "loud", loud, "count", count);
}

/* Its digest, so that a test can tell that it came as it was typed. */
static int password(dw_call *c, dw_command_run *run)
{
    const char *text = dw_secret_reveal(dw_command_secret(run));
    dw_bytes bytes = { text, strlen(text) };

    return dw_command_print(run, "taken", "sha256", dw_digest_hex(c, DW_SHA256, bytes));
}

static int input(dw_call *c, dw_command_run *run)
{
    dw_bytes bytes = dw_command_bytes(run);

    return dw_command_print(run, "read", "bytes", bytes.n, "sha256", dw_digest_hex(c, DW_SHA256, bytes));
}

static int who(dw_call *c, dw_command_run *run)
{
    const struct errand *self = dw_self(c);

    return dw_command_show(run, "machine", (bool)(dw_principal_of(c)->kind == DW_MACHINE), "tenant",
                           dw_tenant(c), "started", self->started);
}

static int ask(dw_call *c, dw_command_run *run)
{
    int rc;

    (void)c;
    DW_TRY(dw_command_print(run, "this is about\x1b[2J everything"));
    DW_TRY(rc = dw_command_ask(run, "Really?"));
    return dw_command_print(run, rc ? "done" : "left alone", "yes", (bool)rc);
}

static int fail(dw_call *c, dw_command_run *run)
{
    int64_t code;

    DW_TRY(dw_command_read(run, "code", &code));
    DW_TRY(dw_command_print(run, "before it failed"));
    if (code == 0)
        return dw_fail_at(c, "/code", "is nothing that can go wrong");
    return dw_fail(c, (int)-code, "it went wrong", "code", code);
}

static int half(dw_call *c, dw_command_run *run)
{
    DW_TRY(dw_command_print(run, "looked around"));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(dw_command_print(run, "all is well"));
    return dw_fail(c, DW_ECONFLICT, "it is taken already");
}

static void told(void *ud)
{
    const char *text = ud;

    (void)text; /* deferred: the call has come to its end */
}

static int wait(dw_call *c, dw_command_run *run)
{
    DW_TRY(dw_defer(c, told, NULL));
    dw_info(c, "waiting");
    for (int i = 0; i < 600; i++) {
        DW_TRY(dw_command_progress(run, i, 600, "tenths"));
        int rc = dw_sleep(c, DW_MILLISECONDS(100));
        if (rc < 0)
            dw_info(c, "woken");
        DW_TRY(rc);
    }
    return 0;
}

static int lines(dw_call *c, dw_command_run *run)
{
    int64_t n;

    (void)c;
    DW_TRY(dw_command_read(run, "n", &n));
    for (int64_t i = 0; i < n; i++)
        DW_TRY(dw_command_print(run, "one line of many, of which each has some bytes", "line", i));
    return 0;
}

static int crash(dw_call *c, dw_command_run *run)
{
    static int *volatile nowhere; /* the compiler must not see through it */

    (void)c;
    (void)run;
    *nowhere = 1;
    return 0;
}

static dw_command_run *kept;

static int keep(dw_call *c, dw_command_run *run)
{
    const char *name = NULL;

    (void)c;
    if (kept && dw_command_read(kept, "name", &name) != DW_ETHREAD)
        return dw_command_print(run, "a handle that is over was read");
    kept = run;
    return dw_command_print(run, "kept");
}

static int misuse(dw_call *c, dw_command_run *run)
{
    const char *name;

    (void)c;
    return dw_command_read(run, "nobody", &name);
}

static int later(dw_call *c, dw_job *job)
{
    (void)job;
    dw_info(c, "the job ran");
    return 0;
}

static int add_job(dw_call *c, dw_command_run *run)
{
    int rc = dw_job_add(c, .kind = "later");

    DW_TRY(rc);
    return dw_command_print(run, "added", "jobs", rc);
}

static const dw_argument echo_arguments[] = {
    { .name = "word", .help = "what is said" },
    { .name = "number", .help = "a number", .type = DW_ARGUMENT_INT, .optional = true },
    { .name = "rest", .help = "and all else", .optional = true, .many = true },
    { .name = "--role", .value = "ROLE", .help = "again and again", .many = true },
    { .name = "--at", .value = "TIME", .help = "when", .type = DW_ARGUMENT_TIME },
    { .name = "--kind", .value = "KIND", .help = "how", .one_of = "soft hard" },
    { .name = "--loud", .help = "so that all hear it" },
    { .name = "--count", .value = "N", .help = "how often", .type = DW_ARGUMENT_INT },
    { 0 },
};
static const dw_argument code_argument[] = {
    { .name = "code", .help = "what to return", .type = DW_ARGUMENT_INT }, { 0 }
};
static const dw_argument lines_argument[] = { { .name = "n", .help = "how many", .type = DW_ARGUMENT_INT },
                                              { 0 } };
static const dw_argument name_argument[] = { { .name = "name", .help = "any", .optional = true }, { 0 } };

static const dw_command commands[] = {
    { .name = "errand echo", .summary = "Says what it was told", .arguments = echo_arguments, .run = echo },
    { .name = "errand password", .summary = "Takes a password", .input = DW_INPUT_PASSWORD, .run = password },
    { .name = "errand secret", .summary = "Takes a secret", .input = DW_INPUT_SECRET, .run = password },
    { .name = "errand bytes", .summary = "Reads all", .input = DW_INPUT_BYTES, .run = input },
    { .name = "errand text", .summary = "Reads text", .input = DW_INPUT_TEXT, .run = input },
    { .name = "errand who", .summary = "Says as whom it runs", .flags = DW_COMMAND_MAY_TENANT, .run = who },
    { .name = "errand ask", .summary = "Asks first", .flags = DW_COMMAND_ASKS, .run = ask },
    { .name = "errand fail", .summary = "Fails", .arguments = code_argument, .run = fail },
    { .name = "errand half", .summary = "Fails in a transaction", .run = half },
    { .name = "errand wait", .summary = "Waits for a minute", .run = wait },
    { .name = "errand brief", .summary = "Waits for longer than it may", .timeout = "1s", .run = wait },
    { .name = "errand lines", .summary = "Says much", .arguments = lines_argument, .run = lines },
    { .name = "errand crash", .summary = "Crashes", .run = crash },
    { .name = "errand keep", .summary = "Keeps its handle", .arguments = name_argument, .run = keep },
    { .name = "errand misuse", .summary = "Reads what it does not declare", .run = misuse },
    { .name = "errand later", .summary = "Adds a job", .run = add_job },
    { .name = "fetch", .summary = "Has one word alone", .run = who },
    { 0 },
};

static const dw_job_kind jobs[] = { { .name = "later", .run = later }, { 0 } };

DOWEL_PLUGIN(.name = "errand", .version = "1.0.0", .summary = "Runs errands", .license = "MIT",
             .self_size = sizeof(struct errand), .start = start, .commands = commands, .jobs = jobs);
