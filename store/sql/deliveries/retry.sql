UPDATE deliveries
SET next_at_ms = $2, last_error = $3
WHERE id = $1 AND state = 'waiting'
