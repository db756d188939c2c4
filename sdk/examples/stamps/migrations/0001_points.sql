-- migrate:up
-- tenant-table: stamps_points
CREATE TABLE stamps_points (
    tenant_id UUID        NOT NULL,
    event_id  UUID        NOT NULL,
    customer  TEXT        NOT NULL,
    points    INTEGER     NOT NULL,
    earned_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, event_id)
);
CREATE INDEX stamps_points_of_customer ON stamps_points (tenant_id, customer);

-- tenant-table: stamps_rewards
CREATE TABLE stamps_rewards (
    tenant_id UUID        NOT NULL,
    customer  TEXT        NOT NULL,
    level     INTEGER     NOT NULL,
    given_at  TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, customer, level)
);

-- migrate:down
DROP TABLE stamps_rewards;
DROP TABLE stamps_points;
