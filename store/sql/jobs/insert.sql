INSERT INTO jobs (
    id, kind, app_id, deployment_id, input, state, available_at_ms, created_at_ms
)
VALUES ($1, $2, $3, $4, $5, 'queued', $6, $7)
