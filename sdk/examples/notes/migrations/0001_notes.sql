-- migrate:up
-- tenant-table: notes
CREATE TABLE notes (
    tenant_id  UUID        NOT NULL,
    id         UUID        NOT NULL,
    author     TEXT        NOT NULL,
    title      TEXT        NOT NULL,
    body       TEXT        NOT NULL DEFAULT '',
    version    INTEGER     NOT NULL DEFAULT 1,
    created_at TIMESTAMPTZ NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, author, title)
);

-- migrate:down
DROP TABLE notes;
