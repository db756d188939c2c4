-- What proves who somebody is. No secret stands here as it is: tokens, cookies and codes are SHA-256 hashes (they are random
-- and long, so nothing is gained by salt or slowness), what has to be read again is sealed with the server's key.
-- migrate:up

-- The keys that sign access tokens. One of each algorithm signs; the others verify until ends_at, when the last token that
-- they signed has expired.
CREATE TABLE auth_signing_keys (
    id         TEXT        NOT NULL PRIMARY KEY,
    algorithm  TEXT        NOT NULL,
    secret     TEXT        NOT NULL,
    is_current BOOLEAN     NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    ends_at    TIMESTAMPTZ
);
-- Servers that need the first key at once agree by this: one of them inserts it.
CREATE UNIQUE INDEX auth_signing_keys_current ON auth_signing_keys (algorithm) WHERE is_current;

-- Programs that send their users here to sign in: public clients, which can keep no secret.
CREATE TABLE auth_clients (
    id            UUID        NOT NULL PRIMARY KEY,
    name          TEXT        NOT NULL,
    redirect_uris JSON        NOT NULL,
    created_by    UUID,
    created_at    TIMESTAMPTZ NOT NULL
);

-- A signing-in, until it ends. kind: 'browser' (a cookie, whose hash is here) or 'token' (its refresh tokens are a family
-- of auth_refresh). scopes: what it was limited to; null: nothing. ended_at: by whom or what, says `why`.
CREATE TABLE auth_sessions (
    id           UUID        NOT NULL PRIMARY KEY,
    user_id      UUID        NOT NULL REFERENCES auth_users (id) ON DELETE CASCADE,
    tenant       UUID        NOT NULL REFERENCES auth_tenants (id) ON DELETE CASCADE,
    kind         TEXT        NOT NULL,
    cookie_hash  TEXT UNIQUE,
    client_id    UUID        REFERENCES auth_clients (id) ON DELETE CASCADE,
    scopes       TEXT,
    address      TEXT        NOT NULL,
    agent        TEXT        NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL,
    seen_at      TIMESTAMPTZ NOT NULL,
    ends_at      TIMESTAMPTZ NOT NULL,
    ended_at     TIMESTAMPTZ,
    why          TEXT
);
CREATE INDEX auth_sessions_by_user ON auth_sessions (user_id);
CREATE INDEX auth_sessions_by_end ON auth_sessions (ends_at);

-- Refresh tokens. used_at: it was given back, and got `successor` (sealed), which for a few seconds it gets again: tabs
-- that refresh at the same moment shall not log each other out.
CREATE TABLE auth_refresh (
    hash       TEXT        NOT NULL PRIMARY KEY,
    session_id UUID        NOT NULL REFERENCES auth_sessions (id) ON DELETE CASCADE,
    created_at TIMESTAMPTZ NOT NULL,
    ends_at    TIMESTAMPTZ NOT NULL,
    used_at    TIMESTAMPTZ,
    successor  TEXT
);
CREATE INDEX auth_refresh_by_session ON auth_refresh (session_id);

-- Authorization codes (RFC 6749, 4.1) with their challenge (RFC 7636). session_id: what it was exchanged for; shown a
-- second time, it ends that.
CREATE TABLE auth_codes (
    hash         TEXT        NOT NULL PRIMARY KEY,
    client_id    UUID        NOT NULL REFERENCES auth_clients (id) ON DELETE CASCADE,
    user_id      UUID        NOT NULL REFERENCES auth_users (id) ON DELETE CASCADE,
    tenant       UUID        NOT NULL REFERENCES auth_tenants (id) ON DELETE CASCADE,
    redirect_uri TEXT        NOT NULL,
    challenge    TEXT        NOT NULL,
    scopes       TEXT,
    ends_at      TIMESTAMPTZ NOT NULL,
    used_at      TIMESTAMPTZ,
    session_id   UUID
);
CREATE INDEX auth_codes_by_user ON auth_codes (user_id);
CREATE INDEX auth_codes_by_end ON auth_codes (ends_at);

-- API keys. hint: how the key begins, so that people recognise it. scopes: permissions, never more than its user has.
-- warned_at: that it ends soon has been said.
CREATE TABLE auth_keys (
    id           UUID        NOT NULL PRIMARY KEY,
    hash         TEXT        NOT NULL UNIQUE,
    hint         TEXT        NOT NULL,
    user_id      UUID        NOT NULL REFERENCES auth_users (id) ON DELETE CASCADE,
    tenant       UUID        NOT NULL REFERENCES auth_tenants (id) ON DELETE CASCADE,
    name         TEXT        NOT NULL,
    scopes       TEXT        NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL,
    ends_at      TIMESTAMPTZ,
    used_at      TIMESTAMPTZ,
    used_from    TEXT,
    revoked_at   TIMESTAMPTZ,
    warned_at    TIMESTAMPTZ
);
CREATE INDEX auth_keys_by_user ON auth_keys (user_id, tenant);

-- migrate:down
DROP TABLE auth_keys;
DROP TABLE auth_codes;
DROP TABLE auth_refresh;
DROP TABLE auth_sessions;
DROP TABLE auth_clients;
DROP TABLE auth_signing_keys;
