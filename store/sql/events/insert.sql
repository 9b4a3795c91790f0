INSERT INTO events (id, at_ms, app_id, app, body)
SELECT $1, $2, a.id, a.name, $4
FROM apps a
WHERE a.id = $3
