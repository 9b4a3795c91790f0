UPDATE releases
SET image_kept = 1
WHERE app_id = $1 AND image_digest = $2
