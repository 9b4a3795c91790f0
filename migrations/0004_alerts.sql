-- Alerts, and the messages that tell of them. A scope is an app's id, or `host`.

-- Rules that somebody added, and changes of those that are there by themselves.
CREATE TABLE alert_rules (
    scope TEXT NOT NULL,
    app_id TEXT REFERENCES apps (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (scope, name),
    CHECK ((scope = 'host') = (app_id IS NULL))
);

-- Where every alert of a scope stands, in one row: it is written whole, every few seconds.
CREATE TABLE alert_states (
    scope TEXT PRIMARY KEY,
    app_id TEXT REFERENCES apps (id) ON DELETE CASCADE,
    body TEXT NOT NULL,
    CHECK ((scope = 'host') = (app_id IS NULL))
);

CREATE TABLE alert_firings (
    id TEXT PRIMARY KEY,
    scope TEXT NOT NULL,
    app_id TEXT REFERENCES apps (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    started_at_ms BIGINT NOT NULL,
    ended_at_ms BIGINT,
    ending TEXT,
    CHECK ((ended_at_ms IS NULL) = (ending IS NULL)),
    CHECK ((scope = 'host') = (app_id IS NULL))
);
CREATE UNIQUE INDEX alert_firings_one_at_a_time ON alert_firings (scope, name)
    WHERE ended_at_ms IS NULL;
CREATE INDEX alert_firings_by_scope ON alert_firings (scope, id);

CREATE TABLE channels (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    -- A channel limited to an app goes with it; it must never widen to all of them.
    app_id TEXT REFERENCES apps (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('webhook', 'slack', 'discord', 'email')),
    -- What is shown of the target, and the target itself.
    description TEXT NOT NULL,
    sealed_target TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    created_by TEXT NOT NULL
);

-- Messages on their way. Whoever sends one counts the attempt first, so one that ends a sender does
-- not do so for ever.
CREATE TABLE deliveries (
    id TEXT PRIMARY KEY,
    channel_id TEXT NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    -- The firing it tells of; none of a test.
    firing_id TEXT,
    body TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'failed')),
    attempts BIGINT NOT NULL CHECK (attempts >= 0),
    next_at_ms BIGINT NOT NULL,
    last_error TEXT,
    created_at_ms BIGINT NOT NULL,
    sent_at_ms BIGINT,
    CHECK ((state = 'sent') = (sent_at_ms IS NOT NULL))
);
CREATE INDEX deliveries_waiting ON deliveries (next_at_ms) WHERE state = 'waiting';
CREATE INDEX deliveries_by_channel ON deliveries (channel_id, id);
