DELETE FROM invitations
WHERE secret_hash = $1 AND expires_at_ms > $2
RETURNING email, role, user_id
