-- Receivers of the apps' log lines.

CREATE TABLE drains (
    id TEXT NOT NULL PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    -- The whole address, with its secrets.
    sealed_target TEXT NOT NULL,
    -- What may be shown of it.
    address TEXT NOT NULL,
    sources TEXT NOT NULL,
    -- Up to where the app's log was delivered.
    position TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    delivered_at_ms BIGINT,
    failing_since_ms BIGINT,
    failure TEXT,
    test_asked_ms BIGINT,
    test_done_ms BIGINT,
    test_error TEXT,
    CHECK ((failing_since_ms IS NULL) = (failure IS NULL))
);
CREATE INDEX drains_by_app ON drains (app_id);
