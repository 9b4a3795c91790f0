UPDATE jobs
SET state = 'queued', owner = NULL, lease_until_ms = NULL
WHERE owner = $1 AND state = 'running'
