-- migrate:up
-- tenant-table: reminder
CREATE TABLE reminder (
    tenant_id UUID        NOT NULL,
    id        UUID        NOT NULL,
    whom      TEXT        NOT NULL,
    text      TEXT        NOT NULL,
    state     TEXT        NOT NULL DEFAULT 'waiting',
    due_at    TIMESTAMPTZ NOT NULL,
    told_at   TIMESTAMPTZ,
    PRIMARY KEY (tenant_id, id)
);

-- migrate:down
DROP TABLE reminder;
