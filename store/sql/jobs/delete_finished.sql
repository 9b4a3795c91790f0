DELETE FROM jobs
WHERE finished_at_ms < $1
