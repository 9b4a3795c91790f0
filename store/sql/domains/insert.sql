INSERT INTO domains (domain, app_id, added_at_ms, added_by)
VALUES ($1, $2, $3, $4)
ON CONFLICT (domain) DO NOTHING
