SELECT id, version
FROM releases
WHERE app_id = $1
