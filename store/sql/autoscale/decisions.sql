SELECT process, at_ms, decision
FROM autoscale_decisions
WHERE app_id = $1
ORDER BY number DESC
LIMIT $2
