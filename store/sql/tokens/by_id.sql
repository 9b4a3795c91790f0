SELECT
    t.id, t.user_id, t.name, t.scope, t.app_id, t.created_at_ms, t.expires_at_ms, t.last_used_at_ms,
    u.email, u.role, u.created_at_ms AS user_created_at_ms,
    a.name AS app
FROM tokens t
JOIN users u ON u.id = t.user_id
LEFT JOIN apps a ON a.id = t.app_id
WHERE t.id = $1
