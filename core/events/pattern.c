#include "events/pattern.h"

static bool is_word(struct str word)
{
    if (word.n == 0 || word.p[0] < 'a' || word.p[0] > 'z')
        return false;
    for (size_t i = 1; i < word.n; i++) {
        char c = word.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'))
            return false;
    }
    return true;
}

/* The number of words; 0 when one of them is none. */
static size_t count_words(struct str name)
{
    size_t words = 0;
    struct str word;

    if (name.n > EVENT_NAME_MAX)
        return 0;
    while (str_split(&name, '.', &word)) {
        if (!is_word(word))
            return 0;
        words++;
    }
    return words;
}

bool event_name_is_valid(struct str name)
{
    return count_words(name) >= 2;
}

bool event_name_is_of(struct str name, const char *plugin)
{
    size_t n = strlen(plugin);

    return name.n > n && name.p[n] == '.' && memcmp(name.p, plugin, n) == 0;
}

static bool is_all(struct str pattern)
{
    return pattern.n == 1 && pattern.p[0] == '*';
}

bool event_pattern_is_valid(struct str pattern)
{
    if (is_all(pattern))
        return true;
    if (str_ends_with(pattern, STR_OF(".*")))
        return count_words(str_make(pattern.p, pattern.n - 2)) >= 1;
    return event_name_is_valid(pattern);
}

bool event_pattern_matches(struct str pattern, struct str name)
{
    if (is_all(pattern))
        return true;
    if (!str_ends_with(pattern, STR_OF(".*")))
        return str_equal(pattern, name);
    return name.n >= pattern.n && memcmp(name.p, pattern.p, pattern.n - 1) == 0;
}

bool event_patterns_match(struct str patterns, struct str name)
{
    struct str pattern;

    while (str_split(&patterns, ' ', &pattern)) {
        if (pattern.n > 0 && event_pattern_matches(pattern, name))
            return true;
    }
    return false;
}
