/* Tenant tables: a key without the tenant lets one tenant learn of another's rows, or a cascade delete them. */
#include "db/lint_steps.h"

#define HINT_COLUMN "write tenant_id UUID NOT NULL"
#define HINT_KEY    "put tenant_id first: UNIQUE (tenant_id, ..) or PRIMARY KEY (tenant_id, ..)"
#define HINT_ID     "add PRIMARY KEY (tenant_id, id), which foreign keys of other tables point to"
#define HINT_FOREIGN                                                                                      \
    "write FOREIGN KEY (tenant_id, other_id) REFERENCES other (tenant_id, id); a single key crosses the " \
    "wall"

/* What is known of a tenant table while its columns and constraints are read. */
struct keys {
    bool has_tenant_id, has_id;
    bool has_id_key;     /* (tenant_id, id) */
    bool has_tenant_key; /* a primary key that begins with tenant_id */
};

static bool is_name(struct linting *l, size_t i, const char *name)
{
    return token_is_name(tokens_at(&l->tokens, i)) && strcmp(lint_name(l, i), name) == 0;
}

/* Is it (tenant_id, ..)? `open` is the parenthesis. */
static bool begins_with_tenant(struct linting *l, size_t open)
{
    return tokens_is_symbol(&l->tokens, open, '(') && is_name(l, open + 1, "tenant_id") &&
           (tokens_is_symbol(&l->tokens, open + 2, ',') || tokens_is_symbol(&l->tokens, open + 2, ')'));
}

static bool is_tenant_and_id(struct linting *l, size_t open)
{
    return begins_with_tenant(l, open) && is_name(l, open + 3, "id") &&
           tokens_is_symbol(&l->tokens, open + 4, ')');
}

/* ---- keys ---- */

static void check_key(struct linting *l, size_t word, bool is_primary, struct keys *keys)
{
    const size_t open = word + (is_primary ? 2 : 1);

    if (!begins_with_tenant(l, open)) {
        lint_add(l, word, HINT_KEY, "a key of a tenant table does not begin with tenant_id");
        return;
    }
    keys->has_id_key = keys->has_id_key || is_tenant_and_id(l, open);
    keys->has_tenant_key = keys->has_tenant_key || is_primary;
}

/* ---- foreign keys ---- */

static bool sets_columns(const struct linting *l, size_t references, size_t end)
{
    for (size_t i = references; i < end; i++) {
        if (tokens_is(&l->tokens, i, "SET") &&
            (tokens_is(&l->tokens, i + 1, "NULL") || tokens_is(&l->tokens, i + 1, "DEFAULT")) &&
            !tokens_is_symbol(&l->tokens, i + 2, '('))
            return true;
    }
    return false;
}

/* REFERENCES other (..): in a tenant table, `columns` is the ( of its own columns, or 0 at a single column. */
static void check_foreign_key(struct linting *l, size_t references, size_t columns, size_t end,
                              bool is_tenant)
{
    const char *other = lint_name(l, references + 1);

    if (!lint_is_tenant_table(l, other))
        return;
    if (!is_tenant)
        lint_add(l, references, "make this a tenant table as well, with tenant_id in the foreign key",
                 "a table of all tenants points to %s, a tenant table", other);
    else if (!columns || !begins_with_tenant(l, columns) || !begins_with_tenant(l, references + 2))
        lint_add(l, references, HINT_FOREIGN,
                 "a foreign key to the tenant table %s does not begin with tenant_id", other);
    else if (sets_columns(l, references, end))
        lint_add(l, references, "write ON DELETE CASCADE, or set the column in an UPDATE before you delete",
                 "ON .. SET NULL would take tenant_id from the row as well");
}

/* ---- columns and constraints ---- */

static size_t find(const struct linting *l, size_t first, size_t end, const char *word)
{
    return ddl_find(&l->tokens, (struct ddl_item){ first, end }, word);
}

static void check_constraint(struct linting *l, struct ddl_item item, bool is_tenant, struct keys *keys)
{
    const size_t primary = find(l, item.first, item.end, "PRIMARY"),
                 unique = find(l, item.first, item.end, "UNIQUE"),
                 foreign = find(l, item.first, item.end, "FOREIGN"),
                 references = find(l, item.first, item.end, "REFERENCES");

    if (references < item.end)
        check_foreign_key(l, references, foreign < item.end ? foreign + 2 : 0, item.end, is_tenant);
    if (!is_tenant)
        return;
    if (primary < item.end)
        check_key(l, primary, true, keys);
    else if (unique < item.end)
        check_key(l, unique, false, keys);
    if (find(l, item.first, item.end, "EXCLUDE") < item.end)
        lint_add(l, item.first, "check it in the transaction that inserts",
                 "EXCLUDE looks at the rows of all tenants");
}

static bool is_not_null(const struct linting *l, const struct ddl_column *column)
{
    const size_t word = find(l, column->type_end, column->end, "NOT");
    return word < column->end && tokens_is(&l->tokens, word + 1, "NULL");
}

static void check_tenant_column(struct linting *l, const struct ddl_column *column, struct keys *keys)
{
    const bool is_uuid = column->type + 1 == column->type_end && tokens_is(&l->tokens, column->type, "UUID");

    keys->has_tenant_id = true;
    if (!is_uuid || !is_not_null(l, column))
        lint_add(l, column->name, HINT_COLUMN, "tenant_id is not UUID NOT NULL");
    if (find(l, column->type_end, column->end, "PRIMARY") < column->end)
        keys->has_tenant_key = true;
}

static void check_column(struct linting *l, const struct ddl_column *column, bool is_tenant,
                         struct keys *keys)
{
    const size_t primary = find(l, column->type_end, column->end, "PRIMARY"),
                 unique = find(l, column->type_end, column->end, "UNIQUE"),
                 references = find(l, column->type_end, column->end, "REFERENCES");
    const bool is_tenant_id = is_name(l, column->name, "tenant_id");

    if (references < column->end)
        check_foreign_key(l, references, 0, column->end, is_tenant);
    if (!is_tenant)
        return;
    keys->has_id = keys->has_id || is_name(l, column->name, "id");
    if (is_tenant_id)
        check_tenant_column(l, column, keys);
    else if (primary < column->end || unique < column->end)
        lint_add(l, primary < column->end ? primary : unique, HINT_KEY,
                 "the column %s is a key alone, which all tenants would share", lint_name(l, column->name));
}

/* ---- CREATE TABLE ---- */

static void check_keys(struct linting *l, const struct ddl_statement *s, const struct keys *keys)
{
    const char *name = lint_name(l, s->table);

    if (!keys->has_tenant_id)
        lint_add(l, s->table, HINT_COLUMN, "the tenant table %s has no column tenant_id", name);
    else if (keys->has_id && !keys->has_id_key)
        lint_add(l, s->table, HINT_ID, "the tenant table %s has no key (tenant_id, id)", name);
    else if (!keys->has_id && !keys->has_tenant_key)
        lint_add(l, s->table, HINT_KEY, "the tenant table %s has no primary key that begins with tenant_id",
                 name);
}

/* Named nowhere as a tenant table, but it looks like one. */
static void check_forgotten(struct linting *l, size_t column, const char *table)
{
    if (is_name(l, column, "tenant_id"))
        lint_add(l, column, "write a line -- tenant-table: NAME before it, or call the column otherwise",
                 "%s has a column tenant_id, but no wall", table);
}

void lint_tenant_table(struct linting *l, const struct ddl_statement *s)
{
    const char *name = lint_name(l, s->table);
    const bool is_tenant = lint_is_tenant_table(l, name);
    const size_t end = s->body ? tokens_at(&l->tokens, s->body)->partner : 0;
    struct keys keys = { 0 };
    struct ddl_item item;

    for (size_t at = s->body + 1; s->body && ddl_item_next(&l->tokens, &at, end, &item);) {
        struct ddl_column column;
        if (ddl_is_constraint(&l->tokens, item)) {
            check_constraint(l, item, is_tenant, &keys);
            continue;
        }
        ddl_column_read(&l->tokens, item, &column);
        check_column(l, &column, is_tenant, &keys);
        if (!is_tenant && !l->is_core)
            check_forgotten(l, column.name, name);
    }
    if (is_tenant)
        check_keys(l, s, &keys);
}

/* ---- ALTER TABLE, CREATE INDEX ---- */

static bool touches_tenant_id(struct linting *l, struct ddl_item action)
{
    if (tokens_is(&l->tokens, action.first, "ADD"))
        return false;
    for (size_t i = action.first; i < action.end; i++) {
        if (is_name(l, i, "tenant_id"))
            return true;
    }
    return false;
}

static void check_action(struct linting *l, struct ddl_item action, const char *table, bool is_tenant)
{
    struct keys keys = { 0 };
    struct ddl_column column;

    if (ddl_adds_column(&l->tokens, action, &column)) {
        if (!l->is_core && is_name(l, column.name, "tenant_id"))
            lint_add(l, column.name, "make a new tenant table and copy the rows",
                     "%s cannot become a tenant table by a new column", table);
        else
            check_column(l, &column, is_tenant, &keys);
    } else if (ddl_begins(&l->tokens, action, "ADD")) {
        check_constraint(l, (struct ddl_item){ action.first + 1, action.end }, is_tenant, &keys);
    } else if (is_tenant && ddl_begins(&l->tokens, action, "RENAME TO")) {
        lint_add(l, action.first, "make a new tenant table and copy the rows",
                 "the wall of %s is bound to its name", table);
    } else if (is_tenant && touches_tenant_id(l, action)) {
        lint_add(l, action.first, "leave tenant_id as it is; the wall stands on it",
                 "tenant_id of %s is changed", table);
    }
}

void lint_tenant_alter(struct linting *l, const struct ddl_statement *s)
{
    const char *name = lint_name(l, s->table);
    struct ddl_item action;

    for (size_t at = s->body; s->body && ddl_item_next(&l->tokens, &at, s->end, &action);)
        check_action(l, action, name, lint_is_tenant_table(l, name));
}

void lint_tenant_index(struct linting *l, const struct ddl_statement *s)
{
    if (s->is_unique && lint_is_tenant_table(l, lint_name(l, s->table)) && !begins_with_tenant(l, s->body))
        lint_add(l, s->first, "write CREATE UNIQUE INDEX .. ON table (tenant_id, ..)",
                 "a unique index of a tenant table does not begin with tenant_id");
}
