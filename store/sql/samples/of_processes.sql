SELECT app_id, at_ms, process, body
FROM process_samples
WHERE app_id = $1 AND span_ms = $2 AND at_ms >= $3 AND at_ms < $4
ORDER BY at_ms, process
