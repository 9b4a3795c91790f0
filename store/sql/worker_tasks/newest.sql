SELECT rounds
FROM worker_tasks
ORDER BY at_ms DESC
LIMIT 1
