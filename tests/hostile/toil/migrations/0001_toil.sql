-- migrate:up
CREATE TABLE toil (
    n    INTEGER NOT NULL,
    nth  INTEGER NOT NULL
);

-- migrate:down
DROP TABLE toil;
