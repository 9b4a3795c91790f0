UPDATE refresh_tokens
SET spent_at_ms = $2
WHERE hash = $1 AND spent_at_ms IS NULL
