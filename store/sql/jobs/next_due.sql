SELECT MIN(available_at_ms) AS due_at_ms
FROM jobs
WHERE state = 'queued' AND available_at_ms > $1
