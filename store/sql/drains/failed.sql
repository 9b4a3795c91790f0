UPDATE drains
SET failing_since_ms = COALESCE(failing_since_ms, $2), failure = $3
WHERE id = $1
