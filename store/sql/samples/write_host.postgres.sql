INSERT INTO host_samples (span_ms, at_ms, body)
SELECT CAST(r.value ->> 0 AS BIGINT), CAST(r.value ->> 1 AS BIGINT), r.value ->> 2
FROM jsonb_array_elements(CAST(CAST($1 AS TEXT) AS jsonb)) AS r (value)
WHERE true
ON CONFLICT (span_ms, at_ms) DO UPDATE SET body = excluded.body
