UPDATE apps
SET live_release_id = $2, live_since_ms = $3
WHERE id = $1
