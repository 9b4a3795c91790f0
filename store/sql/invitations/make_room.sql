DELETE FROM invitations
WHERE email = $1 OR expires_at_ms <= $2
