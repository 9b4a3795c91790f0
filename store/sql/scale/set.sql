UPDATE scale
SET wanted = $3, before_stop = $4
WHERE app_id = $1 AND process = $2
