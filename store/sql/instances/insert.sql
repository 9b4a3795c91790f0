INSERT INTO instances (
    id, app_id, release_id, process, state, endpoint, created_at_ms, started, ready_at_ms,
    draining_since_ms, warm_until_ms, stopped_at_ms, restarts, reason, in_proxy
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
