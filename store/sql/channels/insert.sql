INSERT INTO channels (
    id, name, app_id, kind, description, sealed_target, created_at_ms, created_by
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (name) DO NOTHING
