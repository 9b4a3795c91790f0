SELECT MAX(at_ms) AS at_ms
FROM instance_samples
WHERE app_id = $1 AND span_ms = $2
