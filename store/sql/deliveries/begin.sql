UPDATE deliveries
SET attempts = attempts + 1, next_at_ms = $3
WHERE id = $1 AND attempts = $2 AND state = 'waiting'
