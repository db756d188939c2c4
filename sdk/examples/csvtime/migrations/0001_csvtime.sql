-- What the folder of each connection looked like when it was last looked at.

-- migrate:up
-- tenant-table: csvtime_seen
CREATE TABLE csvtime_seen (
    tenant_id   UUID NOT NULL,
    connection  UUID NOT NULL,
    fingerprint TEXT NOT NULL,
    PRIMARY KEY (tenant_id, connection)
);

-- migrate:down
DROP TABLE csvtime_seen;
