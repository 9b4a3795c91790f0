INSERT INTO config_values (app_id, key, sealed, bytes, generated, updated_at_ms)
VALUES ($1, $2, $3, $4, 1, $5)
ON CONFLICT (app_id, key) DO NOTHING
