UPDATE deployments
SET state = $3, reason = $4, state_since_ms = $5, deadline_ms = $6, finished_at_ms = $7
WHERE id = $1 AND state = $2
