INSERT INTO instance_samples (app_id, span_ms, at_ms, instance_id, process, body)
SELECT a.id, CAST(r.value ->> 1 AS BIGINT), CAST(r.value ->> 2 AS BIGINT), r.value ->> 3, r.value ->> 4, r.value ->> 5
FROM jsonb_array_elements(CAST(CAST($1 AS TEXT) AS jsonb)) AS r (value)
CROSS JOIN apps a
WHERE a.id = r.value ->> 0
ON CONFLICT (app_id, span_ms, at_ms, instance_id) DO UPDATE SET body = excluded.body
