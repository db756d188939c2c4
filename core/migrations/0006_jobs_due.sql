-- Whether a kind has queued jobs is asked at each lease: of a long backlog without any, all of it was read for that.
-- migrate:up
CREATE INDEX dowel_jobs_due_free ON dowel_jobs (kind, due_at) WHERE state = 'waiting' AND queue_key IS NULL;
CREATE INDEX dowel_jobs_due_queued ON dowel_jobs (kind, due_at) WHERE state = 'waiting' AND queue_key IS NOT NULL;
DROP INDEX dowel_jobs_due;

-- migrate:down
CREATE INDEX dowel_jobs_due ON dowel_jobs (kind, due_at) WHERE state = 'waiting';
DROP INDEX dowel_jobs_due_queued;
DROP INDEX dowel_jobs_due_free;
