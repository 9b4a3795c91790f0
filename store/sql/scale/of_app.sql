SELECT process, wanted
FROM scale
WHERE app_id = $1
