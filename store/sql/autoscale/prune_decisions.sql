DELETE FROM autoscale_decisions
WHERE app_id = $1 AND number <= $2
