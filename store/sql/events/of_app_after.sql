SELECT id, at_ms, app, body
FROM events
WHERE app_id = $1 AND id > $2
ORDER BY id
LIMIT $3
