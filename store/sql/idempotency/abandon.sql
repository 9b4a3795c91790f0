DELETE FROM idempotency
WHERE user_id = $1 AND key = $2 AND status IS NULL
