SELECT id, channel_id, body, state, attempts, last_error, created_at_ms, sent_at_ms
FROM deliveries
WHERE channel_id = $1
ORDER BY id DESC
LIMIT $2
