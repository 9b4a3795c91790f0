DELETE FROM claims
WHERE hash = $1 AND expires_at_ms > $2
