INSERT INTO autoscale (app_id, process, settings, paused, updated_at_ms)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (app_id, process) DO UPDATE
SET settings = excluded.settings, paused = excluded.paused, updated_at_ms = excluded.updated_at_ms
