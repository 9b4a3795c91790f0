UPDATE deliveries
SET state = 'sent', sent_at_ms = $2
WHERE id = $1 AND state = 'waiting'
