-- Schedules: what happens by itself, and when next. Whoever moves next_at has fired it, and nobody else.

-- migrate:up

CREATE TABLE dowel_schedules (
    name TEXT NOT NULL,                  -- "csvtime.poll": the plugin and its schedule
    tenant TEXT NOT NULL,                -- for whom; '' for all in one
    job TEXT NOT NULL,                   -- the kind of job that it adds
    spec TEXT NOT NULL,                  -- "0 3 * * *", "every 5m", "2026-12-24T18:00:00Z", "off"
    zone TEXT NOT NULL,                  -- whose clock
    anchor_at TIMESTAMPTZ NOT NULL,      -- from when an interval counts
    jitter_us BIGINT NOT NULL,           -- by how much it is later than the spec says, always
    next_at TIMESTAMPTZ,                 -- null: never again
    fired_at TIMESTAMPTZ,                -- the instant for which a job was last added
    skipped_at TIMESTAMPTZ,              -- the last one for which none was, as the one before had not ended
    paused_at TIMESTAMPTZ,               -- since when an admin holds it back
    PRIMARY KEY (name, tenant)
);

CREATE INDEX dowel_schedules_due ON dowel_schedules (name, next_at) WHERE next_at IS NOT NULL AND paused_at IS NULL;

-- migrate:down

DROP TABLE dowel_schedules;
