UPDATE jobs
SET state = 'done', owner = NULL, lease_until_ms = NULL, result = $3, finished_at_ms = $4
WHERE id = $1 AND fence = $2 AND state = 'running'
