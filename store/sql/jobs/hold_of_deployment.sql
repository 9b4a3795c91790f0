-- Changes nothing: it takes the row, so that nobody claims the job before we commit.
UPDATE jobs
SET fence = fence
WHERE deployment_id = $1 AND fence = $2 AND state = 'running'
