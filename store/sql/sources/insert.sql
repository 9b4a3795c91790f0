INSERT INTO sources (id, app_id, bytes, sha256, created_at_ms)
VALUES ($1, $2, $3, $4, $5)
