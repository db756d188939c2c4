#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/inside.h"

/* From 2^53 on doubles have no fraction. */
static bool is_whole(double real)
{
    return real <= -9007199254740992.0 || real >= 9007199254740992.0 || (double)(int64_t)real == real;
}

unsigned value_types(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return TYPE_OBJECT;
    case JSON_ARRAY: return TYPE_ARRAY;
    case JSON_STRING: return TYPE_STRING;
    case JSON_INTEGER: return TYPE_NUMBER | TYPE_INTEGER;
    case JSON_REAL: {
        double real = json_real_value(value);
        return is_whole(real) ? TYPE_NUMBER | TYPE_INTEGER : TYPE_NUMBER;
    }
    case JSON_TRUE:
    case JSON_FALSE: return TYPE_BOOLEAN;
    default: return TYPE_NULL;
    }
}

/* ---- numbers ---- */

/* Has all the bits of both kinds, where long double has 64 of them; else doubles decide what they can. */
static long double number_of(const json_t *value)
{
    return json_is_integer(value) ? (long double)json_integer_value(value)
                                  : (long double)json_real_value(value);
}

int value_compare_numbers(const json_t *a, const json_t *b)
{
    if (json_is_integer(a) && json_is_integer(b)) {
        json_int_t x = json_integer_value(a), y = json_integer_value(b);
        return (x > y) - (x < y);
    }
    long double x = number_of(a), y = number_of(b);
    return (x > y) - (x < y);
}

/* digits times 10 to the exponent: what a person wrote, who means 0.01 and not the double next to it. */
struct decimal {
    uint64_t digits;
    int exponent;
};

static struct decimal decimal_of(const json_t *value)
{
    struct decimal d = { 0, 0 };
    char text[40];

    if (json_is_integer(value)) {
        json_int_t i = json_integer_value(value);
        d.digits = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    } else {
        double real = fabs(json_real_value(value));
        for (int precision = 14; precision <= 16; precision++) { /* the shortest that means the same */
            snprintf(text, sizeof(text), "%.*e", precision, real);
            if (strtod(text, NULL) == real)
                break;
        }
        char *e = strchr(text, 'e');
        d.exponent = (int)strtol(e + 1, NULL, 10);
        for (const char *p = text; p < e; p++) {
            if (*p >= '0' && *p <= '9')
                d.digits = d.digits * 10 + (uint64_t)(*p - '0');
        }
        d.exponent -= (int)(e - text) - 2;
    }
    while (d.digits > 0 && d.digits % 10 == 0) {
        d.digits /= 10;
        d.exponent++;
    }
    return d;
}

/* value = n * of, in decimals: of's digits are at most 10^19, so that ten times a rest may not fit. */
bool value_is_multiple(const json_t *value, const json_t *of)
{
    struct decimal v = decimal_of(value), m = decimal_of(of);

    if (v.digits == 0)
        return true;
    if (m.digits == 0 || v.exponent < m.exponent)
        return false;
    uint64_t rest = v.digits % m.digits;
    for (int i = v.exponent - m.exponent; i > 0 && rest > 0; i--) {
        uint64_t sum = 0; /* rest * 10 % m.digits */
        for (int k = 0; k < 10; k++)
            sum = sum >= m.digits - rest ? sum - (m.digits - rest) : sum + rest;
        rest = sum;
    }
    return rest == 0;
}

/* ---- texts ---- */

size_t value_characters(const json_t *string)
{
    const char *p = json_string_value(string);
    size_t n = json_string_length(string), characters = 0;

    for (size_t i = 0; i < n; i++)
        characters += ((unsigned char)p[i] & 0xc0) != 0x80;
    return characters;
}

/* ---- equality ---- */

static bool equal_objects(const json_t *a, const json_t *b)
{
    json_t *object = (json_t *)(uintptr_t)a, *member;
    const char *name;

    if (json_object_size(a) != json_object_size(b))
        return false;
    json_object_foreach(object, name, member)
    {
        const json_t *other = json_object_get(b, name);
        if (!other || !value_equal(member, other))
            return false;
    }
    return true;
}

static bool equal_arrays(const json_t *a, const json_t *b)
{
    size_t n = json_array_size(a);

    if (n != json_array_size(b))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!value_equal(json_array_get(a, i), json_array_get(b, i)))
            return false;
    }
    return true;
}

bool value_equal(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b))
        return value_compare_numbers(a, b) == 0;
    if (json_typeof(a) != json_typeof(b))
        return false;
    switch (json_typeof(a)) {
    case JSON_OBJECT: return equal_objects(a, b);
    case JSON_ARRAY: return equal_arrays(a, b);
    case JSON_STRING:
        return json_string_length(a) == json_string_length(b) &&
               memcmp(json_string_value(a), json_string_value(b), json_string_length(a)) == 0;
    default: return true;
    }
}

/* ---- all different ---- */

/* A total order in which equal values are neighbours. Objects are told apart by their size, then one by one. */
static int compare(const json_t *a, const json_t *b);

static int rank(const json_t *value)
{
    return json_is_number(value) ? JSON_INTEGER : (int)json_typeof(value);
}

static int compare_strings(const json_t *a, const json_t *b)
{
    size_t n = json_string_length(a), m = json_string_length(b);
    int order = memcmp(json_string_value(a), json_string_value(b), n < m ? n : m);

    return order ? order : (n > m) - (n < m);
}

static int compare_arrays(const json_t *a, const json_t *b)
{
    size_t n = json_array_size(a), m = json_array_size(b);
    int order = (n > m) - (n < m);

    for (size_t i = 0; i < n && order == 0; i++)
        order = compare(json_array_get(a, i), json_array_get(b, i));
    return order;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char **sorted_names(const json_t *object, size_t n)
{
    json_t *o = (json_t *)(uintptr_t)object, *member;
    const char **names = malloc((n ? n : 1) * sizeof(*names)), *name;
    size_t i = 0;

    if (!names)
        return NULL;
    json_object_foreach(o, name, member) names[i++] = name;
    qsort(names, n, sizeof(*names), by_name);
    return names;
}

static int compare_objects(const json_t *a, const json_t *b)
{
    size_t n = json_object_size(a), m = json_object_size(b);
    int order = (n > m) - (n < m);

    if (order)
        return order;
    const char **of_a = sorted_names(a, n), **of_b = sorted_names(b, n);
    for (size_t i = 0; i < n && of_a && of_b && order == 0; i++) {
        order = strcmp(of_a[i], of_b[i]);
        if (order == 0)
            order = compare(json_object_get(a, of_a[i]), json_object_get(b, of_b[i]));
    }
    free(of_a);
    free(of_b);
    return order;
}

static int compare(const json_t *a, const json_t *b)
{
    if (rank(a) != rank(b))
        return rank(a) < rank(b) ? -1 : 1;
    switch (json_typeof(a)) {
    case JSON_OBJECT: return compare_objects(a, b);
    case JSON_ARRAY: return compare_arrays(a, b);
    case JSON_STRING: return compare_strings(a, b);
    case JSON_INTEGER:
    case JSON_REAL: return value_compare_numbers(a, b);
    default: return 0;
    }
}

static int by_value(const void *a, const void *b)
{
    return compare(*(const json_t *const *)a, *(const json_t *const *)b);
}

int value_all_different(const json_t *array)
{
    size_t n = json_array_size(array);
    int result = 1;

    if (n < 2)
        return 1;
    const json_t **sorted = malloc(n * sizeof(*sorted));
    if (!sorted)
        return -1;
    for (size_t i = 0; i < n; i++)
        sorted[i] = json_array_get(array, i);
    qsort(sorted, n, sizeof(*sorted), by_value);
    for (size_t i = 1; i < n && result == 1; i++)
        result = !value_equal(sorted[i - 1], sorted[i]);
    free(sorted);
    return result;
}
