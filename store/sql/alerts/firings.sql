SELECT f.id, f.name, f.body, f.started_at_ms, f.ended_at_ms, f.ending, a.name AS app
FROM alert_firings f
LEFT JOIN apps a ON a.id = f.app_id
WHERE f.scope = $1 AND f.id < $2
ORDER BY f.id DESC
LIMIT $3
