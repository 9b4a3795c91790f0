SELECT request_hash, status, body
FROM idempotency
WHERE user_id = $1 AND key = $2
