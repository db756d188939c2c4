-- Jobs: what core/jobs/queue.c reads and writes. Few indexes, each partial: a finished job stands in none but the
-- primary key, and an ordinary waiting or running one in one more.

-- migrate:up

CREATE TABLE dowel_jobs (
    id UUID PRIMARY KEY,                 -- version 7: the order in which they were added
    kind TEXT NOT NULL,                  -- "notes.push": the plugin and its kind
    tenant TEXT NOT NULL,                -- for whom; '' for the server itself
    principal TEXT,                      -- who added it
    state TEXT NOT NULL,                 -- waiting, running, done, dead, cancelled
    ending TEXT,                         -- dead or cancelled: only its last callback is still to be run
    due_at TIMESTAMPTZ NOT NULL,
    payload TEXT NOT NULL,               -- JSON, as it was written
    unique_key TEXT,
    queue_key TEXT,                      -- with the plugin and tenant in front
    again TEXT,                          -- the payload of one more run, wanted while this one ran
    attempts INTEGER NOT NULL,           -- begun
    lease BIGINT NOT NULL,               -- how often it was leased: who has an older number has lost it
    lease_until TIMESTAMPTZ,
    server TEXT,                         -- who has or had the lease
    cancel BOOLEAN NOT NULL,             -- it runs, and shall not
    progress_done BIGINT,
    progress_total BIGINT,
    created_at TIMESTAMPTZ NOT NULL,
    started_at TIMESTAMPTZ,              -- of the last attempt
    ended_at TIMESTAMPTZ,
    took_us BIGINT,                      -- of the last attempt
    error_code INTEGER,                  -- of the last attempt that failed
    error TEXT
);

CREATE INDEX dowel_jobs_due ON dowel_jobs (kind, due_at) WHERE state = 'waiting';
CREATE INDEX dowel_jobs_running ON dowel_jobs (lease_until) WHERE state = 'running';
CREATE UNIQUE INDEX dowel_jobs_unique ON dowel_jobs (kind, tenant, unique_key)
    WHERE unique_key IS NOT NULL AND state IN ('waiting', 'running');
CREATE INDEX dowel_jobs_queue ON dowel_jobs (queue_key, id)
    WHERE queue_key IS NOT NULL AND state IN ('waiting', 'running');

-- What went wrong, attempt by attempt. One that succeeds leaves no row here.
CREATE TABLE dowel_job_failures (
    job UUID NOT NULL,
    lease BIGINT NOT NULL,
    attempt INTEGER NOT NULL,
    server TEXT,
    started_at TIMESTAMPTZ,
    took_us BIGINT,
    code INTEGER NOT NULL,
    error TEXT NOT NULL,
    PRIMARY KEY (job, lease)
);

-- The kinds that were ever registered, and which of them an admin holds back.
CREATE TABLE dowel_job_kinds (
    kind TEXT PRIMARY KEY,
    paused BOOLEAN NOT NULL,
    paused_at TIMESTAMPTZ
);

-- migrate:down

DROP TABLE dowel_job_kinds;
DROP TABLE dowel_job_failures;
DROP TABLE dowel_jobs;
