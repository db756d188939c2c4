-- migrate:up
CREATE TABLE hoarder (
    id   UUID NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

-- migrate:down
DROP TABLE hoarder;
