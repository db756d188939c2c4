-- Which database this is: one row, so that a copy of it, or another one, can be told from it.
-- migrate:up
CREATE TABLE dowel_database (
    only_one INTEGER     NOT NULL PRIMARY KEY CHECK (only_one = 1),
    id       UUID        NOT NULL,
    made_at  TIMESTAMPTZ NOT NULL
);

-- migrate:down
DROP TABLE dowel_database;
