UPDATE scale
SET wanted = $3
WHERE app_id = $1 AND process = $2
