SELECT
    id, app_id, input, state, attempts, result, last_error, created_at_ms, finished_at_ms
FROM jobs
WHERE id = $1
