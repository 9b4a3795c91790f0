SELECT
    id, app_id, release_id, process, state, endpoint, created_at_ms, started, ready_at_ms,
    draining_since_ms, warm_until_ms, stopped_at_ms, restarts, reason, in_proxy
FROM instances
WHERE state <> 'stopped'
ORDER BY app_id, id
