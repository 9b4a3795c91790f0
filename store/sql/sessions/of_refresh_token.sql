SELECT s.id, s.revoked_at_ms, s.expires_at_ms, u.id AS user_id, u.email, u.role, u.created_at_ms
FROM refresh_tokens t
JOIN sessions s ON s.id = t.session_id
JOIN users u ON u.id = s.user_id
WHERE t.hash = $1
