#include "config/environment.h"

#include "config/file.h"

/* Of a .env file; each is compared with those before it. */
enum { VARIABLES_MAX = 1000 };

int variables_from_process(struct arena *arena, char *const *entries, struct variables *out)
{
    size_t n = 0;

    *out = (struct variables){ NULL, 0 };
    while (entries[n])
        n++;
    out->list = arena_calloc(arena, (n + 1) * sizeof(*out->list));
    if (!out->list)
        return -1;
    for (size_t i = 0; i < n; i++) {
        struct str entry = str_from(entries[i]);
        size_t cut = str_find(entry, '=');
        if (cut == entry.n)
            continue;
        struct variable *v = &out->list[out->n++];
        v->name = str_make(entry.p, cut);
        v->value = str_make(entry.p + cut + 1, entry.n - cut - 1);
        v->place.source = arena_format(arena, "environment %.*s", STR_ARG(v->name));
        if (!v->place.source)
            return -1;
    }
    return 0;
}

struct variable *variables_find(const struct variables *v, struct str name)
{
    for (size_t i = 0; i < v->n; i++) {
        if (str_equal(v->list[i].name, name))
            return &v->list[i];
    }
    return NULL;
}

/* ---- .env ---- */

/* Why a line was refused. */
struct fault {
    const char *text, *hint;
};

static const struct fault fine = { NULL, NULL };

static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return name.n > 0;
}

/* Other readers of such files expand here; one that does not must say so, or half the secret is lost. */
static bool looks_expanded(struct str rest)
{
    char c = rest.n > 1 ? rest.p[1] : 0;
    return rest.p[0] == '`' || (rest.p[0] == '$' && (c == '{' || c == '(' || c == '_' ||
                                                     (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')));
}

static const struct fault expanded = {
    "has a $ or ` that other readers would expand; it is not expanded here",
    "put the value in 'single quotes'"
};

static bool add_escape(struct buf *out, char c)
{
    static const char from[] = "nrt\"\\$`", to[] = "\n\r\t\"\\$`";
    const char *at = c ? strchr(from, c) : NULL;

    if (at)
        buf_add_char(out, to[at - from]);
    return at != NULL;
}

/* Cuts the quoted value off *text, which begins with the quote. */
static struct fault read_double_quoted(struct str *text, struct buf *out)
{
    for (size_t i = 1; i < text->n; i++) {
        char c = text->p[i];
        if (c == '"') {
            *text = str_make(text->p + i + 1, text->n - i - 1);
            return fine;
        }
        if (looks_expanded(str_make(text->p + i, text->n - i)))
            return expanded;
        if (c != '\\')
            buf_add_char(out, c);
        else if (++i == text->n || !add_escape(out, text->p[i]))
            return (struct fault){ "has an unknown escape",
                                   "the escapes are \\n \\r \\t \\\" \\\\ \\$ and \\`" };
    }
    return (struct fault){ "has a double quote that is not closed",
                           "values end with their line; write \\n for a newline" };
}

static struct fault read_single_quoted(struct str *text, struct buf *out)
{
    size_t end = 1 + str_find(str_make(text->p + 1, text->n - 1), '\'');

    if (end >= text->n)
        return (struct fault){ "has a single quote that is not closed", "close it on the same line" };
    buf_add(out, text->p + 1, end - 1);
    *text = str_make(text->p + end + 1, text->n - end - 1);
    return fine;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct fault read_bare(struct str *text, struct buf *out)
{
    size_t n = 0;

    while (n < text->n && !(text->p[n] == '#' && n > 0 && is_blank(text->p[n - 1]))) {
        struct str rest = str_make(text->p + n, text->n - n);
        if (looks_expanded(rest))
            return expanded;
        if (strchr("'\"", rest.p[0]))
            return (struct fault){ "has a quote inside", "put the whole value in quotes" };
        n++;
    }
    buf_add_str(out, str_trim(str_make(text->p, n)));
    *text = str_make(text->p + n, text->n - n);
    return fine;
}

static struct fault read_value(struct str text, struct buf *out)
{
    struct fault fault;
    char quote = text.n ? text.p[0] : 0;

    if (quote == '#')
        return (struct fault){ "has a # right behind =",
                               "put the value in quotes, or a space before the comment" };
    if (quote == '"')
        fault = read_double_quoted(&text, out);
    else if (quote == '\'')
        fault = read_single_quoted(&text, out);
    else if (quote && is_blank(quote) && str_trim(text).p[0] != '#')
        return (struct fault){ "has a space behind =", "write NAME=VALUE" };
    else
        fault = read_bare(&text, out);
    if (fault.text)
        return fault;
    text = str_trim(text);
    if (text.n && text.p[0] != '#')
        return (struct fault){ "has something behind the closing quote", NULL };
    return fine;
}

/* One line that is not empty; appends to the list, whose room is known to be enough. */
static struct fault read_line(struct arena *arena, struct str line, struct variables *out,
                              struct config_place place)
{
    struct buf value = BUF_INIT;
    struct variable *v = &out->list[out->n];

    if (str_starts_with(line, STR_OF("export ")))
        line = str_trim(str_make(line.p + 7, line.n - 7));
    size_t cut = str_find(line, '=');
    struct str name = str_make(line.p, cut);
    if (cut == line.n)
        return (struct fault){ "is not NAME=VALUE", "comments begin with #" };
    if (!is_name(name))
        return (struct fault){
            "is not NAME=VALUE: the name may have letters, digits and _, and no space before =", NULL
        };
    if (out->n == VARIABLES_MAX)
        return (struct fault){ "is one variable too many: a file may have 1000", NULL };
    if (variables_find(out, name))
        return (struct fault){ "sets a variable for the second time", "remove one of the two" };
    struct fault fault = read_value(str_make(line.p + cut + 1, line.n - cut - 1), &value);
    if (!fault.text) {
        char *name_copy = arena_copy(arena, name), *value_copy = arena_copy(arena, buf_str(&value));
        if (!name_copy || !value_copy || buf_failed(&value))
            fault = (struct fault){ "cannot be kept: out of memory", NULL };
        else
            *v = (struct variable){ { name_copy, name.n }, { value_copy, value.n }, place, false };
        out->n += !fault.text;
    }
    buf_finish(&value);
    return fault;
}

static size_t count_lines(struct str text)
{
    size_t n = 1;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    return n;
}

static void read_lines(struct arena *arena, struct str text, const char *path, struct variables *out,
                       struct config_problems *problems)
{
    struct config_place place = { arena_copy(arena, str_from(path)), 0 };
    struct str line;

    out->list = arena_calloc(arena, count_lines(text) * sizeof(*out->list));
    if (!out->list || !place.source) {
        problems->out_of_memory = true;
        return;
    }
    while (str_split(&text, '\n', &line)) {
        place.line++;
        if (str_ends_with(line, STR_OF("\r")))
            line.n--;
        line = str_trim(line);
        if (line.n == 0 || line.p[0] == '#')
            continue;
        struct fault fault = read_line(arena, line, out, place);
        if (!fault.text)
            continue;
        struct config_problem problem = config_problem_at(place, NULL, NULL);
        problem.hint = fault.hint;
        config_problem_add(problems, problem, "%s", fault.text);
    }
}

void variables_from_file(struct arena *arena, const char *path, struct variables *out,
                         struct config_problems *problems)
{
    struct config_file_fault fault;
    struct buf text = BUF_INIT;

    *out = (struct variables){ NULL, 0 };
    if (config_file_read(&text, path, CONFIG_FILE_TEXT, NULL, &fault) == 0) {
        if (text.n)
            read_lines(arena, buf_str(&text), path, out, problems);
    } else if (!fault.missing) {
        struct config_problem problem =
            config_problem_at((struct config_place){ path, fault.line }, NULL, NULL);
        problem.hint = fault.hint;
        config_problem_add(problems, problem, "%s", fault.text);
    }
    buf_finish(&text);
}
