UPDATE jobs
SET state = 'queued', owner = NULL, lease_until_ms = NULL, attempts = attempts - 1, available_at_ms = $3
WHERE id = $1 AND fence = $2 AND state = 'running'
