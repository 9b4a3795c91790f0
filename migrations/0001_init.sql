-- The whole schema, for SQLite and PostgreSQL alike; README.md in this folder has the dialect.

CREATE TABLE installation (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    id TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL
);

-- The id of the newest event. Whoever writes an event holds this row until its commit, so ids grow
-- in commit order.
CREATE TABLE event_counter (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    last_id BIGINT NOT NULL
);
INSERT INTO event_counter (one, last_id) VALUES (1, 0);

CREATE TABLE apps (
    id TEXT PRIMARY KEY,
    -- Taken until the finaliser deleted the row, not merely until the tombstone.
    name TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('active', 'deleting')),
    deploy_branch TEXT NOT NULL,
    -- Refers to releases(id), which refers to this table.
    live_release_id TEXT,
    live_since_ms BIGINT,
    last_version BIGINT NOT NULL DEFAULT 0,
    last_sequence BIGINT NOT NULL DEFAULT 0,
    config_version BIGINT NOT NULL DEFAULT 0,
    created_at_ms BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    CHECK ((live_release_id IS NULL) = (live_since_ms IS NULL))
);

CREATE TABLE config_values (
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    sealed TEXT NOT NULL,
    bytes BIGINT NOT NULL CHECK (bytes >= 0),
    generated BIGINT NOT NULL CHECK (generated IN (0, 1)),
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (app_id, key)
);

CREATE TABLE scale (
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    process TEXT NOT NULL,
    wanted BIGINT NOT NULL CHECK (wanted BETWEEN 0 AND 100),
    PRIMARY KEY (app_id, process)
);

CREATE TABLE sources (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    bytes BIGINT NOT NULL CHECK (bytes >= 0),
    sha256 TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL
);
CREATE INDEX sources_by_app ON sources (app_id);

CREATE TABLE deployments (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    sequence BIGINT NOT NULL CHECK (sequence > 0),
    kind TEXT NOT NULL
        CHECK (kind IN ('push', 'upload', 'image', 'config', 'rollback', 'restart')),
    state TEXT NOT NULL CHECK (state IN (
        'queued', 'building', 'releasing', 'starting', 'switching', 'observing', 'reverting',
        'succeeded', 'failed', 'superseded', 'canceled', 'reverted', 'revert_failed'
    )),
    reason TEXT,
    state_since_ms BIGINT NOT NULL,
    deadline_ms BIGINT,
    -- These three refer to releases(id), which refers to this table.
    release_id TEXT,
    previous_release_id TEXT,
    target_release_id TEXT,
    source TEXT,
    source_id TEXT,
    description TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    finished_at_ms BIGINT,
    log_start BIGINT NOT NULL CHECK (log_start >= 0),
    receipt TEXT,
    UNIQUE (app_id, sequence),
    -- A deployment always ends: it has a deadline exactly as long as it has not.
    CHECK ((finished_at_ms IS NULL) = (deadline_ms IS NOT NULL)),
    CHECK ((finished_at_ms IS NOT NULL) = (state IN (
        'succeeded', 'failed', 'superseded', 'canceled', 'reverted', 'revert_failed'
    )))
);
CREATE UNIQUE INDEX deployments_one_active_an_app ON deployments (app_id)
    WHERE state IN ('building', 'releasing', 'starting', 'switching', 'observing', 'reverting');
CREATE INDEX deployments_unfinished ON deployments (app_id) WHERE finished_at_ms IS NULL;
CREATE INDEX deployments_by_deadline ON deployments (deadline_ms) WHERE deadline_ms IS NOT NULL;

CREATE TABLE releases (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    version BIGINT NOT NULL CHECK (version > 0),
    image_repository TEXT NOT NULL,
    image_digest TEXT NOT NULL,
    content TEXT NOT NULL,
    formation TEXT NOT NULL,
    sealed_config TEXT NOT NULL,
    source TEXT,
    source_id TEXT,
    description TEXT NOT NULL,
    deployment_id TEXT NOT NULL UNIQUE REFERENCES deployments (id) ON DELETE CASCADE,
    copy_of BIGINT,
    created_by TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    stable_at_ms BIGINT,
    pinned BIGINT NOT NULL CHECK (pinned IN (0, 1)),
    image_kept BIGINT NOT NULL CHECK (image_kept IN (0, 1)),
    UNIQUE (app_id, version)
);
CREATE INDEX releases_by_image ON releases (image_digest);

-- The processes of a release's formation, for joining them with their counts.
CREATE TABLE release_processes (
    release_id TEXT NOT NULL REFERENCES releases (id) ON DELETE CASCADE,
    process TEXT NOT NULL,
    PRIMARY KEY (release_id, process)
);

CREATE TABLE instances (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    release_id TEXT NOT NULL REFERENCES releases (id) ON DELETE CASCADE,
    process TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN (
        'starting', 'ready', 'unready', 'crashed', 'draining', 'stopping', 'stopped'
    )),
    endpoint TEXT,
    created_at_ms BIGINT NOT NULL,
    started BIGINT NOT NULL CHECK (started IN (0, 1)),
    ready_at_ms BIGINT,
    draining_since_ms BIGINT,
    warm_until_ms BIGINT,
    stopped_at_ms BIGINT,
    restarts BIGINT NOT NULL CHECK (restarts >= 0),
    reason TEXT,
    in_proxy BIGINT NOT NULL CHECK (in_proxy IN (0, 1)),
    CHECK (state <> 'stopped' OR stopped_at_ms IS NOT NULL)
);
CREATE INDEX instances_by_app ON instances (app_id, id) WHERE state <> 'stopped';
CREATE INDEX instances_stopped ON instances (app_id, stopped_at_ms) WHERE state = 'stopped';

-- Without a reference to apps: the job that deletes an app's rows outlives them.
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('deploy', 'run', 'destroy')),
    app_id TEXT NOT NULL,
    deployment_id TEXT UNIQUE,
    input TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
    owner TEXT,
    fence BIGINT NOT NULL DEFAULT 0,
    attempts BIGINT NOT NULL DEFAULT 0,
    available_at_ms BIGINT NOT NULL,
    lease_until_ms BIGINT,
    result TEXT,
    last_error TEXT,
    created_at_ms BIGINT NOT NULL,
    finished_at_ms BIGINT,
    CHECK ((kind = 'deploy') = (deployment_id IS NOT NULL)),
    CHECK ((state = 'running') = (lease_until_ms IS NOT NULL)),
    CHECK ((state = 'running') = (owner IS NOT NULL)),
    CHECK ((state IN ('done', 'failed')) = (finished_at_ms IS NOT NULL))
);
CREATE INDEX jobs_to_do ON jobs (available_at_ms) WHERE state IN ('queued', 'running');
CREATE UNIQUE INDEX jobs_one_deploy_an_app ON jobs (app_id)
    WHERE kind = 'deploy' AND state = 'running';
CREATE UNIQUE INDEX jobs_one_destroy_an_app ON jobs (app_id)
    WHERE kind = 'destroy' AND state IN ('queued', 'running');

CREATE TABLE events (
    id BIGINT PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    app_id TEXT NOT NULL,
    app TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX events_by_app ON events (app_id, id);

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('read', 'deploy', 'write', 'admin')),
    created_at_ms BIGINT NOT NULL
);

-- At most one claim token works at a time.
CREATE TABLE claims (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    hash TEXT NOT NULL,
    expires_at_ms BIGINT NOT NULL
);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    revoked_at_ms BIGINT
);
CREATE INDEX sessions_by_user ON sessions (user_id);

-- Spent tokens stay, so that one that comes back is known for what it is.
CREATE TABLE refresh_tokens (
    hash TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    spent_at_ms BIGINT
);
CREATE UNIQUE INDEX refresh_tokens_one_good_a_session ON refresh_tokens (session_id)
    WHERE spent_at_ms IS NULL;
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    scope TEXT NOT NULL CHECK (scope IN ('read', 'deploy', 'write', 'admin')),
    -- A token limited to an app goes with it; it must never widen to all of them.
    app_id TEXT REFERENCES apps (id) ON DELETE CASCADE,
    secret_hash TEXT NOT NULL UNIQUE,
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT,
    last_used_at_ms BIGINT
);
CREATE INDEX tokens_by_user ON tokens (user_id);

CREATE TABLE audit (
    id TEXT PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    actor TEXT,
    token TEXT,
    address TEXT,
    action TEXT NOT NULL,
    target TEXT,
    result TEXT NOT NULL,
    request_id TEXT NOT NULL
);

CREATE TABLE idempotency (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    status BIGINT,
    body TEXT,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id, key),
    CHECK ((status IS NULL) = (body IS NULL))
);

CREATE TABLE components (
    name TEXT PRIMARY KEY,
    ok BIGINT NOT NULL CHECK (ok IN (0, 1)),
    message TEXT NOT NULL,
    at_ms BIGINT NOT NULL
);
