SELECT app_id, span_ms, at_ms, process, body
FROM process_samples
WHERE app_id IN (SELECT id FROM apps WHERE state = 'active') AND span_ms = $1 AND at_ms >= $2
UNION ALL
SELECT app_id, span_ms, at_ms, process, body
FROM process_samples
WHERE app_id IN (SELECT id FROM apps WHERE state = 'active') AND span_ms = $3 AND at_ms >= $4
ORDER BY app_id, at_ms
