/* What is typed behind a command's words, and what a plugin may declare. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/command_line.h"
#include "plugin/descriptor.h"
#include "plugin/probe.h"

#define TEST(f)    cmocka_unit_test(f)
#define ACME       "0190a0a0-0000-7000-8000-00000000000a"
#define NOW_US     (INT64_C(1795248300) * 1000000) /* 2026-11-21T08:05:00Z */
#define TYPED(...) ((const char *const[]){ __VA_ARGS__, NULL })

const dw_host *dw_host_;

static int run_nothing(dw_call *c, dw_command_run *run)
{
    (void)c;
    (void)run;
    return 0;
}

static const dw_argument add_arguments[] = {
    { .name = "email", .help = "the address to sign in with" },
    { .name = "age", .help = "in years", .type = DW_ARGUMENT_INT, .optional = true },
    { .name = "--role", .value = "ROLE", .help = "a role", .many = true },
    { .name = "--weight", .value = "KG", .help = "a weight", .type = DW_ARGUMENT_REAL },
    { .name = "--since", .value = "TIME", .help = "since when", .type = DW_ARGUMENT_TIME },
    { .name = "--id", .value = "ID", .help = "its id", .type = DW_ARGUMENT_ID },
    { .name = "--number", .value = "N", .help = "numbers", .type = DW_ARGUMENT_INT, .many = true },
    { .name = "--kind", .value = "KIND", .help = "which", .one_of = "soft hard" },
    { .name = "--dry-run", .help = "does nothing" },
    { 0 },
};
static const dw_argument needy_arguments[] = {
    { .name = "--name", .value = "NAME", .help = "a name", .required = true },
    { .name = "rest", .help = "all else", .many = true },
    { 0 },
};
static const dw_argument no_arguments[] = { { 0 } };
static const dw_command add = { .name = "user add", .summary = "Adds", .arguments = add_arguments };
static const dw_command needy = { .name = "needy", .summary = "Needs", .arguments = needy_arguments };
static const dw_command asking = { .name = "user purge",
                                   .summary = "Purges",
                                   .arguments = no_arguments,
                                   .flags = DW_COMMAND_ASKS | DW_COMMAND_TENANT };

/* ---- reading ---- */

static void reads(const dw_command *command, const char *const *argv, const char *json)
{
    struct command_typed typed;
    struct buf why = BUF_INIT;
    size_t n = 0;

    while (argv[n])
        n++;
    if (command_line_read(&typed, command, n, argv, NOW_US, &why) != 0)
        fail_msg("%s: %s", json, buf_text(&why));
    char *text = json_dumps(typed.values, JSON_COMPACT);
    assert_string_equal(text, json);
    free(text);
    json_decref(typed.values);
    buf_finish(&why);
}

static void refuses(const dw_command *command, const char *const *argv, const char *said)
{
    struct command_typed typed;
    struct buf why = BUF_INIT;
    size_t n = 0;

    while (argv[n])
        n++;
    if (command_line_read(&typed, command, n, argv, NOW_US, &why) == 0)
        fail_msg("was read: %s", said);
    assert_null(typed.values);
    assert_string_equal(buf_text(&why), said);
    buf_finish(&why);
}

static void what_is_typed_is_read(void **state)
{
    (void)state;

    reads(&add, TYPED("a@b.c"), "{\"email\":\"a@b.c\"}");
    reads(&add, TYPED("a@b.c", "42"), "{\"email\":\"a@b.c\",\"age\":\"42\"}");
    reads(&add, TYPED("a@b.c", "-42"), "{\"email\":\"a@b.c\",\"age\":\"-42\"}");
    reads(&add, TYPED("--role", "x", "a@b.c", "--role=y"), "{\"role\":[\"x\",\"y\"],\"email\":\"a@b.c\"}");
    reads(&add, TYPED("a", "--weight", "1.5e3"), "{\"email\":\"a\",\"weight\":\"1.5e3\"}");
    reads(&add, TYPED("a", "--since", "2026-11-21T09:05:00+01:00"),
          "{\"email\":\"a\",\"since\":\"2026-11-21T08:05:00.000000Z\"}");
    reads(&add, TYPED("a", "--since", "2h5m"), "{\"email\":\"a\",\"since\":\"2026-11-21T06:00:00.000000Z\"}");
    reads(&add, TYPED("a", "--id", ACME), "{\"email\":\"a\",\"id\":\"" ACME "\"}");
    reads(&add, TYPED("a", "--number", "1", "--number", "-2"), "{\"email\":\"a\",\"number\":[1,-2]}");
    reads(&add, TYPED("a", "--kind", "soft", "--dry-run"),
          "{\"email\":\"a\",\"kind\":\"soft\",\"dry-run\":true}");
    reads(&add, TYPED("--", "--role"), "{\"email\":\"--role\"}");
    reads(&add, TYPED("--role=--x=y", "-"), "{\"role\":[\"--x=y\"],\"email\":\"-\"}");
    reads(&needy, TYPED("--name", "n", "a", "b"), "{\"name\":\"n\",\"rest\":[\"a\",\"b\"]}");
}

static void the_hosts_own_options_are_read(void **state)
{
    struct command_typed typed;
    struct buf why = BUF_INIT;
    (void)state;

    assert_int_equal(command_line_read(&typed, &asking, 3, TYPED("--yes", "--tenant", ACME), NOW_US, &why),
                     0);
    assert_true(typed.yes);
    assert_string_equal(typed.tenant, ACME);
    json_decref(typed.values);
    assert_int_equal(command_line_read(&typed, &asking, 1, TYPED("--yes"), NOW_US, &why), 0);
    assert_null(typed.tenant); /* there may be one only, which the server knows */
    json_decref(typed.values);
    refuses(&asking, TYPED("--tenant", "acme"),
            "--tenant acme: say an id, a UUID such as 0190a0a0-0000-7000-8000-00000000000a");
    refuses(&add, TYPED("a", "--yes"), "--yes: unknown option");
    refuses(&add, TYPED("a", "--tenant", ACME), "--tenant: unknown option");
    buf_finish(&why);
}

static void a_slip_says_what_to_write(void **state)
{
    (void)state;

    refuses(&add, TYPED("a", "b"), "age b: say a whole number");
    refuses(&add, TYPED("a", "9223372036854775808"), "age 9223372036854775808: say a whole number");
    refuses(&add, TYPED("a", "1", "2"), "2: one argument too many");
    refuses(&add, TYPED(""), "email is empty: it needs a text");
    refuses(&add, TYPED("a\xff"), "email ...: it is not UTF-8");
    refuses(&add, TYPED("a", "--role"), "--role needs a value: ROLE");
    refuses(&add, TYPED("a", "--role", "--dry-run"), "--role needs a value: ROLE");
    refuses(&add, TYPED("a", "--role="), "--role is empty: it needs ROLE");
    refuses(&add, TYPED("a", "--dry-run=1"), "--dry-run takes no value");
    refuses(&add, TYPED("a", "--dry-run", "--dry-run"), "--dry-run is given twice");
    refuses(&add, TYPED("a", "--kind", "medium"), "--kind medium: say one of: soft hard");
    refuses(&add, TYPED("a", "--kind", "soft hard"), "--kind soft hard: say one of: soft hard");
    refuses(&add, TYPED("a", "--weight", "0x10"), "--weight 0x10: say a number, such as 1.5");
    refuses(&add, TYPED("a", "--since", "99999999d"),
            "--since 99999999d: say when, as 2026-11-21T08:05:00Z, or how long ago, as 2h or 7d");
    refuses(&add, TYPED("a", "--rolle", "x"), "--rolle: unknown option, did you mean --role?");
    refuses(&add, TYPED("a", "-r"), "-r: unknown option; all but -h are written out, as --data");
    refuses(&add, TYPED("--dry-run"), "email is missing: the address to sign in with");
    refuses(&needy, TYPED("a"), "--name is missing: a name");
    refuses(&needy, TYPED("--name", "n"), "rest is missing: all else");
}

static void the_words_say_which(void **state)
{
    const dw_command all[] = { { .name = "user add" }, { .name = "user key add" }, { .name = "fetch" } };
    size_t words;
    (void)state;

    assert_ptr_equal(command_line_find(all, 3, 3, TYPED("user", "add", "x"), &words), &all[0]);
    assert_int_equal(words, 2);
    assert_ptr_equal(command_line_find(all, 3, 3, TYPED("user", "key", "add"), &words), &all[1]);
    assert_int_equal(words, 3);
    assert_ptr_equal(command_line_find(all, 3, 1, TYPED("fetch"), &words), &all[2]);
    assert_null(command_line_find(all, 3, 1, TYPED("user"), &words));
    assert_null(command_line_find(all, 3, 2, TYPED("user", "ad"), &words));
    assert_true(command_clashes("user", "user add"));
    assert_true(command_clashes("user add", "user add"));
    assert_false(command_clashes("user add", "user address"));
    assert_false(command_clashes("use", "user"));
}

static void the_help_is_of_the_table(void **state)
{
    struct buf text = BUF_INIT;
    (void)state;

    command_line_usage(&text, &add);
    assert_string_equal(buf_text(&text), "user add EMAIL [AGE] [OPTION...]");
    text.n = 0;
    command_line_usage(&text, &needy);
    assert_string_equal(buf_text(&text), "needy REST... --name NAME [OPTION...]");
    text.n = 0;
    command_line_usage(&text, &asking);
    assert_string_equal(buf_text(&text), "user purge [OPTION...]");
    text.n = 0;
    command_line_options(&text, &asking);
    assert_string_equal(buf_text(&text), " --tenant --yes");
    buf_finish(&text);
}

/* ---- what a plugin may declare ---- */

static const dw_sizes honest = {
    .asset = sizeof(dw_asset),
    .item = sizeof(dw_item),
    .operation = sizeof(dw_operation),
    .route = sizeof(dw_route),
    .question = sizeof(dw_question),
    .hook = sizeof(dw_hook),
    .service = sizeof(dw_service),
    .job = sizeof(dw_job_kind),
    .schedule = sizeof(dw_schedule),
    .subscription = sizeof(dw_subscription),
    .inbox = sizeof(dw_inbox),
    .command = sizeof(dw_command),
    .argument = sizeof(dw_argument),
};

/* Reads a descriptor with these commands; NULL when it was taken, else why not. */
static const char *judge(const dw_command *commands, const dw_sizes *sizes, struct arena *arena)
{
    const dw_plugin raw = { .struct_size = sizeof(raw),
                            .abi_minor = DW_ABI_MINOR,
                            .need_minor = DW_ABI_MINOR,
                            .sizes_size = sizeof(*sizes),
                            .sizes = sizes,
                            .host = &dw_host_,
                            .name = "notes",
                            .version = "1.0.0",
                            .commands = commands };
    struct plugin_descriptor *d;
    struct buf why = BUF_INIT;
    const char *said = NULL;

    if (descriptor_read(&d, &raw, arena, &why) != 0)
        said = arena_copy(arena, buf_str(&why));
    buf_finish(&why);
    return said;
}

static void declines(dw_command command, const char *said)
{
    const dw_command commands[] = { command, { 0 } };
    struct arena arena;

    arena_init(&arena, NULL, 0, 0);
    const char *why = judge(commands, &honest, &arena);
    assert_non_null(why);
    assert_string_equal(why, said);
    arena_finish(&arena);
}

/* A command that is well but for its argument. */
static void declines_argument(dw_argument a, dw_argument b, uint32_t flags, const char *said)
{
    const dw_argument arguments[] = { a, b, { 0 } };

    declines((dw_command){ .name = "user add",
                           .summary = "Adds",
                           .arguments = arguments,
                           .flags = flags,
                           .run = run_nothing },
             said);
}

static void commands_that_cannot_be_are_declined(void **state)
{
    char deep[9000];
    (void)state;

    memset(deep, 'x', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = 0;
    declines((dw_command){ .name = "user add", .summary = "Adds" }, "the command user add has no handler");
    declines((dw_command){ .name = "user add", .run = run_nothing },
             "the command \"user add\" has no summary, which the list of verbs shows");
    declines((dw_command){ .name = "User", .summary = "x", .run = run_nothing },
             "the command \"User\" is not one to 3 words of a-z, 0-9 and -, with a space between them");
    declines((dw_command){ .name = "user  add", .summary = "x", .run = run_nothing },
             "the command \"user  add\" is not one to 3 words of a-z, 0-9 and -, with a space between them");
    declines((dw_command){ .name = "--user", .summary = "x", .run = run_nothing },
             "the command \"--user\" is not one to 3 words of a-z, 0-9 and -, with a space between them");
    declines((dw_command){ .name = "a b c d", .summary = "x", .run = run_nothing },
             "the command \"a b c d\" has 4 words, at most 3 are taken");
    declines((dw_command){ .name = "user", .summary = "two\nlines", .run = run_nothing },
             "the summary of the command user in its descriptor has control characters");
    declines((dw_command){ .name = "user", .summary = "x", .help = deep, .run = run_nothing },
             "the help of the command user in its descriptor is longer than 8000 bytes");
    declines((dw_command){ .name = "user", .summary = "x", .help = "\x1b[2J", .run = run_nothing },
             "the help of the command user in its descriptor has control characters");
    declines((dw_command){ .name = "user", .summary = "x\xff", .run = run_nothing },
             "the summary of the command user in its descriptor is not UTF-8");
    declines((dw_command){ .name = "user", .summary = "x", .input = 9, .run = run_nothing },
             "the command \"user\" has the input 9 and the flags 0; this server knows less");
    declines((dw_command){ .name = "user", .summary = "x", .flags = 64, .run = run_nothing },
             "the command \"user\" has the input 0 and the flags 64; this server knows less");
    declines((dw_command){ .name = "user",
                           .summary = "x",
                           .flags = DW_COMMAND_TENANT | DW_COMMAND_MAY_TENANT,
                           .run = run_nothing },
             "the command \"user\" both wants a tenant and may do without; say one of them");
    declines((dw_command){ .name = "user", .summary = "x", .timeout = "0s", .run = run_nothing },
             "the command \"user\" has the timeout \"0s\": it is none");
}

static void arguments_that_cannot_be_are_declined(void **state)
{
    const dw_argument none = { 0 };
    (void)state;

    declines_argument(
        (dw_argument){ .name = "E-Mail" }, none, 0,
        "the argument E-Mail of the command \"user add\" is not a word of a-z, 0-9 and _, nor an "
        "option such as --role");
    declines_argument((dw_argument){ .name = "-r" }, none, 0,
                      "the option -r of the command \"user add\" is not -- and a word of a-z, 0-9 and -");
    declines_argument(
        (dw_argument){ .name = "--output", .value = "X" }, none, 0,
        "the option --output of the command \"user add\" is the host's own; call it something else");
    declines_argument(
        (dw_argument){ .name = "--yes" }, none, DW_COMMAND_ASKS,
        "the option --yes of the command \"user add\" is the host's own; call it something else");
    declines_argument(
        (dw_argument){ .name = "--tenant", .value = "T" }, none, DW_COMMAND_MAY_TENANT,
        "the option --tenant of the command \"user add\" is the host's own; call it something else");
    declines_argument(
        (dw_argument){ .name = "--loud", .many = true }, none, 0,
        "the option --loud of the command \"user add\" has no .value, so it is a switch, which has no "
        "type, .one_of, .many or .required");
    declines_argument((dw_argument){ .name = "--role", .value = "" }, none, 0,
                      "the option --role of the command \"user add\" has an empty .value");
    declines_argument((dw_argument){ .name = "email", .value = "X" }, none, 0,
                      "the argument email of the command \"user add\" has a .value, which only options have");
    declines_argument(
        (dw_argument){ .name = "email", .optional = true }, (dw_argument){ .name = "name" }, 0,
        "the argument name of the command \"user add\" stands behind email, which may be left out");
    declines_argument((dw_argument){ .name = "email", .many = true }, (dw_argument){ .name = "name" }, 0,
                      "the argument name of the command \"user add\" stands behind email, which takes all");
    declines_argument(
        (dw_argument){ .name = "email", .type = 77 }, none, 0,
        "the argument email of the command \"user add\" has type 77, which this server does not know");
    declines_argument((dw_argument){ .name = "role" }, (dw_argument){ .name = "--role", .value = "R" }, 0,
                      "the command \"user add\" has two arguments that are read as role");
    declines_argument((dw_argument){ .name = "role" }, (dw_argument){ .name = "role" }, 0,
                      "the argument role stands twice in its descriptor; in the command \"user add\"");
}

static void sizes_that_cannot_be_are_declined(void **state)
{
    const dw_argument arguments[] = { { .name = "email" }, { 0 } };
    const dw_command commands[] = {
        { .name = "user add", .summary = "Adds", .arguments = arguments, .run = run_nothing },
        { .name = "user", .summary = "Is", .run = run_nothing },
        { 0 }
    };
    struct arena arena;
    dw_sizes sizes = honest;
    (void)state;

    arena_init(&arena, NULL, 0, 0);
    assert_string_equal(judge(commands, &sizes, &arena),
                        "of the commands \"user add\" and \"user\" nobody could tell which is meant");
    sizes.command = 8;
    assert_non_null(strstr(judge(commands, &sizes, &arena), "command elements have 8 bytes"));
    sizes.command = 0;
    assert_non_null(strstr(judge(commands, &sizes, &arena), "command elements have 0 bytes"));
    sizes = honest;
    sizes.argument = 17;
    assert_non_null(strstr(judge(commands, &sizes, &arena), "argument elements have 17 bytes"));
    assert_non_null(strstr(judge(commands, &sizes, &arena), "; in the command \"user add\""));
    sizes.argument = 0;
    sizes.command = 0;
    assert_null(judge(NULL, &sizes, &arena)); /* of a plugin that is older than commands */
    arena_finish(&arena);
}

/* Elements of a later minor, which are longer, are read by their stride. */
static void longer_elements_are_read(void **state)
{
    struct longer {
        dw_command command;
        const char *later;
    };
    const struct longer commands[] = {
        { { .name = "user add", .summary = "Adds", .run = run_nothing }, "x" },
        { { .name = "user list", .summary = "Lists", .run = run_nothing }, "y" },
        { { 0 }, NULL },
    };
    dw_sizes sizes = honest;
    struct arena arena;
    (void)state;

    arena_init(&arena, NULL, 0, 0);
    sizes.command = sizeof(struct longer);
    assert_null(judge(&commands[0].command, &sizes, &arena));
    arena_finish(&arena);
}

/* What the probe tells is what the descriptor says. */
static void the_probe_tells_all(void **state)
{
    const dw_command commands[] = { { .name = "user add",
                                      .summary = "Adds",
                                      .help = "More\n",
                                      .arguments = add_arguments,
                                      .input = DW_INPUT_PASSWORD,
                                      .flags = DW_COMMAND_ASKS,
                                      .timeout = "1h",
                                      .run = run_nothing },
                                    { 0 } };
    const dw_plugin raw = { .struct_size = sizeof(raw),
                            .abi_minor = DW_ABI_MINOR,
                            .need_minor = DW_ABI_MINOR,
                            .sizes_size = sizeof(honest),
                            .sizes = &honest,
                            .host = &dw_host_,
                            .name = "notes",
                            .version = "1.0.0",
                            .commands = commands };
    const dw_command *found;
    struct plugin_descriptor *d;
    struct buf why = BUF_INIT;
    struct arena arena;
    (void)state;

    arena_init(&arena, NULL, 0, 0);
    assert_int_equal(descriptor_read(&d, &raw, &arena, &why), 0);
    json_t *told = probe_describe(d, &why);
    assert_non_null(told);
    assert_int_equal(command_line_found(told, &arena, &found), 1);
    assert_string_equal(found->name, "user add");
    assert_string_equal(found->help, "More\n");
    assert_int_equal(found->input, DW_INPUT_PASSWORD);
    assert_int_equal(found->flags, DW_COMMAND_ASKS);
    assert_string_equal(found->timeout, "1h");
    for (size_t i = 0; add_arguments[i].name; i++) {
        assert_string_equal(found->arguments[i].name, add_arguments[i].name);
        assert_string_equal(found->arguments[i].help, add_arguments[i].help);
        assert_int_equal(found->arguments[i].type, add_arguments[i].type);
        assert_int_equal(found->arguments[i].many, add_arguments[i].many);
        assert_int_equal(found->arguments[i].optional, add_arguments[i].optional);
        assert_int_equal(found->arguments[i].value == NULL, add_arguments[i].value == NULL);
    }
    json_decref(told);
    assert_int_equal(command_line_found(NULL, &arena, &found), 0);
    arena_finish(&arena);
    buf_finish(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_typed_is_read),
        TEST(the_hosts_own_options_are_read),
        TEST(a_slip_says_what_to_write),
        TEST(the_words_say_which),
        TEST(the_help_is_of_the_table),
        TEST(commands_that_cannot_be_are_declined),
        TEST(arguments_that_cannot_be_are_declined),
        TEST(sizes_that_cannot_be_are_declined),
        TEST(longer_elements_are_read),
        TEST(the_probe_tells_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
