UPDATE jobs
SET state = 'failed', owner = NULL, lease_until_ms = NULL, last_error = $2, finished_at_ms = $3
WHERE app_id = $1 AND kind <> 'destroy' AND state IN ('queued', 'running')
