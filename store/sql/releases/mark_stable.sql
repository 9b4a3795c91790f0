UPDATE releases
SET stable_at_ms = $2
WHERE id = $1 AND stable_at_ms IS NULL
