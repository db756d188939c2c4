/* schema_fuzz.c - a schema, a line's end, and a value: neither may crash, with and without a report the answer is the same, and
 * each fault has its sentence in both languages. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "schema/schema.h"
#include "util/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_words(const struct schema_report *report)
{
    for (size_t i = 0; i < report->n; i++) {
        struct buf english = BUF_INIT, german = BUF_INIT;
        schema_fault_write(&english, &report->faults[i], SCHEMA_ENGLISH);
        schema_fault_write(&german, &report->faults[i], SCHEMA_GERMAN);
        if (english.n == 0 || german.n == 0 || !report->faults[i].place)
            abort();
        buf_finish(&english);
        buf_finish(&german);
    }
}

static void check(const struct schema *s, json_t *value)
{
    struct schema_report report = { .arena = NULL };
    struct arena arena;

    arena_init(&arena, NULL, 0, 1 << 20);
    report.arena = &arena;
    int result = schema_check(s, value, &report);
    if (!report.is_out_of_memory && schema_check(s, value, NULL) != result)
        abort();
    check_words(&report);
    arena_finish(&arena);
    if (schema_fill_defaults(s, value) == 0)
        schema_check(s, value, NULL);
}

static void try_both(json_t *schema, json_t *value)
{
    const struct schemas_options options = { .asserts_formats = true };
    struct buf why = BUF_INIT;
    struct schemas *all;

    if (schemas_create(&all, &options) != 0)
        return;
    const struct schema *s =
        schemas_add(all, "", schema, SCHEMA_ITSELF, &why) == 0 ? schemas_compile(all, "", "", &why) : NULL;
    if (s)
        check(s, value);
    else if (why.n == 0)
        abort();
    schemas_destroy(all);
    buf_finish(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t n = end ? (size_t)(end - data) : size;
    json_t *schema = NULL, *value = NULL;
    struct json_fault fault;

    if (!end)
        return 0;
    if (json_strict_parse(str_make((const char *)data, n), 0, &schema, &fault) == 0 &&
        json_strict_parse(str_make((const char *)end + 1, size - n - 1), 0, &value, &fault) == 0)
        try_both(schema, value);
    json_decref(schema);
    json_decref(value);
    return 0;
}
