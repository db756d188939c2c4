-- The audit log (core/audit): who did what. A row is added and sealed; apart from that nothing is ever changed. The triggers
-- are against mistakes: whoever may change the tables may drop them too, and what he changes then `dowel audit verify` finds.

-- migrate:up

CREATE TABLE dowel_audit (
    id UUID PRIMARY KEY,
    at TIMESTAMPTZ NOT NULL,
    tenant_id UUID,                      -- null: of no tenant
    actor_kind TEXT NOT NULL,            -- user, key, machine, anonymous
    actor TEXT NOT NULL,                 -- the user's id; of a machine the account of the operating system; or ''
    who TEXT NOT NULL,                   -- the actor's name, e-mail and address, sealed with the key of that person; or ''
    plugin TEXT NOT NULL,
    action TEXT NOT NULL,                -- "notes.note.deleted"
    target TEXT NOT NULL,                -- its id, or ''
    request TEXT NOT NULL,               -- the request's id, or ''
    details TEXT NOT NULL,               -- a JSON object, as it was written: these bytes are sealed
    person TEXT NOT NULL,                -- whose the personal values are; or ''
    personal TEXT NOT NULL,              -- those, a JSON object sealed with the key of that person; or ''
    seq BIGINT,                          -- its place in the chain; null: not sealed yet
    hash TEXT                            -- of the one before it and all of this row, in hex
);
CREATE UNIQUE INDEX dowel_audit_seq ON dowel_audit (seq) WHERE seq IS NOT NULL;
CREATE INDEX dowel_audit_unsealed ON dowel_audit (id) WHERE seq IS NULL;
CREATE INDEX dowel_audit_of_tenant ON dowel_audit (tenant_id, id);
CREATE INDEX dowel_audit_of_actor ON dowel_audit (actor, id) WHERE actor <> '';
CREATE INDEX dowel_audit_of_target ON dowel_audit (target, id) WHERE target <> '';
CREATE INDEX dowel_audit_of_request ON dowel_audit (request) WHERE request <> '';

-- How far the chain reaches: a row, once something was sealed. The token says the same, sealed with the server's key.
CREATE TABLE dowel_audit_head (
    only_one INTEGER NOT NULL PRIMARY KEY CHECK (only_one = 1),
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL,
    removed_seq BIGINT NOT NULL,         -- up to here records were removed, as audit_keep says; 0: none
    removed_hash TEXT NOT NULL,          -- of the last one of them
    token TEXT NOT NULL,
    at TIMESTAMPTZ NOT NULL
);

-- A key for each person, sealed with the server's. Without it what it has sealed cannot be read any more, by nobody.
CREATE TABLE dowel_audit_keys (
    person TEXT PRIMARY KEY,
    token TEXT NOT NULL,                 -- '': erased
    made_at TIMESTAMPTZ NOT NULL,
    erased_at TIMESTAMPTZ
);

-- dialect: sqlite
CREATE TRIGGER dowel_audit_stays BEFORE UPDATE ON dowel_audit
WHEN OLD.seq IS NOT NULL OR OLD.hash IS NOT NULL OR NEW.seq IS NULL OR NEW.hash IS NULL
    OR NEW.id IS NOT OLD.id OR NEW.at IS NOT OLD.at OR NEW.tenant_id IS NOT OLD.tenant_id
    OR NEW.actor_kind IS NOT OLD.actor_kind OR NEW.actor IS NOT OLD.actor OR NEW.who IS NOT OLD.who
    OR NEW.plugin IS NOT OLD.plugin OR NEW.action IS NOT OLD.action OR NEW.target IS NOT OLD.target
    OR NEW.request IS NOT OLD.request OR NEW.details IS NOT OLD.details OR NEW.person IS NOT OLD.person
    OR NEW.personal IS NOT OLD.personal
BEGIN
    SELECT RAISE(ABORT, 'a record of the audit log is never changed');
END;
CREATE TRIGGER dowel_audit_is_kept BEFORE DELETE ON dowel_audit
WHEN OLD.seq IS NULL OR NOT EXISTS (SELECT 1 FROM dowel_audit_head WHERE OLD.seq <= removed_seq)
BEGIN
    SELECT RAISE(ABORT, 'a record of the audit log is removed only by audit_keep');
END;
CREATE TRIGGER dowel_audit_head_grows BEFORE UPDATE ON dowel_audit_head
WHEN NEW.seq < OLD.seq OR NEW.removed_seq < OLD.removed_seq OR NEW.removed_seq > NEW.seq
BEGIN
    SELECT RAISE(ABORT, 'the chain of the audit log only grows');
END;
CREATE TRIGGER dowel_audit_head_is_kept BEFORE DELETE ON dowel_audit_head
BEGIN
    SELECT RAISE(ABORT, 'the chain of the audit log only grows');
END;
CREATE TRIGGER dowel_audit_keys_stay BEFORE UPDATE ON dowel_audit_keys
WHEN OLD.token = '' OR NEW.person IS NOT OLD.person OR NEW.made_at IS NOT OLD.made_at
BEGIN
    SELECT RAISE(ABORT, 'a person that was erased from the audit log stays erased');
END;
CREATE TRIGGER dowel_audit_keys_are_kept BEFORE DELETE ON dowel_audit_keys
BEGIN
    SELECT RAISE(ABORT, 'a key of the audit log is erased, its row stays');
END;

-- dialect: postgres
CREATE FUNCTION dowel_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'restrict_violation';
END
$body$;

CREATE TRIGGER dowel_audit_stays BEFORE UPDATE ON dowel_audit FOR EACH ROW
WHEN (OLD.seq IS NOT NULL OR OLD.hash IS NOT NULL OR NEW.seq IS NULL OR NEW.hash IS NULL
    OR (NEW.id, NEW.at, NEW.tenant_id, NEW.actor_kind, NEW.actor, NEW.who, NEW.plugin, NEW.action, NEW.target,
        NEW.request, NEW.details, NEW.person, NEW.personal)
    IS DISTINCT FROM (OLD.id, OLD.at, OLD.tenant_id, OLD.actor_kind, OLD.actor, OLD.who, OLD.plugin, OLD.action,
        OLD.target, OLD.request, OLD.details, OLD.person, OLD.personal))
EXECUTE FUNCTION dowel_audit_refuse('a record of the audit log is never changed');

CREATE FUNCTION dowel_audit_removes() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF OLD.seq IS NOT NULL AND EXISTS (SELECT FROM dowel_audit_head WHERE OLD.seq <= removed_seq) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'a record of the audit log is removed only by audit_keep' USING ERRCODE = 'restrict_violation';
END
$body$;
CREATE TRIGGER dowel_audit_is_kept BEFORE DELETE ON dowel_audit FOR EACH ROW EXECUTE FUNCTION dowel_audit_removes();
CREATE TRIGGER dowel_audit_is_not_emptied BEFORE TRUNCATE ON dowel_audit
    EXECUTE FUNCTION dowel_audit_refuse('a record of the audit log is removed only by audit_keep');

CREATE TRIGGER dowel_audit_head_grows BEFORE UPDATE ON dowel_audit_head FOR EACH ROW
WHEN (NEW.seq < OLD.seq OR NEW.removed_seq < OLD.removed_seq OR NEW.removed_seq > NEW.seq)
EXECUTE FUNCTION dowel_audit_refuse('the chain of the audit log only grows');
CREATE TRIGGER dowel_audit_head_is_kept BEFORE DELETE OR TRUNCATE ON dowel_audit_head
    EXECUTE FUNCTION dowel_audit_refuse('the chain of the audit log only grows');

CREATE TRIGGER dowel_audit_keys_stay BEFORE UPDATE ON dowel_audit_keys FOR EACH ROW
WHEN (OLD.token = '' OR NEW.person IS DISTINCT FROM OLD.person OR NEW.made_at IS DISTINCT FROM OLD.made_at)
EXECUTE FUNCTION dowel_audit_refuse('a person that was erased from the audit log stays erased');
CREATE TRIGGER dowel_audit_keys_are_kept BEFORE DELETE OR TRUNCATE ON dowel_audit_keys
    EXECUTE FUNCTION dowel_audit_refuse('a key of the audit log is erased, its row stays');
-- dialect: all

-- migrate:down

DROP TABLE dowel_audit_keys;
DROP TABLE dowel_audit_head;
DROP TABLE dowel_audit;
-- dialect: postgres
DROP FUNCTION dowel_audit_removes();
DROP FUNCTION dowel_audit_refuse();
