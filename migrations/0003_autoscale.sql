-- How processes are scaled by themselves, and what came of it.

CREATE TABLE autoscale (
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    process TEXT NOT NULL,
    settings TEXT NOT NULL,
    -- Somebody set the count to 0 by hand: nothing is decided and nobody is woken until it is more.
    paused BIGINT NOT NULL CHECK (paused IN (0, 1)),
    updated_at_ms BIGINT NOT NULL,
    -- The newest decision, also one that changed nothing.
    present TEXT,
    present_at_ms BIGINT,
    PRIMARY KEY (app_id, process),
    CHECK ((present IS NULL) = (present_at_ms IS NULL))
);

-- Decisions that changed a count or say what keeps it, the newest of each app.
CREATE TABLE autoscale_decisions (
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    process TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    decision TEXT NOT NULL,
    PRIMARY KEY (app_id, number)
);
