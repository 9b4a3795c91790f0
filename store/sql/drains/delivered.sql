UPDATE drains
SET position = $2, delivered_at_ms = $3, failing_since_ms = NULL, failure = NULL
WHERE id = $1
