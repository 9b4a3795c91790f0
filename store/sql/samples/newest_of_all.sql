SELECT app_id, at_ms, process, body
FROM process_samples
WHERE app_id IN (SELECT id FROM apps WHERE state = 'active') AND span_ms = $1 AND at_ms >= $2
ORDER BY app_id, process, at_ms
