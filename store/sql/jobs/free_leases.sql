UPDATE jobs
SET state = 'queued', owner = NULL, lease_until_ms = NULL, available_at_ms = $2
WHERE owner = $1 AND state = 'running'
