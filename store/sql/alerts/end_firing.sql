UPDATE alert_firings
SET ended_at_ms = $2, ending = $3
WHERE id = $1 AND ended_at_ms IS NULL
