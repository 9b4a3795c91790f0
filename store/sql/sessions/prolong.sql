UPDATE sessions
SET expires_at_ms = $2
WHERE id = $1
