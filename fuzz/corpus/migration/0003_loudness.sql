-- louder is nicer
-- migrate:up
ALTER TABLE keeper_words ADD COLUMN loudness INTEGER NOT NULL DEFAULT 1;
-- dialect: sqlite
CREATE INDEX keeper_words_by_loudness ON keeper_words (loudness) WHERE loudness > 1;
-- dialect: postgres
CREATE INDEX keeper_words_by_loudness ON keeper_words (loudness DESC);
-- dialect: all

-- migrate:down
DROP INDEX keeper_words_by_loudness;
ALTER TABLE keeper_words DROP COLUMN loudness;
