DELETE FROM process_samples
WHERE app_id IN (SELECT id FROM apps) AND span_ms = $1 AND at_ms < $2
