-- Filled by bench/api.mjs.
-- migrate:up
-- tenant-table: things
-- tenant-table: things_made
CREATE TABLE things (
    tenant_id  UUID          NOT NULL,
    id         BIGINT        NOT NULL,
    title      TEXT          NOT NULL,
    body       TEXT          NOT NULL,
    author     TEXT          NOT NULL,
    state      TEXT          NOT NULL,
    priority   INTEGER       NOT NULL,
    amount     DECIMAL(12,2) NOT NULL,
    due_at     TIMESTAMPTZ   NOT NULL,
    created_at TIMESTAMPTZ   NOT NULL,
    changed_at TIMESTAMPTZ   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE TABLE things_made (
    tenant_id  UUID          NOT NULL,
    id         UUID          NOT NULL,
    title      TEXT          NOT NULL,
    body       TEXT          NOT NULL,
    author     TEXT          NOT NULL,
    state      TEXT          NOT NULL,
    priority   INTEGER       NOT NULL,
    amount     DECIMAL(12,2) NOT NULL,
    due_at     TIMESTAMPTZ   NOT NULL,
    created_at TIMESTAMPTZ   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

-- migrate:down
DROP TABLE things_made;
DROP TABLE things;
