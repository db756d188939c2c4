-- Things of people.
-- migrate:up
-- tenant-table: keeper_things
CREATE TABLE keeper_things (
    tenant_id UUID        NOT NULL,
    id        UUID        NOT NULL,
    name      TEXT        NOT NULL,
    price     DECIMAL(12,2),
    tags      JSON,
    kept_at   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX keeper_things_by_name ON keeper_things (tenant_id, name);

-- migrate:down
DROP TABLE keeper_things;
