-- migrate:up
CREATE TABLE keeper_words (
    id   BIGINT NOT NULL PRIMARY KEY,
    word TEXT   NOT NULL
);

-- As many as a test wants: it takes time, in which much can happen.
INSERT INTO keeper_words (id, word)
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 0000010)
SELECT n, 'word' FROM numbers;

-- migrate:down
DROP TABLE keeper_words;
