-- Takes a while, in which its server may be killed; taken back and applied again by the campaign.
-- migrate:up
CREATE TABLE ledger_pages (
    n BIGINT NOT NULL PRIMARY KEY,
    t TEXT   NOT NULL
);
INSERT INTO ledger_pages (n, t)
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100000)
SELECT n, 'page' FROM numbers;
CREATE INDEX ledger_pages_by_t ON ledger_pages (t, n);

-- migrate:down
DROP INDEX ledger_pages_by_t;
DROP TABLE ledger_pages;
