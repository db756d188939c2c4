-- migrate:up
-- tenant-table: shop_orders
CREATE TABLE shop_orders (
    tenant_id  UUID        NOT NULL,
    id         UUID        NOT NULL,
    customer   TEXT        NOT NULL,
    cents      INTEGER     NOT NULL CHECK (cents > 0),
    delivery   UUID, -- of the till's webhook that brought it
    placed_at  TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, delivery)
);

-- migrate:down
DROP TABLE shop_orders;
