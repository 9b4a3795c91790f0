SELECT id
FROM sources
WHERE app_id = $1
ORDER BY id
