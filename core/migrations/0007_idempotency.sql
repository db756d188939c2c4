-- What a client asked with an Idempotency-Key, and how it was answered (core/plugin/idempotency.h). A row lives for a day.

-- migrate:up

CREATE TABLE dowel_idempotency (
    scope TEXT PRIMARY KEY,              -- SHA-256 of tenant, principal and key: the key itself is nowhere
    request TEXT NOT NULL,               -- SHA-256 of what was asked
    claim UUID NOT NULL,                 -- whose run it is: who comes with another one commits nothing
    state TEXT NOT NULL,                 -- running; committed: something was, but the answer is not kept (yet); done
    server TEXT NOT NULL,                -- that runs it
    lease_until TIMESTAMPTZ NOT NULL,    -- of running: then another may have it; of committed: then there will be no answer
    operation TEXT NOT NULL,             -- "notes.createNote"
    tenant TEXT,
    principal TEXT,
    status INTEGER,                      -- of done: the answer
    content_type TEXT,
    fields TEXT,                         -- "Location: /notes/1\r\n..."
    body BLOB,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX dowel_idempotency_expires ON dowel_idempotency (expires_at);

-- migrate:down

DROP TABLE dowel_idempotency;
