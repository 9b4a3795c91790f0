SELECT id, at_ms, app, body
FROM events
WHERE app_id = $1
ORDER BY id DESC
LIMIT $2
