INSERT INTO process_samples (app_id, span_ms, at_ms, process, body)
SELECT a.id, CAST(r.value ->> 1 AS BIGINT), CAST(r.value ->> 2 AS BIGINT), r.value ->> 3, r.value ->> 4
FROM jsonb_array_elements(CAST(CAST($1 AS TEXT) AS jsonb)) AS r (value)
CROSS JOIN apps a
WHERE a.id = r.value ->> 0
ON CONFLICT (app_id, span_ms, at_ms, process) DO UPDATE SET body = excluded.body
