UPDATE tokens
SET last_used_at_ms = $2
WHERE id = $1
