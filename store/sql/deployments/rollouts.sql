SELECT
    id, app_id, sequence, kind, state, reason, state_since_ms, deadline_ms, release_id,
    previous_release_id, target_release_id, source, description, created_by, created_at_ms,
    finished_at_ms, log_start, receipt
FROM deployments
WHERE finished_at_ms IS NULL AND state IN ('starting', 'switching', 'observing', 'reverting')
ORDER BY app_id
