-- Events, who gets them (plugins and webhooks), and what comes in from outside. Ids are UUIDs of version 7, in the order in
-- which things happened. Texts that are signed or handed on are TEXT, not JSON: they stay as they were written.

-- migrate:up

CREATE TABLE dowel_events (
    id UUID PRIMARY KEY,                 -- what subscribers and receivers know it by
    tenant_id UUID,                      -- null: of no tenant
    name TEXT NOT NULL,                  -- "timesync.entry.pushed"
    data TEXT NOT NULL,                  -- a JSON object
    principal TEXT,                      -- who caused it
    at TIMESTAMPTZ NOT NULL
);
CREATE INDEX dowel_events_of_tenant ON dowel_events (tenant_id, id);

-- Which plugin wants which events. Rows, not what is loaded: a plugin that is missing for a day gets what it missed.
CREATE TABLE dowel_subscriptions (
    plugin TEXT NOT NULL,
    pattern TEXT NOT NULL,               -- "timesync.entry.*"
    since TIMESTAMPTZ NOT NULL,
    seen_at TIMESTAMPTZ NOT NULL,        -- when a server last loaded the plugin
    PRIMARY KEY (plugin, pattern)
);

CREATE TABLE dowel_webhooks (
    id UUID PRIMARY KEY,
    tenant_id UUID NOT NULL,
    url TEXT NOT NULL,
    patterns TEXT NOT NULL,              -- separated by spaces
    description TEXT NOT NULL,
    allow TEXT NOT NULL,                 -- inner networks that it may be in, separated by spaces
    enabled BOOLEAN NOT NULL,
    disabled_why TEXT,
    failures INTEGER NOT NULL,           -- events one after the other that could not be delivered at all
    created_at TIMESTAMPTZ NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX dowel_webhooks_of_tenant ON dowel_webhooks (tenant_id);

-- All of them sign. Sealed with the server's key.
CREATE TABLE dowel_webhook_secrets (
    id UUID PRIMARY KEY,
    webhook_id UUID NOT NULL REFERENCES dowel_webhooks (id) ON DELETE CASCADE,
    token TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX dowel_webhook_secrets_of ON dowel_webhook_secrets (webhook_id);

CREATE TABLE dowel_webhook_deliveries (
    id UUID PRIMARY KEY,
    webhook_id UUID NOT NULL REFERENCES dowel_webhooks (id) ON DELETE CASCADE,
    event_id UUID NOT NULL,
    event_name TEXT NOT NULL,
    state TEXT NOT NULL,                 -- waiting, delivered, failed, skipped
    attempts INTEGER NOT NULL,           -- all there were
    tries INTEGER NOT NULL,              -- since it was last replayed: how far in the schedule
    status INTEGER,                      -- of the last answer
    why TEXT,                            -- it was not delivered
    created_at TIMESTAMPTZ NOT NULL,
    due_at TIMESTAMPTZ,                  -- of the next attempt
    ended_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX dowel_webhook_deliveries_of ON dowel_webhook_deliveries (webhook_id, event_id);
CREATE INDEX dowel_webhook_deliveries_event ON dowel_webhook_deliveries (event_id);

CREATE TABLE dowel_webhook_attempts (
    delivery_id UUID NOT NULL REFERENCES dowel_webhook_deliveries (id) ON DELETE CASCADE,
    attempt INTEGER NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    took_ms INTEGER NOT NULL,
    status INTEGER,                      -- null: there was no answer
    error TEXT,                          -- why not
    answer TEXT NOT NULL,                -- how its content begins
    PRIMARY KEY (delivery_id, attempt)
);

-- Who may send to /hooks/PLUGIN/NAME.
CREATE TABLE dowel_inbox_sources (
    id UUID PRIMARY KEY,
    tenant_id UUID NOT NULL,
    plugin TEXT NOT NULL,
    name TEXT NOT NULL,
    inbox TEXT NOT NULL,                 -- the plugin's, that takes what comes
    verify TEXT NOT NULL,                -- standard-webhooks, hub-sha1, hub-sha256, none
    id_header TEXT NOT NULL,             -- the field with the sender's id of a delivery; '': it has none
    enabled BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX dowel_inbox_sources_name ON dowel_inbox_sources (plugin, name);

CREATE TABLE dowel_inbox_secrets (
    id UUID PRIMARY KEY,
    source_id UUID NOT NULL REFERENCES dowel_inbox_sources (id) ON DELETE CASCADE,
    token TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX dowel_inbox_secrets_of ON dowel_inbox_secrets (source_id);

CREATE TABLE dowel_inbox (
    id UUID PRIMARY KEY,
    source_id UUID NOT NULL REFERENCES dowel_inbox_sources (id) ON DELETE CASCADE,
    delivery_id TEXT NOT NULL,           -- the sender's, or our own
    headers TEXT NOT NULL,               -- JSON, [["Name","value"],...], as they came
    body BLOB NOT NULL,
    state TEXT NOT NULL,                 -- waiting, done, failed
    why TEXT,                            -- it failed
    repeats INTEGER NOT NULL,            -- how often it came again
    received_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX dowel_inbox_delivery ON dowel_inbox (source_id, delivery_id);

-- migrate:down

DROP TABLE dowel_inbox;
DROP TABLE dowel_inbox_secrets;
DROP TABLE dowel_inbox_sources;
DROP TABLE dowel_webhook_attempts;
DROP TABLE dowel_webhook_deliveries;
DROP TABLE dowel_webhook_secrets;
DROP TABLE dowel_webhooks;
DROP TABLE dowel_subscriptions;
DROP TABLE dowel_events;
