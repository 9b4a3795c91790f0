UPDATE scale
SET wanted = $4
WHERE app_id = $1 AND process = $2 AND wanted = $3
