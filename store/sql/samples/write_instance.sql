INSERT INTO instance_samples (app_id, span_ms, at_ms, instance_id, process, body)
SELECT a.id, $2, $3, $4, $5, $6
FROM apps a
WHERE a.id = $1
ON CONFLICT (app_id, span_ms, at_ms, instance_id) DO UPDATE SET body = excluded.body
