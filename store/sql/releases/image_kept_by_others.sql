SELECT COUNT(*) AS keepers
FROM releases
WHERE image_digest = $1 AND app_id <> $2 AND image_kept = 1
