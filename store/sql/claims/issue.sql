INSERT INTO claims (one, hash, expires_at_ms)
VALUES (1, $1, $2)
ON CONFLICT (one) DO UPDATE
SET hash = excluded.hash, expires_at_ms = excluded.expires_at_ms
