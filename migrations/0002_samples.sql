-- What apps and the host did, interval by interval: how long an interval was, when it began, and
-- what was measured in it. Each table is read by one range of its primary key.

-- All instances of a process together.
CREATE TABLE process_samples (
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    span_ms BIGINT NOT NULL CHECK (span_ms IN (5000, 60000, 600000)),
    at_ms BIGINT NOT NULL,
    process TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (app_id, span_ms, at_ms, process)
);

-- Single instances, not for as long. Samples outlive their instance's row.
CREATE TABLE instance_samples (
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    span_ms BIGINT NOT NULL CHECK (span_ms IN (5000, 60000)),
    at_ms BIGINT NOT NULL,
    instance_id TEXT NOT NULL,
    process TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (app_id, span_ms, at_ms, instance_id)
);

CREATE TABLE host_samples (
    span_ms BIGINT NOT NULL CHECK (span_ms IN (5000, 60000, 600000)),
    at_ms BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (span_ms, at_ms)
);

-- What happened in a range of time, for the marks on a chart.
CREATE INDEX events_by_app_and_time ON events (app_id, at_ms);
