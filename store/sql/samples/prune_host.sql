DELETE FROM host_samples
WHERE span_ms = $1 AND at_ms < $2
