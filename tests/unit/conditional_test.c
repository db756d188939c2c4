#include "http/conditional.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/media.h"
#include "util/compiler.h"

#define LATER   "Sun, 06 Nov 1994 08:49:38 GMT"
#define NOW     "Sun, 06 Nov 1994 08:49:37 GMT"
#define EARLIER "Sun, 06 Nov 1994 08:49:36 GMT"

static const struct validators have = { .etag = STR("\"v1\""), .modified_s = 784111777 };
static const struct validators weak = { .etag = STR("W/\"v1\""), .modified_s = 784111777 };
static const struct validators nothing = { .modified_s = -1 };

static const struct {
    const struct validators *have;
    const char *match, *unmodified, *none_match, *modified;
    bool is_write;
    enum condition wanted;
} conditions[] = {
    { &have, .wanted = CONDITION_HOLDS },

    { &have, .match = "\"v1\"", .wanted = CONDITION_HOLDS },
    { &have, .match = "\"v0\", \"v1\"", .is_write = true, .wanted = CONDITION_HOLDS },
    { &have, .match = "\"v0\"", .is_write = true, .wanted = CONDITION_FAILED },
    { &have, .match = "W/\"v1\"", .is_write = true, .wanted = CONDITION_FAILED },
    { &weak, .match = "W/\"v1\"", .is_write = true, .wanted = CONDITION_FAILED },
    { &have, .match = "*", .is_write = true, .wanted = CONDITION_HOLDS },
    { &nothing, .match = "*", .is_write = true, .wanted = CONDITION_FAILED },
    { &have, .match = "", .is_write = true, .wanted = CONDITION_FAILED },
    { &have, .match = "v1", .is_write = true, .wanted = CONDITION_FAILED },
    { &have, .match = "\"v1", .is_write = true, .wanted = CONDITION_FAILED },
    { &have, .match = "\"v0\", \"v1\"", .unmodified = EARLIER, .is_write = true, .wanted = CONDITION_HOLDS },

    { &have, .unmodified = NOW, .is_write = true, .wanted = CONDITION_HOLDS },
    { &have, .unmodified = LATER, .is_write = true, .wanted = CONDITION_HOLDS },
    { &have, .unmodified = EARLIER, .is_write = true, .wanted = CONDITION_FAILED },
    { &have, .unmodified = "yesterday", .is_write = true, .wanted = CONDITION_HOLDS },

    { &have, .none_match = "\"v1\"", .wanted = CONDITION_NOT_MODIFIED },
    { &have, .none_match = "W/\"v1\"", .wanted = CONDITION_NOT_MODIFIED },
    { &weak, .none_match = "\"v1\"", .wanted = CONDITION_NOT_MODIFIED },
    { &have, .none_match = " \"a,b\" ,, W/\"v1\" ", .wanted = CONDITION_NOT_MODIFIED },
    { &have, .none_match = "\"x\"\"v1\"", .wanted = CONDITION_HOLDS },
    { &have, .none_match = "\"v2\"", .modified = LATER, .wanted = CONDITION_HOLDS },
    { &have, .none_match = "*", .wanted = CONDITION_NOT_MODIFIED },
    { &have, .none_match = "*", .is_write = true, .wanted = CONDITION_FAILED },
    { &nothing, .none_match = "*", .is_write = true, .wanted = CONDITION_HOLDS },
    { &have, .none_match = "\"v1\"", .is_write = true, .wanted = CONDITION_FAILED },

    { &have, .modified = NOW, .wanted = CONDITION_NOT_MODIFIED },
    { &have, .modified = LATER, .wanted = CONDITION_NOT_MODIFIED },
    { &have, .modified = EARLIER, .wanted = CONDITION_HOLDS },
    { &have, .modified = LATER, .is_write = true, .wanted = CONDITION_HOLDS },
    { &have, .modified = "", .wanted = CONDITION_HOLDS },
    { &nothing, .modified = LATER, .wanted = CONDITION_HOLDS },

    { &have, .match = "\"v1\"", .none_match = "\"v1\"", .wanted = CONDITION_NOT_MODIFIED },
    { &have, .match = "\"v2\"", .none_match = "\"v1\"", .wanted = CONDITION_FAILED },
};

static void conditions_are_judged_in_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(conditions); i++) {
        const struct condition_fields fields = {
            .if_match = str_from(conditions[i].match),
            .if_unmodified_since = str_from(conditions[i].unmodified),
            .if_none_match = str_from(conditions[i].none_match),
            .if_modified_since = str_from(conditions[i].modified),
        };
        enum condition got = condition_judge(&fields, conditions[i].have, !conditions[i].is_write);
        if (got != conditions[i].wanted)
            fail_msg("row %zu: got %d", i, got);
    }
}

static const struct {
    const char *range, *if_range;
    long long size, offset, length;
    enum range wanted;
} ranges[] = {
    { .range = NULL, .size = 100, .wanted = RANGE_WHOLE },
    { .range = "bytes=0-9", .size = 100, .offset = 0, .length = 10, .wanted = RANGE_PART },
    { .range = "Bytes=0-0", .size = 100, .offset = 0, .length = 1, .wanted = RANGE_PART },
    { .range = "bytes= 5-6 ", .size = 100, .offset = 5, .length = 2, .wanted = RANGE_PART },
    { .range = "bytes=90-", .size = 100, .offset = 90, .length = 10, .wanted = RANGE_PART },
    { .range = "bytes=90-1000", .size = 100, .offset = 90, .length = 10, .wanted = RANGE_PART },
    { .range = "bytes=99-99", .size = 100, .offset = 99, .length = 1, .wanted = RANGE_PART },
    { .range = "bytes=-1", .size = 100, .offset = 99, .length = 1, .wanted = RANGE_PART },
    { .range = "bytes=-1000", .size = 100, .offset = 0, .length = 100, .wanted = RANGE_PART },
    { .range = "bytes=0-9223372036854775807", .size = 100, .offset = 0, .length = 100, .wanted = RANGE_PART },

    { .range = "bytes=100-", .size = 100, .wanted = RANGE_BEYOND },
    { .range = "bytes=100-200", .size = 100, .wanted = RANGE_BEYOND },
    { .range = "bytes=-0", .size = 100, .wanted = RANGE_BEYOND },
    { .range = "bytes=0-", .size = 0, .wanted = RANGE_BEYOND },
    { .range = "bytes=-5", .size = 0, .wanted = RANGE_WHOLE },

    { .range = "bytes=9-0", .size = 100, .wanted = RANGE_WHOLE },
    { .range = "bytes=200-100", .size = 100, .wanted = RANGE_WHOLE },
    { .range = "bytes=0-1,5-6", .size = 100, .wanted = RANGE_WHOLE },
    { .range = "bytes=0-1,", .size = 100, .wanted = RANGE_WHOLE },
    { .range = "bytes=", .size = 100, .wanted = RANGE_WHOLE },
    { .range = "bytes=-", .size = 100, .wanted = RANGE_WHOLE },
    { .range = "bytes=5", .size = 100, .wanted = RANGE_WHOLE },
    { .range = "bytes=a-b", .size = 100, .wanted = RANGE_WHOLE },
    { .range = "bytes=0x1-5", .size = 100, .wanted = RANGE_WHOLE },
    { .range = "bytes=--5", .size = 100, .wanted = RANGE_WHOLE },
    { .range = "bytes=+1-5", .size = 100, .wanted = RANGE_WHOLE },
    { .range = "bytes=1 -5", .size = 100, .wanted = RANGE_WHOLE },
    { .range = "bytes=1-99999999999999999999", .size = 100, .wanted = RANGE_WHOLE },
    { .range = "items=0-5", .size = 100, .wanted = RANGE_WHOLE },
    { .range = "bytes", .size = 100, .wanted = RANGE_WHOLE },

    { .range = "bytes=1-2", .if_range = "\"v1\"", .size = 9, .offset = 1, .length = 2, .wanted = RANGE_PART },
    { .range = "bytes=1-2", .if_range = NOW, .size = 9, .offset = 1, .length = 2, .wanted = RANGE_PART },
    { .range = "bytes=1-2", .if_range = "\"v2\"", .size = 9, .wanted = RANGE_WHOLE },
    { .range = "bytes=1-2", .if_range = "W/\"v1\"", .size = 9, .wanted = RANGE_WHOLE },
    { .range = "bytes=1-2", .if_range = "\"v1\", \"v2\"", .size = 9, .wanted = RANGE_WHOLE },
    { .range = "bytes=1-2", .if_range = LATER, .size = 9, .wanted = RANGE_WHOLE },
    { .range = "bytes=1-2", .if_range = EARLIER, .size = 9, .wanted = RANGE_WHOLE },
    { .range = "bytes=1-2", .if_range = "", .size = 9, .wanted = RANGE_WHOLE },
    { .range = "bytes=99-", .if_range = "\"v2\"", .size = 9, .wanted = RANGE_WHOLE },
};

static void ranges_are_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(ranges); i++) {
        struct range_part part = { 0, 0 };
        enum range got = range_judge(str_from(ranges[i].range), str_from(ranges[i].if_range), &have,
                                     (off_t)ranges[i].size, &part);
        if (got != ranges[i].wanted || part.offset != ranges[i].offset || part.size != ranges[i].length)
            fail_msg("%s of %lld: got %d, %lld + %lld", ranges[i].range, ranges[i].size, got,
                     (long long)part.offset, (long long)part.size);
    }
}

static void names_have_media_types(void **state)
{
    (void)state;
    assert_string_equal(media_type_of(STR_OF("index.html")), "text/html; charset=utf-8");
    assert_string_equal(media_type_of(STR_OF("a/b.min.JS")), "text/javascript; charset=utf-8");
    assert_string_equal(media_type_of(STR_OF("photo.jpeg")), "image/jpeg");
    assert_string_equal(media_type_of(STR_OF("html")), "application/octet-stream");
    assert_string_equal(media_type_of(STR_OF("x.")), "application/octet-stream");
    assert_string_equal(media_type_of(STR_OF("x.htmlx")), "application/octet-stream");
    assert_string_equal(media_type_of(STR_OF("")), "application/octet-stream");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_are_judged_in_order),
        cmocka_unit_test(ranges_are_judged),
        cmocka_unit_test(names_have_media_types),
    };
    return cmocka_run_group_tests_name("conditional", tests, NULL, NULL);
}
