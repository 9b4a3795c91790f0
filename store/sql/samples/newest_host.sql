SELECT MAX(at_ms) AS at_ms
FROM host_samples
WHERE span_ms = $1
