INSERT INTO alert_rules (scope, app_id, name, body, updated_at_ms, updated_by)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (scope, name) DO UPDATE SET
    body = excluded.body, updated_at_ms = excluded.updated_at_ms, updated_by = excluded.updated_by
