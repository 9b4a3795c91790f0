DELETE FROM autoscale
WHERE app_id = $1 AND process = $2
