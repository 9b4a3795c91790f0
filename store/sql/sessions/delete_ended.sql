DELETE FROM sessions
WHERE expires_at_ms < $1 OR revoked_at_ms < $1
