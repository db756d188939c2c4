-- The systems that admins connected their tenants to (core/connections). What is secret is sealed with the server's key, all of
-- one connection together: who reads a row sees which secrets there are, and none of them.

-- migrate:up

CREATE TABLE dowel_connections (
    id UUID PRIMARY KEY,
    tenant_id UUID NOT NULL,
    kind TEXT NOT NULL,                  -- "zammad", of whatever plugin has it
    name TEXT NOT NULL,                  -- for people
    settings TEXT NOT NULL,              -- a JSON object: what was given, without secrets
    secrets TEXT NOT NULL,               -- names of the settings that are in `sealed`, between spaces
    has_client_key BOOLEAN NOT NULL,
    sealed TEXT NOT NULL,                -- {"settings":{...},"client_key":"..."}; '': nothing is secret
    allow_private BOOLEAN NOT NULL,
    ca TEXT NOT NULL,                    -- PEM, trusted instead of the server's; or ''
    client_cert TEXT NOT NULL,           -- PEM; or ''
    proxy TEXT NOT NULL,                 -- '': the server's; none: straight; else its URL
    parallel INTEGER NOT NULL,           -- requests at a time
    enabled BOOLEAN NOT NULL,
    health TEXT NOT NULL,                -- untested, ok, failing
    health_since TIMESTAMPTZ,
    health_error TEXT,                   -- why it fails
    checked_at TIMESTAMPTZ,              -- or used
    version INTEGER NOT NULL,            -- of what admins change: health is no part of it
    created_at TIMESTAMPTZ NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX dowel_connections_name ON dowel_connections (tenant_id, name);

-- migrate:down

DROP TABLE dowel_connections;
