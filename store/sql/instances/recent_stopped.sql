SELECT
    id, app_id, release_id, process, state, endpoint, created_at_ms, started, ready_at_ms,
    draining_since_ms, warm_until_ms, stopped_at_ms, restarts, reason, in_proxy
FROM instances
WHERE app_id = $1 AND state = 'stopped'
ORDER BY stopped_at_ms DESC, id DESC
LIMIT $2
