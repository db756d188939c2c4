-- Full text (core/db/search.h): how PostgreSQL makes words of texts. On SQLite FTS5's unicode61 does the same.
-- migrate:up
-- dialect: postgres

-- Small letters also where the database's locale is C.
DO $do$
BEGIN
    EXECUTE format('CREATE FUNCTION dowel_search_lower(asked text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS'
        ' $body$ SELECT lower(asked%s) $body$',
        CASE WHEN EXISTS (SELECT FROM pg_collation WHERE collname = 'und-x-icu') THEN ' COLLATE "und-x-icu"' ELSE '' END);
END
$do$;

-- What is no letter or digit becomes a blank: of hosts, paths and signed numbers PostgreSQL would make words of their own.
-- search.c divides what is asked for in the same places.
CREATE FUNCTION dowel_search_vector(texts text) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT AS $body$
    SELECT to_tsvector('pg_catalog.simple', dowel_search_lower(regexp_replace(texts,
        '[\x01-/:-@\x5b-`{-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u00d7\u00f7\u2000-\u206f\u2190-\u2bff\u3000-\u3004\u3008-\u3020\ufe00-\ufe0f\U0001f000-\U0001faff]+',
        ' ', 'g')))
$body$;

CREATE FUNCTION dowel_search_words(tenant text, first text, rest text) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT AS $body$
    SELECT array_to_tsvector(ARRAY['t:' || tenant])
        || setweight(dowel_search_vector(left(first, 10000)), 'A') || setweight(dowel_search_vector(left(rest, 100000)), 'D')
$body$;

-- migrate:down
-- dialect: postgres
DROP FUNCTION dowel_search_words(text, text, text);
DROP FUNCTION dowel_search_vector(text);
DROP FUNCTION dowel_search_lower(text);
