-- migrate:up
-- tenant-table: desk_watches
CREATE TABLE desk_watches (
    tenant_id  UUID NOT NULL,
    id         UUID NOT NULL,
    connection TEXT NOT NULL,
    name       TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

-- migrate:down
DROP TABLE desk_watches;
