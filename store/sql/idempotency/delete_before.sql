DELETE FROM idempotency
WHERE created_at_ms < $1
