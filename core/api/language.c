#include "api/language.h"

/* "0.85" in thousandths. */
static unsigned weight_of(struct str q)
{
    unsigned weight = 0, digit = 100;

    if (q.n == 0 || *q.p != '0')
        return 1000;
    for (size_t i = 2; i < q.n && q.p[i] >= '0' && q.p[i] <= '9'; i++, digit /= 10)
        weight += (unsigned)(q.p[i] - '0') * digit;
    return weight;
}

/* "de-AT;q=0.8": its weight, and the language without its country. */
static unsigned read_range(struct str range, struct str *language)
{
    struct str parameter = range;

    str_split(&parameter, ';', language);
    *language = str_trim(*language);
    language->n = str_find(*language, '-');
    size_t equals = str_find(parameter, '=');
    if (equals >= parameter.n)
        return 1000;
    return weight_of(str_trim(str_make(parameter.p + equals + 1, parameter.n - equals - 1)));
}

enum schema_language api_language_of(struct str accept_language)
{
    unsigned english = 0, german = 0;
    struct str range, language;

    while (accept_language.n > 0 && str_split(&accept_language, ',', &range)) {
        unsigned weight = read_range(range, &language);
        if (str_equal_nocase(language, STR_OF("de")) && weight > german)
            german = weight;
        else if ((str_equal_nocase(language, STR_OF("en")) || str_equal(language, STR_OF("*"))) &&
                 weight > english)
            english = weight;
    }
    return german > english ? SCHEMA_GERMAN : SCHEMA_ENGLISH;
}
