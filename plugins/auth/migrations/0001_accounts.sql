-- Users are global: who asks must be known before a tenant is. So none of these tables has a wall, every statement about
-- them names its tenant itself, and the column is called `tenant`.
-- migrate:up
CREATE TABLE auth_tenants (
    id         UUID        NOT NULL PRIMARY KEY,
    slug       TEXT        NOT NULL UNIQUE,
    name       TEXT        NOT NULL,
    active     BOOLEAN     NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL,
    version    BIGINT      NOT NULL DEFAULT 1
);

-- email is as somebody wrote it; email_key is what two spellings of one address have in common, and name_key the same of the
-- name: neither engine folds case as the other does.
-- password_until: the password was given by somebody else, and has to be changed before then.
CREATE TABLE auth_users (
    id                  UUID        NOT NULL PRIMARY KEY,
    email               TEXT        NOT NULL,
    email_key           TEXT        NOT NULL UNIQUE,
    name                TEXT        NOT NULL,
    name_key            TEXT        NOT NULL,
    locale              TEXT        NOT NULL DEFAULT '',
    zone                TEXT        NOT NULL DEFAULT '',
    password            TEXT,
    password_changed_at TIMESTAMPTZ,
    password_until      TIMESTAMPTZ,
    home_tenant         UUID        NOT NULL REFERENCES auth_tenants (id),
    is_operator         BOOLEAN     NOT NULL,
    active              BOOLEAN     NOT NULL,
    created_at          TIMESTAMPTZ NOT NULL,
    changed_at          TIMESTAMPTZ NOT NULL,
    last_login_at       TIMESTAMPTZ,
    version             BIGINT      NOT NULL DEFAULT 1
);
CREATE INDEX auth_users_by_home ON auth_users (home_tenant);

-- is_automatic: its permissions are those that plugins mean for a role of this name, the ones of tomorrow too; without it
-- they are the rows of auth_role_permissions.
CREATE TABLE auth_roles (
    id           UUID        NOT NULL PRIMARY KEY,
    tenant       UUID        NOT NULL REFERENCES auth_tenants (id) ON DELETE CASCADE,
    name         TEXT        NOT NULL,
    summary      TEXT        NOT NULL DEFAULT '',
    is_builtin   BOOLEAN     NOT NULL,
    is_automatic BOOLEAN     NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL,
    changed_at   TIMESTAMPTZ NOT NULL,
    version      BIGINT      NOT NULL DEFAULT 1,
    UNIQUE (tenant, name)
);

CREATE TABLE auth_role_permissions (
    role_id    UUID NOT NULL REFERENCES auth_roles (id) ON DELETE CASCADE,
    permission TEXT NOT NULL,
    PRIMARY KEY (role_id, permission)
);

CREATE TABLE auth_members (
    tenant     UUID        NOT NULL REFERENCES auth_tenants (id) ON DELETE CASCADE,
    user_id    UUID        NOT NULL REFERENCES auth_users (id) ON DELETE CASCADE,
    active     BOOLEAN     NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL,
    version    BIGINT      NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant, user_id)
);
CREATE INDEX auth_members_by_user ON auth_members (user_id);

CREATE TABLE auth_member_roles (
    tenant  UUID NOT NULL,
    user_id UUID NOT NULL,
    role_id UUID NOT NULL REFERENCES auth_roles (id) ON DELETE CASCADE,
    PRIMARY KEY (tenant, user_id, role_id),
    FOREIGN KEY (tenant, user_id) REFERENCES auth_members (tenant, user_id) ON DELETE CASCADE
);
CREATE INDEX auth_member_roles_by_role ON auth_member_roles (role_id);

-- One row, made together with the first user: who counts its first claim is the first, on however many servers.
CREATE TABLE auth_setup (
    id      INTEGER     NOT NULL PRIMARY KEY,
    claims  BIGINT      NOT NULL DEFAULT 0,
    done_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE auth_setup_tokens (
    hash       TEXT        NOT NULL PRIMARY KEY,
    expires_at TIMESTAMPTZ NOT NULL
);

-- Log-ins that failed, by what they have in common (throttle.h); keys are hashes, so they tell nobody's address.
CREATE TABLE auth_throttle (
    id         TEXT        NOT NULL PRIMARY KEY,
    tries      BIGINT      NOT NULL,
    open_at    TIMESTAMPTZ NOT NULL,
    forget_at  TIMESTAMPTZ NOT NULL
);
CREATE INDEX auth_throttle_by_time ON auth_throttle (forget_at);

-- From where a user has signed in before.
CREATE TABLE auth_places (
    user_id UUID        NOT NULL REFERENCES auth_users (id) ON DELETE CASCADE,
    place   TEXT        NOT NULL,
    seen_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (user_id, place)
);

-- migrate:down
DROP TABLE auth_places;
DROP TABLE auth_throttle;
DROP TABLE auth_setup_tokens;
DROP TABLE auth_setup;
DROP TABLE auth_member_roles;
DROP TABLE auth_members;
DROP TABLE auth_role_permissions;
DROP TABLE auth_roles;
DROP TABLE auth_users;
DROP TABLE auth_tenants;
