#include <stdlib.h>

#include "db/rows.h"
#include "plugin/values.h"
#include "secure/base64.h"
#include "util/clock.h"
#include "util/json.h"

void db_trees_drop(struct db_tree **trees)
{
    while (*trees) {
        struct db_tree *tree = *trees;
        *trees = tree->older;
        json_decref(tree->json);
        free(tree);
    }
}

/* ---- as JSON text ---- */

static int write_raw_json(struct str text, struct buf *out)
{
    struct json_fault fault;
    json_t *tree;

    /* What other tools stored may be anything; copied unseen it could close our object. */
    if (json_strict_parse(text, 0, &tree, &fault) != 0)
        return -1;
    json_decref(tree);
    buf_add_str(out, text);
    return 0;
}

/* One that was stored as a text of that very form is not made anew. */
static void write_time(const struct db_cell *cell, struct buf *out)
{
    char time[CLOCK_RFC3339_SIZE];
    struct str text = cell->text;

    if (text.n != sizeof(time) - 1 || text.p[10] != 'T' || text.p[19] != '.' || text.p[26] != 'Z') {
        clock_format_rfc3339(cell->i, time);
        text = str_make(time, sizeof(time) - 1);
    }
    buf_add_char(out, '"');
    buf_add_str(out, text);
    buf_add_char(out, '"');
}

int db_cell_write_json(const struct db_cell *cell, struct buf *out)
{
    switch (cell->type) {
    case DB_NULL: buf_add_text(out, "null"); return 0;
    case DB_INTEGER: buf_add_int(out, cell->i); return 0;
    case DB_REAL: real_write_json(out, cell->r); return 0;
    case DB_BOOLEAN: buf_add_text(out, cell->i ? "true" : "false"); return 0;
    case DB_JSON: return write_raw_json(cell->text, out);
    case DB_TIME: write_time(cell, out); return 0;
    case DB_BLOB:
        buf_add_char(out, '"');
        base64_add(out, cell->text, BASE64_PADDED);
        buf_add_char(out, '"');
        return 0;
    case DB_TEXT:
    case DB_UUID:
    case DB_DECIMAL: break;
    }
    return buf_add_json_checked(out, cell->text) ? 0 : -1;
}

/* ---- into targets ---- */

static void store_nothing(const dw_value *target)
{
    switch (target->type) {
    case DW_TO_BOOL: *(bool *)target->as.to = false; break;
    case DW_TO_INT32: *(int32_t *)target->as.to = 0; break;
    case DW_TO_INT64: *(int64_t *)target->as.to = 0; break;
    case DW_TO_REAL: *(double *)target->as.to = 0; break;
    case DW_TO_TEXT: *(const char **)target->as.to = NULL; break;
    case DW_TO_STR: *(dw_str *)target->as.to = (dw_str){ NULL, 0 }; break;
    case DW_TO_BYTES: *(dw_bytes *)target->as.to = (dw_bytes){ NULL, 0 }; break;
    case DW_TO_TIME: *(dw_time *)target->as.to = (dw_time){ 0 }; break;
    default: *(json_t **)target->as.to = NULL;
    }
}

/* A sum of whole numbers is a decimal on PostgreSQL and an integer on SQLite: both go into a whole number. */
static bool whole_number(const struct db_cell *cell, int64_t *out)
{
    const char *expected;
    const dw_value target = DW(out);

    if (cell->type == DB_INTEGER || cell->type == DB_BOOLEAN) {
        *out = cell->i;
        return true;
    }
    return cell->type == DB_DECIMAL && value_store_text(&target, cell->text, &expected) == 0;
}

static int store_int(const struct db_cell *cell, const dw_value *target)
{
    int64_t i;

    if (!whole_number(cell, &i))
        return cell->type == DB_DECIMAL ? DW_EINVALID : DW_EMISUSE;
    if (target->type == DW_TO_INT64)
        *(int64_t *)target->as.to = i;
    else if (i < INT32_MIN || i > INT32_MAX)
        return DW_EINVALID;
    else
        *(int32_t *)target->as.to = (int32_t)i;
    return 0;
}

static int store_bool(const struct db_cell *cell, const dw_value *target)
{
    if (cell->type != DB_BOOLEAN && (cell->type != DB_INTEGER || (cell->i != 0 && cell->i != 1)))
        return DW_EMISUSE;
    *(bool *)target->as.to = cell->i != 0;
    return 0;
}

static int store_real(const struct db_cell *cell, const dw_value *target)
{
    const char *expected;

    switch (cell->type) {
    case DB_REAL: *(double *)target->as.to = cell->r; return 0;
    case DB_INTEGER: *(double *)target->as.to = (double)cell->i; return 0;
    case DB_DECIMAL: return value_store_text(target, cell->text, &expected) == 0 ? 0 : DW_EINVALID;
    default: return DW_EMISUSE;
    }
}

/* An expression's time is a text on SQLite, unless its alias says more. */
static int store_time(const struct db_cell *cell, const dw_value *target)
{
    int64_t us = cell->i;

    if (cell->type != DB_TIME && (cell->type != DB_TEXT || !clock_parse_rfc3339(cell->text, &us)))
        return DW_EMISUSE;
    *(dw_time *)target->as.to = (dw_time){ us };
    return 0;
}

static int store_json(const struct db_cell *cell, const dw_value *target, struct db_tree **trees)
{
    struct json_fault fault;
    json_t *json;

    if (cell->type != DB_JSON && cell->type != DB_TEXT)
        return DW_EMISUSE;
    if (json_strict_parse(cell->text, 0, &json, &fault) != 0)
        return fault.is_ours ? DW_ENOMEM : DW_EINVALID;
    struct db_tree *tree = malloc(sizeof(*tree));
    if (!tree) {
        json_decref(json);
        return DW_ENOMEM;
    }
    *tree = (struct db_tree){ *trees, json };
    *trees = tree;
    *(json_t **)target->as.to = json;
    return 0;
}

/* The bytes of whatever is a text; a time becomes one. */
static int text_of(const struct db_cell *cell, struct arena *memory, bool lasting, struct str *out)
{
    char time[CLOCK_RFC3339_SIZE];

    switch (cell->type) {
    case DB_TEXT:
    case DB_JSON:
    case DB_UUID:
    case DB_DECIMAL:
    case DB_BLOB: *out = cell->text; break;
    case DB_TIME:
        clock_format_rfc3339(cell->i, time);
        *out = str_make(time, sizeof(time) - 1);
        lasting = true;
        break;
    default: return DW_EMISUSE;
    }
    if (lasting && !(out->p = arena_copy(memory, *out)))
        return DW_ENOMEM;
    return 0;
}

static int store_text(const struct db_cell *cell, const dw_value *target, struct arena *memory, bool lasting)
{
    struct str text;

    if (cell->type == DB_BLOB && target->type != DW_TO_BYTES)
        return DW_EMISUSE;
    DW_TRY(text_of(cell, memory, lasting, &text));
    if (target->type == DW_TO_TEXT)
        *(const char **)target->as.to = text.p;
    else if (target->type == DW_TO_STR)
        *(dw_str *)target->as.to = (dw_str){ text.p, text.n };
    else
        *(dw_bytes *)target->as.to = (dw_bytes){ text.p, text.n };
    return 0;
}

int db_cell_store(const struct db_cell *cell, const dw_value *target, struct arena *memory, bool lasting,
                  struct db_tree **trees, const char **expected)
{
    static const char *const wanted[] = {
        [DW_TO_BOOL] = "a boolean",
        [DW_TO_INT32] = "a whole number from -2147483648 to 2147483647",
        [DW_TO_INT64] = "a whole number of 64 bits",
        [DW_TO_REAL] = "a number",
        [DW_TO_TEXT] = "a text",
        [DW_TO_STR] = "a text",
        [DW_TO_BYTES] = "bytes",
        [DW_TO_TIME] = "a time",
        [DW_TO_JSON] = "JSON",
    };

    *expected = "to be a target such as &name";
    if (!value_is_target(target))
        return DW_EMISUSE;
    *expected = wanted[target->type];
    if (cell->type == DB_NULL) {
        store_nothing(target);
        return 0;
    }
    switch (target->type) {
    case DW_TO_BOOL: return store_bool(cell, target);
    case DW_TO_INT32:
    case DW_TO_INT64: return store_int(cell, target);
    case DW_TO_REAL: return store_real(cell, target);
    case DW_TO_TIME: return store_time(cell, target);
    case DW_TO_JSON: return store_json(cell, target, trees);
    default: return store_text(cell, target, memory, lasting);
    }
}
