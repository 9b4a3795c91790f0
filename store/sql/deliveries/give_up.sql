UPDATE deliveries
SET state = 'failed', last_error = $2
WHERE id = $1 AND state = 'waiting'
