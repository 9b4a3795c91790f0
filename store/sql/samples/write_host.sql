INSERT INTO host_samples (span_ms, at_ms, body)
VALUES ($1, $2, $3)
ON CONFLICT (span_ms, at_ms) DO UPDATE SET body = excluded.body
