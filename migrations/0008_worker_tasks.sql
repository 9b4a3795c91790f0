-- How the last round of each of a worker's tasks went, as that worker last said.

CREATE TABLE worker_tasks (
    worker TEXT NOT NULL PRIMARY KEY,
    -- A list of rounds, as JSON.
    rounds TEXT NOT NULL,
    at_ms BIGINT NOT NULL
);
