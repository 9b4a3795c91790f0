UPDATE autoscale
SET present = $3, present_at_ms = $4
WHERE app_id = $1 AND process = $2
