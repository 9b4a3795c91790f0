SELECT
    id, app_id, sequence, kind, state, reason, state_since_ms, deadline_ms, release_id,
    previous_release_id, target_release_id, source, description, created_by, created_at_ms,
    finished_at_ms, log_start, receipt
FROM deployments
WHERE app_id = $1 AND sequence < $2
ORDER BY sequence DESC
LIMIT $3
