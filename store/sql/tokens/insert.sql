INSERT INTO tokens (
    id, user_id, name, scope, app_id, secret_hash, created_at_ms, expires_at_ms
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
