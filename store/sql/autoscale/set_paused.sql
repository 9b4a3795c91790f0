UPDATE autoscale
SET paused = $3
WHERE app_id = $1 AND process = $2
