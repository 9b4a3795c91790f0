UPDATE jobs
SET state = 'queued', owner = NULL, lease_until_ms = NULL, last_error = $3, available_at_ms = $4
WHERE id = $1 AND fence = $2 AND state = 'running'
