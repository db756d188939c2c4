-- migrate:up
-- search-table: notes (title, body)

-- migrate:down
