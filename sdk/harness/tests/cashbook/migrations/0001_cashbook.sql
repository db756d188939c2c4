-- migrate:up
-- tenant-table: cashbook
CREATE TABLE cashbook (
    tenant_id UUID   NOT NULL,
    id        UUID   NOT NULL,
    amount    BIGINT NOT NULL CHECK (amount > 0),
    PRIMARY KEY (tenant_id, id)
);

-- migrate:down
DROP TABLE cashbook;
