SELECT id, at_ms, app, body
FROM events
WHERE id > $1
ORDER BY id
LIMIT $2
