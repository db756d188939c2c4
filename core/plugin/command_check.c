#include "plugin/command_check.h"

#include "config/units.h"
#include "util/compiler.h"

enum {
    LINE_MAX_SIZE = 200,
    HELP_MAX = 8000,
    FLAGS = DW_COMMAND_ASKS | DW_COMMAND_TENANT | DW_COMMAND_MAY_TENANT,
};

static int DW_PRINTF(2, 3) refuse(struct buf *why, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    buf_add_format_list(why, format, args);
    va_end(args);
    return -1;
}

/* ---- texts ---- */

/* NULL becomes "". */
static int take_text(struct buf *why, const char **text, size_t max, bool lines, const char *what,
                     const char *whose)
{
    size_t n = *text ? strnlen(*text, max + 1) : 0;

    if (!*text)
        *text = "";
    if (n > max)
        return refuse(why, "%s %s in its descriptor is longer than %zu bytes", what, whose, max);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)(*text)[i];
        if ((c < ' ' && !(lines && c == '\n')) || c == 0x7f)
            return refuse(why, "%s %s in its descriptor has control characters", what, whose);
    }
    if (!str_is_utf8(str_make(*text, n)))
        return refuse(why, "%s %s in its descriptor is not UTF-8", what, whose);
    return 0;
}

/* [a-z][a-z0-9]* and `also` */
static bool is_word(struct str s, char also)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!(c >= 'a' && c <= 'z') && !(i > 0 && ((c >= '0' && c <= '9') || c == also)))
            return false;
    }
    return s.n > 0 && s.p[s.n - 1] != also;
}

/* ---- names ---- */

const char *argument_key(const dw_argument *a)
{
    return argument_is_option(a) ? a->name + 2 : a->name;
}

bool command_clashes(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b), least = n < m ? n : m;
    char next = n < m ? b[least] : a[least];

    return strncmp(a, b, least) == 0 && (next == 0 || next == ' ');
}

static int check_words(struct buf *why, const char *name)
{
    struct str rest = str_from(name), word;
    unsigned n = 0;

    while (str_split(&rest, ' ', &word)) {
        if (!is_word(word, '-'))
            return refuse(why,
                          "the command \"%s\" is not one to %d words of a-z, 0-9 and -, with a space between "
                          "them",
                          name, COMMAND_WORDS_MAX);
        n++;
    }
    if (n > COMMAND_WORDS_MAX)
        return refuse(why, "the command \"%s\" has %u words, at most %d are taken", name, n,
                      COMMAND_WORDS_MAX);
    return 0;
}

/* ---- arguments ---- */

static bool is_the_hosts(const dw_command *command, const char *option)
{
    static const char *const common[] = { "--config", "--data", "--output", "--help" };

    for (size_t i = 0; i < DW_COUNT_OF(common); i++) {
        if (strcmp(option, common[i]) == 0)
            return true;
    }
    if (strcmp(option, "--yes") == 0)
        return command->flags & DW_COMMAND_ASKS;
    return strcmp(option, "--tenant") == 0 && command->flags & (DW_COMMAND_TENANT | DW_COMMAND_MAY_TENANT);
}

static int check_option(struct buf *why, const dw_command *command, const dw_argument *a)
{
    bool is_switch = !a->value;

    if (strncmp(a->name, "--", 2) != 0 || !is_word(str_from(a->name + 2), '-'))
        return refuse(why, "the option %s of the command \"%s\" is not -- and a word of a-z, 0-9 and -",
                      a->name, command->name);
    if (is_the_hosts(command, a->name))
        return refuse(why, "the option %s of the command \"%s\" is the host's own; call it something else",
                      a->name, command->name);
    if (is_switch && (a->one_of || a->type != DW_ARGUMENT_TEXT || a->many || a->required))
        return refuse(why,
                      "the option %s of the command \"%s\" has no .value, so it is a switch, which has no "
                      "type, .one_of, .many or .required",
                      a->name, command->name);
    if (a->value && !*a->value)
        return refuse(why, "the option %s of the command \"%s\" has an empty .value", a->name, command->name);
    return 0;
}

static int check_place(struct buf *why, const dw_command *command, const dw_argument *a,
                       const dw_argument *before)
{
    if (!is_word(str_from(a->name), '_'))
        return refuse(why,
                      "the argument %s of the command \"%s\" is not a word of a-z, 0-9 and _, nor an option "
                      "such as --role",
                      a->name, command->name);
    if (a->value)
        return refuse(why, "the argument %s of the command \"%s\" has a .value, which only options have",
                      a->name, command->name);
    if (before && (before->many || (before->optional && !a->optional)))
        return refuse(why, "the argument %s of the command \"%s\" stands behind %s, which %s", a->name,
                      command->name, before->name, before->many ? "takes all" : "may be left out");
    return 0;
}

static int check_argument(struct buf *why, const dw_command *command, size_t i, const dw_argument **place)
{
    dw_argument *a = (dw_argument *)(uintptr_t)&command->arguments[i]; /* our copy */
    const char *value = a->value, *one_of = a->one_of;

    if (take_text(why, &a->help, LINE_MAX_SIZE, false, "the help of an argument of the command",
                  command->name) != 0 ||
        take_text(why, &value, 40, false, "the value of an argument of the command", command->name) != 0 ||
        take_text(why, &one_of, LINE_MAX_SIZE, false, "the one_of of an argument of the command",
                  command->name) != 0)
        return -1;
    if (a->type > DW_ARGUMENT_ID)
        return refuse(why,
                      "the argument %s of the command \"%s\" has type %u, which this server does not know",
                      a->name, command->name, (unsigned)a->type);
    for (size_t k = 0; k < i; k++) {
        if (strcmp(argument_key(a), argument_key(&command->arguments[k])) == 0)
            return refuse(why, "the command \"%s\" has two arguments that are read as %s", command->name,
                          argument_key(a));
    }
    if (argument_is_option(a))
        return check_option(why, command, a);
    int result = check_place(why, command, a, *place);
    *place = a;
    return result;
}

/* ---- all ---- */

static int check_timeout(struct buf *why, const dw_command *command)
{
    const char *timeout = command->timeout, *wrong;
    int64_t us = 0;

    if (!timeout)
        return 0;
    if (take_text(why, &timeout, 20, false, "the timeout of the command", command->name) != 0)
        return -1;
    wrong = units_parse_span(str_from(timeout), &us);
    if (!wrong && us > 0)
        return 0;
    return refuse(why, "the command \"%s\" has the timeout \"%s\": %s", command->name, timeout,
                  wrong ? wrong : "it is none");
}

static int check_command(struct buf *why, dw_command *command)
{
    const dw_argument *place = NULL;

    if (check_words(why, command->name) != 0 ||
        take_text(why, &command->summary, LINE_MAX_SIZE, false, "the summary of the command",
                  command->name) != 0 ||
        take_text(why, &command->help, HELP_MAX, true, "the help of the command", command->name) != 0 ||
        check_timeout(why, command) != 0)
        return -1;
    if (!*command->summary)
        return refuse(why, "the command \"%s\" has no summary, which the list of verbs shows", command->name);
    if (command->input > DW_INPUT_BYTES || command->flags & ~(uint32_t)FLAGS)
        return refuse(why, "the command \"%s\" has the input %u and the flags %u; this server knows less",
                      command->name, (unsigned)command->input, (unsigned)command->flags);
    if ((command->flags & DW_COMMAND_TENANT) && (command->flags & DW_COMMAND_MAY_TENANT))
        return refuse(why, "the command \"%s\" both wants a tenant and may do without; say one of them",
                      command->name);
    for (size_t i = 0; command->arguments[i].name; i++) {
        if (check_argument(why, command, i, &place) != 0)
            return -1;
    }
    return 0;
}

int commands_check(dw_command *commands, size_t n, struct buf *why)
{
    for (size_t i = 0; i < n; i++) {
        if (check_command(why, &commands[i]) != 0)
            return -1;
        for (size_t k = 0; k < i; k++) {
            if (command_clashes(commands[i].name, commands[k].name))
                return refuse(why, "of the commands \"%s\" and \"%s\" nobody could tell which is meant",
                              commands[k].name, commands[i].name);
        }
    }
    return 0;
}

/* ---- beside others ---- */

static bool begins_with_word(const char *command, const char *word)
{
    size_t n = strlen(word);

    return strncmp(word, command, n) == 0 && (command[n] == 0 || command[n] == ' ');
}

int commands_check_words(const dw_command *commands, size_t n, const char *const *words, struct buf *why)
{
    for (; words && *words; words++) {
        for (size_t i = 0; i < n; i++) {
            if (begins_with_word(commands[i].name, *words))
                return refuse(
                    why, "has the command \"%s\", and `dowel %s` is the server's own; call it something else",
                    commands[i].name, *words);
        }
    }
    return 0;
}

int commands_check_beside(const dw_command *commands, size_t n, const char *other, const dw_command *others,
                          size_t others_n, struct buf *why)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < others_n; k++) {
            if (command_clashes(commands[i].name, others[k].name))
                return refuse(why,
                              "has the command \"%s\", and the plugin %s has \"%s\": nobody could tell which "
                              "is meant; enable only one of them",
                              commands[i].name, other, others[k].name);
        }
    }
    return 0;
}

int64_t command_timeout_us(const dw_command *command)
{
    int64_t us = COMMAND_TIMEOUT_US;

    if (command->timeout)
        units_parse_span(str_from(command->timeout), &us); /* was checked with the descriptor */
    return us;
}
