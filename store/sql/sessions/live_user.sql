SELECT u.id AS user_id, u.email, u.role, u.created_at_ms
FROM sessions s
JOIN users u ON u.id = s.user_id
WHERE s.id = $1 AND s.revoked_at_ms IS NULL AND s.expires_at_ms > $2
