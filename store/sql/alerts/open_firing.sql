SELECT f.id, f.name, f.body, f.started_at_ms, f.ended_at_ms, f.ending, a.name AS app
FROM alert_firings f
LEFT JOIN apps a ON a.id = f.app_id
WHERE f.scope = $1 AND f.name = $2 AND f.ended_at_ms IS NULL
