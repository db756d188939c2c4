/* vectors.h - test vectors of others: $DOWEL_VECTORS, else ../shared/vectors beside the source tree. Where they are absent a
 * test skips. Include after <cmocka.h>. */
#ifndef AUTH_TESTS_VECTORS_H
#define AUTH_TESTS_VECTORS_H

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline void vectors_path(char path[4096], const char *name)
{
    const char *root = getenv("DOWEL_VECTORS");

    if (root && *root)
        snprintf(path, 4096, "%s/%s", root, name);
    else
        snprintf(path, 4096, "%s/../shared/vectors/%s", DOWEL_SOURCE_DIR, name);
    if (access(path, R_OK) != 0)
        skip();
}

static inline json_t *vectors_load(const char *name)
{
    char path[4096];
    json_error_t error;

    vectors_path(path, name);
    json_t *vectors = json_load_file(path, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!vectors)
        fail_msg("%s:%d: %s", path, error.line, error.text);
    return vectors;
}

static inline const char *vectors_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    if (!text)
        fail_msg("a vector lacks %s", name);
    return text;
}

/* Hex digits as bytes; gives how many. */
static inline size_t vectors_bytes(const char *hex, unsigned char *out, size_t size)
{
    size_t n = strlen(hex) / 2;

    assert_true(n <= size);
    for (size_t i = 0; i < n; i++) {
        const char digits[3] = { hex[2 * i], hex[2 * i + 1], 0 };
        char *end;
        out[i] = (unsigned char)strtoul(digits, &end, 16);
        assert_ptr_equal(end, digits + 2);
    }
    return n;
}

#endif
