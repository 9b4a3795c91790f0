DELETE FROM drains
WHERE app_id = $1 AND id = $2
