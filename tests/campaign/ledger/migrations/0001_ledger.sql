-- Nothing here is unique but what the client chose: what happens twice shall be seen, not refused.
-- migrate:up
CREATE TABLE ledger_entries (
    id    BIGINT NOT NULL PRIMARY KEY,   -- the client's
    batch BIGINT NOT NULL,               -- entries of one request: all, or none
    size  BIGINT NOT NULL                -- so many
);
CREATE TABLE ledger_effects (
    entry BIGINT NOT NULL,               -- what its job did
    nth   BIGINT NOT NULL                -- attempt
);
CREATE TABLE ledger_ticks (
    at TEXT NOT NULL                     -- what the schedule's job did
);

-- migrate:down
DROP TABLE ledger_ticks;
DROP TABLE ledger_effects;
DROP TABLE ledger_entries;
