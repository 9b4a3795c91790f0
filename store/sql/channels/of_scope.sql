SELECT id
FROM channels
WHERE app_id IS NULL OR app_id = $1
ORDER BY id
