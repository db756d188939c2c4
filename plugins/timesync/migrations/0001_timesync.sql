-- Booked time on its way from a source to a target. README.md says what each word means; connections are the server's, so their
-- ids are not references.
-- migrate:up

-- A source, a target, and the rules between them.
-- tenant-table: timesync_syncs
CREATE TABLE timesync_syncs (
    tenant_id      UUID        NOT NULL,
    id             UUID        NOT NULL,
    name           TEXT        NOT NULL,
    source         UUID        NOT NULL,            -- connections
    target         UUID        NOT NULL,
    source_at      TEXT        NOT NULL DEFAULT '', -- their addresses, where all that is known of them was read; '': not known yet
    target_at      TEXT        NOT NULL DEFAULT '',
    mark           TEXT        NOT NULL,            -- of the source in every marker: the last 8 hex digits of its id
    rules          JSON        NOT NULL,            -- see rules.h: what is left out has its default
    schedule       TEXT        NOT NULL,            -- of polls: "every 15m", cron's; '': by hand and by webhooks
    full_schedule  TEXT        NOT NULL,            -- of full comparisons
    zone           TEXT        NOT NULL,            -- of both, and of days and months in reports
    enabled        BOOLEAN     NOT NULL,
    poll_due_at    TIMESTAMPTZ,                     -- null: never by itself
    full_due_at    TIMESTAMPTZ,
    read_until     TIMESTAMPTZ,                     -- what changed at the source up to then was read
    looked_until   TIMESTAMPTZ,                     -- what changed at the target up to then was seen
    compared_at    TIMESTAMPTZ,                     -- the last full comparison that came to its end
    held_reason    TEXT        NOT NULL,            -- why it does nothing by itself just now: AUTH_EXPIRED, RATE_LIMITED,
                                                    -- TOO_MANY_DELETIONS, MOVED; '': it works
    held_detail    TEXT        NOT NULL,
    held_until     TIMESTAMPTZ,                     -- null: until somebody says so
    version        BIGINT      NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL,
    changed_at     TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, name),
    UNIQUE (tenant_id, source, target)              -- else the same minutes would be moved twice
);
CREATE INDEX timesync_syncs_by_source ON timesync_syncs (tenant_id, source);
CREATE INDEX timesync_syncs_by_target ON timesync_syncs (tenant_id, target);

-- A booking at the source as it was last seen, and its timesheet at the target. One writer at a time: who wants to write raises
-- `version` and sets `intent` in one statement, commits, and only then speaks to the target.
-- tenant-table: timesync_entries
CREATE TABLE timesync_entries (
    tenant_id      UUID        NOT NULL,
    id             UUID        NOT NULL,
    sync           UUID        NOT NULL,
    source_id      TEXT        NOT NULL,
    ticket         TEXT        NOT NULL,
    ticket_number  TEXT        NOT NULL,
    ticket_title   TEXT        NOT NULL,
    customer       TEXT        NOT NULL,            -- '': not told, as of all below
    customer_name  TEXT        NOT NULL,
    agent          TEXT        NOT NULL,
    agent_email    TEXT        NOT NULL,
    agent_name     TEXT        NOT NULL,
    activity       TEXT        NOT NULL,
    activity_name  TEXT        NOT NULL,
    note           TEXT        NOT NULL,
    url            TEXT        NOT NULL,
    merged_into    TEXT        NOT NULL,            -- a ticket
    wrong          TEXT        NOT NULL DEFAULT '', -- why it is not moved before a person has looked: as its source says it
    amount         TEXT        NOT NULL,            -- as the source has it
    unit           INTEGER     NOT NULL,            -- enum dw_unit
    begin_at       TIMESTAMPTZ,                     -- as the source says it; null: it does not
    end_at         TIMESTAMPTZ,
    booked_at      TIMESTAMPTZ,                     -- when it was created there
    edited_at      TIMESTAMPTZ,                     -- when it was last changed there
    hash           TEXT        NOT NULL,            -- of all of the above that matters
    starts_at      TIMESTAMPTZ,                     -- where it lies in time by the rules; null: cannot be told
    day            TEXT        NOT NULL DEFAULT '', -- of starts_at, in the sync's zone: "2026-11-21"; '': cannot be told
    seconds        BIGINT,                          -- how long it is by the rules; null: the amount is of no use
    seen_at        TIMESTAMPTZ NOT NULL,            -- first
    gone_at        TIMESTAMPTZ,                     -- when the source was found to have it no longer
    state          TEXT        NOT NULL,            -- waiting, synced, skipped, deciding, failed, unfollowed, gone
    reason         TEXT        NOT NULL,            -- of skipped, deciding and failed: see reasons.h

    sheet          TEXT,                            -- its timesheet's id there; null: it has none
    base           JSON,                            -- the baseline: what the target answered when it was last written or accepted
    base_hash      TEXT,                            -- of what is watched of it
    pushed_hash    TEXT,                            -- `hash` and what the rules made of it, when it was last written or accepted
    link_by        TEXT        NOT NULL,            -- run, adopted, person; '': it has none
    link_run       UUID,                            -- which run made the timesheet or adopted it
    linked_at      TIMESTAMPTZ,
    exported       BOOLEAN     NOT NULL,            -- as last seen
    billable       INTEGER     NOT NULL,            -- enum dw_billable, as last seen there
    project        TEXT        NOT NULL,            -- of the timesheet, as last seen there, with names for reports
    project_name   TEXT        NOT NULL,
    target_customer      TEXT  NOT NULL,
    target_customer_name TEXT  NOT NULL,
    target_activity      TEXT  NOT NULL,
    target_activity_name TEXT  NOT NULL,

    intent         TEXT        NOT NULL,            -- create, update, remove, withdraw: was begun, its end is not known; '': nothing is
    sent           JSON,                            -- of an intent to update: what the timesheet is then, if it happened
    intent_at      TIMESTAMPTZ,                     -- when it was begun
    intent_run     UUID,
    marker         TEXT        NOT NULL,            -- as it was first written, also when the ticket is another by now; ''
    attempt        INTEGER     NOT NULL,            -- how often the target was written to for it, and where that went well the next multiple of three
    version        BIGINT      NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, source_id, sync),
    FOREIGN KEY (tenant_id, sync) REFERENCES timesync_syncs (tenant_id, id)
);
-- What tells rows apart comes before the sync: as long as a planner knows nothing of a table, all indexes that begin with the
-- sync look alike to it, and the first full run reads all of its entries for each of them.
CREATE INDEX timesync_entries_by_ticket ON timesync_entries (tenant_id, ticket, sync);
CREATE INDEX timesync_entries_by_sheet ON timesync_entries (tenant_id, sheet, sync);
CREATE INDEX timesync_entries_by_state ON timesync_entries (tenant_id, state, sync, id);
CREATE INDEX timesync_entries_by_day ON timesync_entries (tenant_id, day);
CREATE INDEX timesync_entries_by_start ON timesync_entries (tenant_id, starts_at, sync);
CREATE INDEX timesync_entries_by_intent ON timesync_entries (tenant_id, intent_at) WHERE intent <> '';
CREATE INDEX timesync_entries_by_gone ON timesync_entries (tenant_id, sync) WHERE state = 'synced' AND gone_at IS NOT NULL;

-- One pass, or a plan of one.
-- tenant-table: timesync_runs
CREATE TABLE timesync_runs (
    tenant_id      UUID        NOT NULL,
    id             UUID        NOT NULL,
    sync           UUID        NOT NULL,
    kind           TEXT        NOT NULL,            -- poll, full, tickets, window, decide, undo
    is_plan        BOOLEAN     NOT NULL,            -- it writes nothing
    started_by     TEXT        NOT NULL,            -- schedule, webhook, person, mapping, settle
    who            TEXT        NOT NULL,            -- a user's id; ''
    who_name       TEXT        NOT NULL,
    scope          JSON        NOT NULL,            -- {"tickets": [..]}, {"since": .., "until": ..}, {"run": ..},
                                                    -- {"action": .., "note": .., "sheet": .., "keys": [..]}, {"any_deletions": true}
    ticket         TEXT        NOT NULL,            -- of a run of a single one; ''
    state          TEXT        NOT NULL,            -- waiting, reading, writing, done, failed, cancelled
    phase          TEXT        NOT NULL,            -- for people: what it is at
    total          BIGINT      NOT NULL,            -- steps; 0: not known yet
    read_counts    JSON,                            -- what reading counted that needed no step; null: reading is not over
    examined       BIGINT      NOT NULL,            -- = created + updated + unchanged + deleted + skipped + to_decide + failed
    created        BIGINT      NOT NULL,            -- adopted ones too
    updated        BIGINT      NOT NULL,
    unchanged      BIGINT      NOT NULL,
    deleted        BIGINT      NOT NULL,
    skipped        BIGINT      NOT NULL,
    to_decide      BIGINT      NOT NULL,
    failed         BIGINT      NOT NULL,
    adopted        BIGINT      NOT NULL,            -- of the created
    requests       BIGINT      NOT NULL,            -- to both sides
    reason         TEXT        NOT NULL,            -- why it failed, or what it could not do: see reasons.h; ''
    detail         TEXT        NOT NULL,            -- the same for people
    undoes         UUID,                            -- of kind undo: which run
    undone_by      UUID,
    created_at     TIMESTAMPTZ NOT NULL,
    started_at     TIMESTAMPTZ,
    ended_at       TIMESTAMPTZ,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, sync) REFERENCES timesync_syncs (tenant_id, id)
);
CREATE INDEX timesync_runs_by_sync ON timesync_runs (tenant_id, sync, id);
CREATE INDEX timesync_runs_by_ticket ON timesync_runs (tenant_id, ticket, sync, started_at);
CREATE INDEX timesync_runs_by_state ON timesync_runs (tenant_id, state, id);
CREATE INDEX timesync_runs_by_end ON timesync_runs (tenant_id, ended_at);

-- What a run has to do, and then what it did or, of a plan, would do: one for each entry that it examined and that is not
-- simply unchanged. Rows without an outcome are the work that is left: whoever carries a run on after a crash begins there.
-- tenant-table: timesync_steps
CREATE TABLE timesync_steps (
    tenant_id      UUID        NOT NULL,
    id             UUID        NOT NULL,
    run            UUID        NOT NULL,
    entry          UUID,                            -- null: of a timesheet that no entry has (DUPLICATE)
    key            TEXT        NOT NULL,            -- the entry's id, or "sheet:ID": once a run
    shard          INTEGER     NOT NULL,            -- which worker does it
    outcome        TEXT        NOT NULL,            -- '': to do; created, adopted, updated, unchanged, deleted, skipped, deciding, failed
    reason         TEXT        NOT NULL,            -- without an outcome: what was seen when it was made, see step.h
    detail         TEXT        NOT NULL,
    sheet          TEXT,
    old_sheet      JSON,                            -- the timesheet before; null: there was none
    new_sheet      JSON,
    undone         TEXT        NOT NULL,            -- '': was not; done; why not: exported, changed, gone
    at             TIMESTAMPTZ,                     -- of the outcome
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, key, run),
    FOREIGN KEY (tenant_id, run) REFERENCES timesync_runs (tenant_id, id)
);
CREATE INDEX timesync_steps_to_do ON timesync_steps (tenant_id, run, shard, id) WHERE outcome = '';
CREATE INDEX timesync_steps_of_run ON timesync_steps (tenant_id, run, id);
CREATE INDEX timesync_steps_of_entry ON timesync_steps (tenant_id, entry, run, id);
-- dialect: postgres
-- After the first full run all steps are of one run, and a planner that has counted them reads them all for any other.
ALTER TABLE timesync_steps ALTER COLUMN run SET (n_distinct = -0.01);
-- dialect: all

-- What a person has to decide, with the three versions as they were found. At most one is open for a key.
-- tenant-table: timesync_cases
CREATE TABLE timesync_cases (
    tenant_id      UUID        NOT NULL,
    id             UUID        NOT NULL,
    sync           UUID        NOT NULL,
    key            TEXT        NOT NULL,            -- as of a step
    entry          UUID,
    sheet          TEXT,
    reason         TEXT        NOT NULL,
    detail         TEXT        NOT NULL,            -- what was found, for people; as the target said it
    base           JSON,
    source         JSON,
    target         JSON,
    state          TEXT        NOT NULL,            -- open, deciding (an action is under way), resolved, obsolete (it solved itself)
    action         TEXT        NOT NULL,            -- that was chosen, see cases.h; ''
    note           TEXT        NOT NULL,
    assigned       TEXT        NOT NULL,            -- a user's id; ''
    run            UUID,                            -- in which it was last found
    opened_at      TIMESTAMPTZ NOT NULL,
    found_at       TIMESTAMPTZ NOT NULL,            -- last
    resolved_at    TIMESTAMPTZ,
    resolved_by    TEXT        NOT NULL,            -- a user's id; '': nobody, it became obsolete
    version        BIGINT      NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, sync) REFERENCES timesync_syncs (tenant_id, id)
);
CREATE UNIQUE INDEX timesync_cases_open ON timesync_cases (tenant_id, key, sync) WHERE state IN ('open', 'deciding');
CREATE INDEX timesync_cases_by_state ON timesync_cases (tenant_id, state, reason, id);
CREATE INDEX timesync_cases_of_entry ON timesync_cases (tenant_id, entry);
CREATE INDEX timesync_cases_by_key ON timesync_cases (tenant_id, key, sync);

-- What of the source is what of the target.
-- tenant-table: timesync_mappings
CREATE TABLE timesync_mappings (
    tenant_id      UUID        NOT NULL,
    id             UUID        NOT NULL,
    sync           UUID        NOT NULL,
    kind           TEXT        NOT NULL,            -- activity, user, customer, project (of a ticket)
    source         TEXT        NOT NULL,            -- its id there; '' of an activity: none was given
    source_name    TEXT        NOT NULL,
    target         TEXT        NOT NULL,            -- '': never moved, "skip"
    target_name    TEXT        NOT NULL,
    billable       INTEGER     NOT NULL,            -- enum dw_billable: UNSAID leaves it to the rule
    made_by        TEXT        NOT NULL,
    version        BIGINT      NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL,
    changed_at     TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, sync, kind, source),
    FOREIGN KEY (tenant_id, sync) REFERENCES timesync_syncs (tenant_id, id)
);

-- Customers and projects at a target that belong to something of a source: found or made once, whoever needs them. A row without
-- `target_id` is the intent of one who makes it.
-- tenant-table: timesync_places
CREATE TABLE timesync_places (
    tenant_id      UUID        NOT NULL,
    id             UUID        NOT NULL,
    target         UUID        NOT NULL,            -- the connection
    mark           TEXT        NOT NULL,            -- of the source
    kind           TEXT        NOT NULL,            -- customer, project, user
    source         TEXT        NOT NULL,            -- an organisation's or ticket's id, "customer:ID" of a customer's only
                                                    -- project, a user's address
    target_id      TEXT,
    target_name    TEXT        NOT NULL,
    parent         TEXT        NOT NULL,            -- a project's customer
    is_made        BOOLEAN     NOT NULL,            -- by us
    intent_at      TIMESTAMPTZ,
    version        BIGINT      NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, target, mark, kind, source)
);

-- What was told of a source while a sync of it did nothing: read when it works again.
-- tenant-table: timesync_notices
CREATE TABLE timesync_notices (
    tenant_id      UUID        NOT NULL,
    sync           UUID        NOT NULL,
    kind           TEXT        NOT NULL,            -- of the run that it is for: tickets, poll, full (they were too many)
    ticket         TEXT        NOT NULL,            -- '': of none
    noted_at       TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, sync, kind, ticket),
    FOREIGN KEY (tenant_id, sync) REFERENCES timesync_syncs (tenant_id, id)
);

-- migrate:down
DROP TABLE timesync_notices;
DROP TABLE timesync_places;
DROP TABLE timesync_mappings;
DROP TABLE timesync_cases;
DROP TABLE timesync_steps;
DROP TABLE timesync_runs;
DROP TABLE timesync_entries;
DROP TABLE timesync_syncs;
