INSERT INTO process_samples (app_id, span_ms, at_ms, process, body)
SELECT a.id, $2, $3, $4, $5
FROM apps a
WHERE a.id = $1
ON CONFLICT (app_id, span_ms, at_ms, process) DO UPDATE SET body = excluded.body
