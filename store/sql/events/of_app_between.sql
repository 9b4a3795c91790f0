SELECT id, at_ms, app, body
FROM events
WHERE app_id = $1 AND at_ms >= $2 AND at_ms < $3
ORDER BY id
LIMIT $4
