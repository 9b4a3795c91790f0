INSERT INTO deployments (
    id, app_id, sequence, kind, state, state_since_ms, deadline_ms, target_release_id, source,
    source_id, description, created_by, created_at_ms, log_start
)
VALUES ($1, $2, $3, $4, 'queued', $5, $6, $7, $8, $9, $10, $11, $5, $12)
