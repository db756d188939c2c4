/* The server's own verbs that are called as those of plugins are: in the form that these have to have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "cli/own_commands.h"
#include "cli/table.h"
#include "plugin/commands.h"
#include "util/arena.h"

/* A copy that a plugin might have: what only the server's own may say is taken away. */
static dw_command *as_a_plugins(struct arena *arena, const dw_command *commands, size_t n)
{
    dw_command *copies = arena_calloc(arena, n * sizeof(*copies));

    for (size_t i = 0; i < n; i++) {
        size_t arguments = 0;
        while (commands[i].arguments[arguments].name)
            arguments++;
        dw_argument *list = arena_calloc(arena, (arguments + 1) * sizeof(*list));
        memcpy(list, commands[i].arguments, arguments * sizeof(*list));
        for (size_t k = 0; k < arguments; k++) {
            if (list[k].type == COMMAND_ARGUMENT_FILE)
                list[k].type = DW_ARGUMENT_TEXT;
        }
        copies[i] = commands[i];
        copies[i].arguments = list;
        if (copies[i].input == COMMAND_INPUT_PARTS)
            copies[i].input = DW_INPUT_NONE;
    }
    return copies;
}

static void they_are_what_plugins_may_have(void **state)
{
    struct buf why = BUF_INIT;
    struct arena arena;
    size_t n;
    const dw_command *commands = own_commands(&n);
    (void)state;

    assert_true(n > 0);
    arena_init(&arena, NULL, 0, 0);
    if (commands_check(as_a_plugins(&arena, commands, n), n, &why) != 0)
        fail_msg("%s", buf_text(&why));
    buf_finish(&why);
    arena_finish(&arena);
}

/* Nothing makes "" of what is NULL here, as it does for plugins. */
static void each_text_is_set(void **state)
{
    size_t n;
    const dw_command *commands = own_commands(&n);
    (void)state;

    for (size_t i = 0; i < n; i++) {
        assert_non_null(commands[i].summary);
        assert_non_null(commands[i].help);
        assert_non_null(commands[i].run);
        for (const dw_argument *a = commands[i].arguments; a->name; a++)
            assert_non_null(a->help);
    }
}

static bool is_among(const char *const *words, const char *word)
{
    for (; *words; words++) {
        if (strcmp(*words, word) == 0)
            return true;
    }
    return false;
}

static void no_plugin_gets_their_words(void **state)
{
    size_t n;
    const dw_command *commands = own_commands(&n);
    (void)state;

    for (const struct own_word *own = own_words; own->word; own++) {
        assert_true(is_among(cli_verb_words(), own->word));
        assert_null(cli_find_verb(own->word));
    }
    for (size_t i = 0; i < n; i++) {
        char word[COMMAND_NAME_MAX];
        size_t length = strcspn(commands[i].name, " ");
        memcpy(word, commands[i].name, length);
        word[length] = '\0';
        assert_true(is_among(cli_verb_words(), word));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_what_plugins_may_have),
        cmocka_unit_test(each_text_is_set),
        cmocka_unit_test(no_plugin_gets_their_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
