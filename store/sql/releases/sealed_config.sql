SELECT app_id, sealed_config
FROM releases
WHERE id = $1
