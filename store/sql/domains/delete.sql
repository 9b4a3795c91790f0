DELETE FROM domains
WHERE app_id = $1 AND domain = $2
