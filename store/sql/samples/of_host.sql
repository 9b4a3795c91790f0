SELECT at_ms, body
FROM host_samples
WHERE span_ms = $1 AND at_ms >= $2 AND at_ms < $3
ORDER BY at_ms
