SELECT state, COUNT(*) AS jobs
FROM jobs
WHERE state IN ('queued', 'running')
GROUP BY state
