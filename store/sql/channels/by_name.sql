SELECT
    c.id, c.name, c.app_id, c.kind, c.description, c.created_at_ms, c.created_by, a.name AS app
FROM channels c
LEFT JOIN apps a ON a.id = c.app_id
WHERE c.name = $1
