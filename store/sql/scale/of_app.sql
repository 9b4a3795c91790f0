SELECT process, wanted, before_stop
FROM scale
WHERE app_id = $1
