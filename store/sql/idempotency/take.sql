-- Takes a key that is free, whose answer is too old, or whose request was abandoned.
INSERT INTO idempotency (user_id, key, request_hash, created_at_ms)
VALUES ($1, $2, $3, $4)
ON CONFLICT (user_id, key) DO UPDATE
SET request_hash = excluded.request_hash,
    status = NULL,
    body = NULL,
    created_at_ms = excluded.created_at_ms
WHERE idempotency.created_at_ms < $5
    OR (idempotency.status IS NULL AND idempotency.created_at_ms < $6)
