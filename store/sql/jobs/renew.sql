UPDATE jobs
SET lease_until_ms = $3
WHERE id = $1 AND fence = $2 AND state = 'running'
