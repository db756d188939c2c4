/* The audit log is looked at: filters, pages, CSV and NDJSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "audit_fixture.h"
#include "util/compiler.h"
#include "util/json.h"

static struct audit_fixture fixture;

static int setup(void **state)
{
    *state = &fixture;
    return audit_fixture_open(&fixture);
}

static int teardown(void **state)
{
    audit_fixture_close(*state);
    return 0;
}

/* ---- filters and pages ---- */

/* The targets of a page, "3 2 1": newest first. */
static const char *targets(struct audit_fixture *f, const struct audit_filter *filter, const char *cursor,
                           int limit, char next[UUID_TEXT_SIZE])
{
    static char out[400];
    struct db_session *s = audit_session(f);
    struct buf text = BUF_INIT;
    struct json_fault fault;
    json_t *found, *record;
    size_t i;

    int rc = audit_list(f->audit, s, filter, cursor, limit, &text, next);
    if (rc < 0)
        fail_msg("%s", db_error_of(s)->text);
    assert_int_equal(json_strict_parse(buf_str(&text), 0, &found, &fault), 0);
    assert_int_equal(json_array_size(found), rc);
    *out = 0;
    json_array_foreach(found, i, record)
    {
        size_t n = strlen(out);
        snprintf(out + n, sizeof(out) - n, "%s%s", n ? " " : "",
                 json_string_value(json_object_get(record, "target")));
    }
    json_decref(found);
    buf_finish(&text);
    db_session_destroy(s);
    return out;
}

static void write_one(struct audit_fixture *f, const char *tenant, const char *actor, const char *action,
                      const char *target, const char *request)
{
    struct audit_record r = audit_of_ann(f, action, target);

    r.tenant = tenant;
    r.actor.id = actor;
    r.request = request;
    audit_write(f, &r);
}

static void records_are_found_by_what_they_say(void **state)
{
    struct audit_fixture *f = *state;
    int64_t begin = atomic_load(&f->jobs.now_us);

    write_one(f, TENANT_A, ANN, "notes.note.created", "1", "r1");
    write_one(f, TENANT_A, BEN, "notes.note.deleted", "2", "r2");
    write_one(f, TENANT_B, ANN, "notes.notebook.created", "3", "r3");
    write_one(f, NULL, BEN, "notes.x", "4", NULL);
    const struct {
        struct audit_filter filter;
        const char *found;
    } cases[] = {
        { { .tenant = NULL }, "4 3 2 1" },
        { { .tenant = TENANT_A }, "2 1" },
        { { .tenant = TENANT_B }, "3" },
        { { .actor = BEN }, "4 2" },
        { { .action = "notes.note.deleted" }, "2" },
        { { .action = "notes.note.*" }, "2 1" },
        { { .action = "notes.*" }, "4 3 2 1" },
        { { .action = "*" }, "4 3 2 1" },
        { { .action = "notes.note" }, "" },
        { { .target = "3" }, "3" },
        { { .request = "r2" }, "2" },
        { { .since_us = begin + 1000 }, "4 3 2" },
        { { .until_us = begin + 1000 }, "1" },
        { { .tenant = TENANT_A,
            .actor = ANN,
            .action = "notes.*",
            .since_us = begin,
            .until_us = begin + 5000 },
          "1" },
    };
    char next[UUID_TEXT_SIZE];

    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        const char *found = targets(f, &cases[i].filter, NULL, 10, next);
        if (strcmp(found, cases[i].found) != 0 || *next)
            fail_msg("case %zu: %s", i, found);
    }
}

static void wrong_filters_are_told(void **state)
{
    (void)state;
    assert_null(audit_filter_wrong(&(struct audit_filter){ .tenant = TENANT_A, .action = "a.*" }));
    assert_non_null(audit_filter_wrong(&(struct audit_filter){ .tenant = "x" }));
    assert_non_null(audit_filter_wrong(&(struct audit_filter){ .action = "a*" }));
}

static void pages_follow_each_other(void **state)
{
    struct audit_fixture *f = *state;
    const struct audit_filter all = { .tenant = TENANT_A };
    char next[UUID_TEXT_SIZE], cursor[UUID_TEXT_SIZE];

    audit_write_some(f, 5);
    assert_string_equal(targets(f, &all, NULL, 2, next), "5 4");
    memcpy(cursor, next, sizeof(cursor));
    audit_write_some(f, 1); /* a newer one does not disturb them */
    assert_string_equal(targets(f, &all, cursor, 2, next), "3 2");
    memcpy(cursor, next, sizeof(cursor));
    assert_string_equal(targets(f, &all, cursor, 2, next), "1");
    assert_string_equal(next, "");
    assert_string_equal(targets(f, &(struct audit_filter){ .tenant = TENANT_B }, NULL, 2, next), "");
}

/* ---- export ---- */

struct collected {
    struct buf text;
    size_t pieces, largest;
    int refuse; /* returned instead */
};

static int collect(struct str piece, void *ud)
{
    struct collected *c = ud;

    buf_add_str(&c->text, piece);
    c->pieces++;
    c->largest = piece.n > c->largest ? piece.n : c->largest;
    return c->refuse;
}

static int64_t export(struct audit_fixture *f, enum audit_format format, const struct audit_filter *filter,
                      struct collected *c)
{
    struct db_session *s = audit_session(f);
    int64_t n = audit_export(f->audit, s, filter, format, collect, c);

    db_session_destroy(s);
    return n;
}

static void ndjson_has_a_line_each_from_the_oldest(void **state)
{
    struct audit_fixture *f = *state;
    struct collected c = { .pieces = 0 };
    struct json_fault fault;
    struct str rest, line;
    json_t *json;
    int n = 0;

    audit_write_some(f, 450); /* more than are read at once */
    write_one(f, TENANT_B, ANN, "notes.x", "b", NULL);
    assert_int_equal(audit_seal_once(f), AUDIT_BATCH);
    assert_int_equal(export(f, AUDIT_NDJSON, &(struct audit_filter){ .tenant = TENANT_A }, &c), 450);
    rest = buf_str(&c.text);
    while (str_split(&rest, '\n', &line) && line.n > 0) {
        char target[16];
        assert_int_equal(json_strict_parse(line, 0, &json, &fault), 0);
        snprintf(target, sizeof(target), "%d", ++n);
        assert_string_equal(json_string_value(json_object_get(json, "target")), target);
        assert_int_equal(json_integer_value(json_object_get(json, "seq")), n <= AUDIT_BATCH ? n : 0);
        assert_string_equal(json_string_value(json_pointer(json, STR_OF("/actor/email"))), "ann@example.org");
        json_decref(json);
    }
    assert_int_equal(n, 450);
    assert_true(c.pieces > 3); /* of some kilobytes each, however many there are */
    assert_true(c.largest < 64 << 10);
    buf_finish(&c.text);
}

static void csv_has_a_head_and_no_formulas(void **state)
{
    static const struct {
        const char *target, *cell;
    } cells[] = {
        { "=1+1", "\"'=1+1\"" },
        { "+1", "\"'+1\"" },
        { "-1", "\"'-1\"" },
        { "@SUM(A1)", "\"'@SUM(A1)\"" },
        { "\tx", "\"'\tx\"" },
        { "\rx", "\"'\rx\"" },
        { "say \"hi\"", "\"say \"\"hi\"\"\"" },
        { "a,b\nc", "\"a,b\nc\"" },
        { "plain", "\"plain\"" },
        { "1=1", "\"1=1\"" },
    };
    struct audit_fixture *f = *state;
    struct collected c = { .pieces = 0 };

    for (size_t i = 0; i < DW_COUNT_OF(cells); i++)
        write_one(f, TENANT_A, ANN, "notes.x", cells[i].target, NULL);
    struct audit_record r = audit_of_ann(f, "notes.x", "1");
    r.actor.name = "=cmd|' /C calc'!A0";
    audit_write(f, &r);
    assert_int_equal(export(f, AUDIT_CSV, &(struct audit_filter){ .tenant = NULL }, &c),
                     DW_COUNT_OF(cells) + 1);
    const char *text = buf_text(&c.text);
    assert_ptr_equal(
        strstr(text,
               "\"id\",\"at\",\"seq\",\"tenant\",\"actor_kind\",\"actor\",\"name\",\"email\",\"address\","
               "\"plugin\",\"action\",\"target\",\"request\",\"values\",\"person\",\"personal\","
               "\"erased\",\"hash\"\r\n"),
        text);
    for (size_t i = 0; i < DW_COUNT_OF(cells); i++) {
        char with_neighbours[64];
        snprintf(with_neighbours, sizeof(with_neighbours), "\"notes.x\",%s,", cells[i].cell);
        if (!strstr(text, with_neighbours))
            fail_msg("%s is not in\n%s", with_neighbours, text);
    }
    assert_non_null(strstr(text, "\"'=cmd|' /C calc'!A0\""));
    assert_non_null(strstr(text, "\"Ann \"\"A\"\" Lee\",\"ann@example.org\",\"192.0.2.7\""));
    buf_finish(&c.text);
}

static void an_export_ends_when_nobody_takes_it(void **state)
{
    struct audit_fixture *f = *state;
    struct collected c = { .refuse = DW_EGONE };

    audit_write_some(f, 200);
    assert_int_equal(export(f, AUDIT_NDJSON, &(struct audit_filter){ .tenant = NULL }, &c), DW_EGONE);
    assert_int_equal(c.pieces, 1);
    buf_finish(&c.text);
}

static void an_empty_log_is_a_head_alone(void **state)
{
    struct audit_fixture *f = *state;
    struct collected c = { .pieces = 0 };

    assert_int_equal(export(f, AUDIT_NDJSON, &(struct audit_filter){ .tenant = NULL }, &c), 0);
    assert_int_equal(c.text.n, 0);
    assert_int_equal(export(f, AUDIT_CSV, &(struct audit_filter){ .tenant = NULL }, &c), 0);
    assert_int_equal(c.pieces, 1);
    buf_finish(&c.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_are_found_by_what_they_say, setup, teardown),
        cmocka_unit_test(wrong_filters_are_told),
        cmocka_unit_test_setup_teardown(pages_follow_each_other, setup, teardown),
        cmocka_unit_test_setup_teardown(ndjson_has_a_line_each_from_the_oldest, setup, teardown),
        cmocka_unit_test_setup_teardown(csv_has_a_head_and_no_formulas, setup, teardown),
        cmocka_unit_test_setup_teardown(an_export_ends_when_nobody_takes_it, setup, teardown),
        cmocka_unit_test_setup_teardown(an_empty_log_is_a_head_alone, setup, teardown),
    };

    return DB_ON_EVERY_ENGINE("audit_query", tests);
}
