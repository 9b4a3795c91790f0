SELECT
    i.id, i.email, i.role, i.user_id, i.created_at_ms, i.expires_at_ms,
    u.email AS invited_by
FROM invitations i
JOIN users u ON u.id = i.invited_by
WHERE i.secret_hash = $1 AND i.expires_at_ms > $2
