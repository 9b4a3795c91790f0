SELECT id
FROM jobs
WHERE kind = 'run' AND state IN ('queued', 'running')
