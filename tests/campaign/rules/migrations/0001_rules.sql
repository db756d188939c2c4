-- What createThing keeps.
-- migrate:up
CREATE TABLE rules_things (
    id         UUID        NOT NULL PRIMARY KEY,
    name       TEXT        NOT NULL,
    kind       TEXT        NOT NULL,
    stars      BIGINT      NOT NULL,
    version    BIGINT      NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);

-- migrate:down
DROP TABLE rules_things;
