UPDATE releases
SET image_kept = 0
WHERE app_id = $1 AND image_digest = $2 AND image_kept = 1
