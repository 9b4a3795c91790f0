INSERT INTO invitations (
    id, email, role, user_id, secret_hash, invited_by, created_at_ms, expires_at_ms
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
