INSERT INTO alert_firings (id, scope, app_id, name, body, started_at_ms)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING
