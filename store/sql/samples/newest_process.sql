SELECT MAX(at_ms) AS at_ms
FROM process_samples
WHERE app_id = $1 AND span_ms = $2
