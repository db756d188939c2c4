-- migrate:up
-- tenant-table: points
CREATE TABLE points (
    tenant_id UUID        NOT NULL,
    event_id  UUID        NOT NULL,
    customer  TEXT        NOT NULL,
    points    INTEGER     NOT NULL,
    earned_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, event_id)
);
CREATE INDEX points_of_customer ON points (tenant_id, customer);

-- tenant-table: rewards
CREATE TABLE rewards (
    tenant_id UUID        NOT NULL,
    customer  TEXT        NOT NULL,
    level     INTEGER     NOT NULL,
    given_at  TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, customer, level)
);

-- migrate:down
DROP TABLE rewards;
DROP TABLE points;
