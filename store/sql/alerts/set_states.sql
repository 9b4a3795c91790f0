INSERT INTO alert_states (scope, app_id, body)
VALUES ($1, $2, $3)
ON CONFLICT (scope) DO UPDATE SET body = excluded.body
