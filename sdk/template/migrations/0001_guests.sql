-- The tables of myplugin. A file that was applied anywhere is never changed again: the next change is 0002_something.sql.
--
-- Whatever belongs to one tenant has a wall between the tenants: "-- tenant-table: myplugin_guests" below the next line, a
-- tenant_id UUID NOT NULL in the table, first in its keys, and :tenant in the INSERTs. These guests belong to nobody.
-- migrate:up
CREATE TABLE myplugin_guests (
    id      UUID        NOT NULL PRIMARY KEY,
    name    TEXT        NOT NULL,
    came_at TIMESTAMPTZ NOT NULL
);

-- migrate:down
DROP TABLE myplugin_guests;
