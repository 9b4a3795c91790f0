SELECT id, at_ms, app, body
FROM events
ORDER BY id DESC
LIMIT $1
