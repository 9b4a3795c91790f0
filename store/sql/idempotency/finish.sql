UPDATE idempotency
SET status = $3, body = $4
WHERE user_id = $1 AND key = $2 AND status IS NULL
