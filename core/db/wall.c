#include "db/wall.h"

/* "name", with each " inside written twice. */
static void add_name(struct buf *out, const char *before, struct str name)
{
    buf_add_char(out, '"');
    buf_add_text(out, before);
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '"')
            buf_add_char(out, '"');
        buf_add_char(out, name.p[i]);
    }
    buf_add_char(out, '"');
}

/* Where the text has a %, the table's quoted name comes. */
static void add_with_name(struct buf *out, const char *text, struct str table)
{
    for (; *text; text++) {
        if (*text == '%')
            add_name(out, "", table);
        else
            buf_add_char(out, *text);
    }
}

/* ---- PostgreSQL ---- */

/* The system's policy is one of its own, for a role: as an OR in the tenant's it would cost the index on tenant_id. */
void wall_write_postgres(struct buf *out, struct str table)
{
    static const char text[] =
        "ALTER TABLE % ENABLE ROW LEVEL SECURITY;\n"
        "ALTER TABLE % FORCE ROW LEVEL SECURITY;\n"
        "CREATE POLICY dowel_tenant ON %\n"
        "    USING (tenant_id = nullif(current_setting('dowel.tenant', true), '')::uuid)\n"
        "    WITH CHECK (tenant_id = nullif(current_setting('dowel.tenant', true), '')::uuid);\n"
        "CREATE POLICY dowel_system ON % TO dowel_system USING (true) WITH CHECK (true);\n"
        "GRANT SELECT, INSERT, UPDATE, DELETE ON % TO dowel_system;\n";

    add_with_name(out, text, table);
}

void wall_write_postgres_down(struct buf *out, struct str table)
{
    static const char text[] = "REVOKE SELECT, INSERT, UPDATE, DELETE ON % FROM dowel_system;\n"
                               "DROP POLICY dowel_system ON %;\n"
                               "DROP POLICY dowel_tenant ON %;\n"
                               "ALTER TABLE % NO FORCE ROW LEVEL SECURITY;\n"
                               "ALTER TABLE % DISABLE ROW LEVEL SECURITY;\n";

    add_with_name(out, text, table);
}

/* ---- SQLite ---- */

/* Without a tenant dw_tenant() is NULL, which equals nothing: coalesce makes that "no". */
static const char view[] = "CREATE TEMP VIEW % AS SELECT * FROM main.% WHERE tenant_id = dw_tenant();\n";

static const char insert_trigger[] = " BEFORE INSERT ON main.%\n"
                                     "WHEN NOT coalesce(NEW.tenant_id = dw_tenant(), 0)\n"
                                     "BEGIN\n"
                                     "    SELECT RAISE(ABORT, '" WALL_SAYS_FOREIGN "');\n"
                                     "END;\n";

/* One trigger for all cases: the order of several is not defined. */
static const char update_trigger[] =
    " BEFORE UPDATE ON main.%\n"
    "WHEN NOT coalesce(OLD.tenant_id = dw_tenant() AND NEW.tenant_id = dw_tenant(), 0)\n"
    "BEGIN\n"
    "    SELECT CASE\n"
    "        WHEN coalesce(OLD.tenant_id = dw_tenant(), 0) THEN RAISE(ABORT, '" WALL_SAYS_FOREIGN "')\n"
    "        WHEN dw_upsert() THEN RAISE(ABORT, '" WALL_SAYS_CONFLICT "')\n"
    "        ELSE RAISE(IGNORE)\n"
    "    END;\n"
    "END;\n";

static const char delete_trigger[] = " BEFORE DELETE ON main.%\n"
                                     "WHEN NOT coalesce(OLD.tenant_id = dw_tenant(), 0)\n"
                                     "BEGIN\n"
                                     "    SELECT RAISE(IGNORE);\n"
                                     "END;\n";

static void add_trigger(struct buf *out, const char *prefix, const char *text, struct str table)
{
    buf_add_text(out, "CREATE TEMP TRIGGER ");
    add_name(out, prefix, table);
    add_with_name(out, text, table);
}

void wall_write_sqlite(struct buf *out, struct str table)
{
    add_with_name(out, view, table);
    add_trigger(out, "dowel_insert_", insert_trigger, table);
    add_trigger(out, "dowel_update_", update_trigger, table);
    add_trigger(out, "dowel_delete_", delete_trigger, table);
}
